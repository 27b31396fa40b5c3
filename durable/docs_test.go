package durable_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The lines of the README that make a queue durable are Go, of this module as it is.
func TestDocs_README(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	_, lines, ok := strings.Cut(strings.ReplaceAll(string(readme), "\r\n", "\n"), "\n```go\nengine, err := ")
	require.True(t, ok)
	lines, _, ok = strings.Cut(lines, "```\n")
	require.True(t, ok)
	program := filepath.Join(t.TempDir(), "main.go")
	require.NoError(t, os.WriteFile(program, []byte(`package main

import (
	"context"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/durable/sqlite"
	"github.com/ringhook/webhook/queue"
)

func main() {
	engine, err := `+lines+`
	if err == nil {
		err = q.Run(context.Background())
	}
	println(engine, err)
}
`), 0o600))
	out, err := exec.CommandContext(t.Context(), "go", "vet", program).CombinedOutput()
	require.NoError(t, err, "%s", out)
}
