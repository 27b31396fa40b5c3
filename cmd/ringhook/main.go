// Ringhook checks, renders, signs, verifies, receives and sends webhooks on the command
// line.
//
//	go install github.com/ringhook/webhook/cmd/ringhook@latest
//	ringhook help
package main

import (
	"context"
	"os"
)

func main() { os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
