package http1_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// serverEnv makes the test's program a receiver in a process of its own, which ends with
// its standard input.
const serverEnv = "HTTP1_TEST_SERVER"

// No exchange leaves a goroutine behind.
func TestMain(m *testing.M) {
	if os.Getenv(serverEnv) == "" {
		goleak.VerifyTestMain(m)
		return
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(l.Addr()) //nolint:forbidigo // read by the test
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				for r := bufio.NewReaderSize(conn, 512); readRequest(r); {
					_, _ = io.WriteString(conn, ok)
				}
			}()
		}
	}()
	_, _ = io.Copy(io.Discard, os.Stdin)
}
