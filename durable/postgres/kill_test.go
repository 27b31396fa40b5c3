package postgres_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/durable/internal/durabletest"
)

func TestKill(t *testing.T) {
	t.Parallel()
	durabletest.BothWays(t, func(t *testing.T, sealed bool) {
		pool, schema := connect(t)
		durabletest.Kill(t, durabletest.Place{Name: pool.Config().ConnString(), Schema: schema, Sealed: sealed})
	})
}

func TestKillRecompose(t *testing.T) {
	t.Parallel()
	durabletest.BothWays(t, func(t *testing.T, sealed bool) {
		pool, schema := connect(t)
		place := durabletest.Place{Name: pool.Config().ConnString(), Schema: schema, Sealed: sealed}
		durabletest.KillRecompose(t, place, databaseOn(pool, schema))
	})
}

func TestKillPublish(t *testing.T) {
	t.Parallel()
	durabletest.BothWays(t, func(t *testing.T, sealed bool) {
		pool, schema := connect(t)
		place := durabletest.Place{Name: pool.Config().ConnString(), Schema: schema, Sealed: sealed}
		durabletest.KillPublish(t, place, databaseOn(pool, schema))
	})
}

func TestDecide(t *testing.T) {
	t.Parallel()
	pool, schema := connect(t)
	durabletest.Decide(t, durabletest.Place{Name: pool.Config().ConnString(), Schema: schema})
}

func TestClocks(t *testing.T) {
	t.Parallel()
	pool, schema := connect(t)
	durabletest.Clocks(t, durabletest.Place{Name: pool.Config().ConnString(), Schema: schema})
}

func TestTakeOver(t *testing.T) {
	t.Parallel()
	durabletest.BothWays(t, func(t *testing.T, sealed bool) {
		pool, schema := connect(t)
		durabletest.TakeOver(t, durabletest.Place{Name: pool.Config().ConnString(), Schema: schema, Sealed: sealed})
	})
}

func TestOutage(t *testing.T) {
	t.Parallel()
	durabletest.BothWays(t, func(t *testing.T, sealed bool) {
		s := startServer(t)
		durabletest.Outage(t, durabletest.Place{Name: s.dsn, Schema: "ringhook", Sealed: sealed}, func() {
			// As in a crash, nothing more is written to disk.
			s.control("stop", "-m", "immediate")
			down := time.NewTimer(2 * time.Second)
			<-down.C
			s.control("start")
		})
	})
}

// A server is a Postgres of the test's own, which it may stop.
type server struct {
	t         *testing.T
	bin, data string
	dsn       string
}

func startServer(t *testing.T) *server {
	bins, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	require.NoError(t, err)
	if len(bins) == 0 {
		t.Skip("needs a Postgres of its own: there is no /usr/lib/postgresql/*/bin/initdb")
	}
	//nolint:usetesting // the server's user could not get into t.TempDir
	folder, err := os.MkdirTemp("", "ringhook")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(folder)) })
	s := &server{t: t, bin: filepath.Dir(slices.Max(bins)), data: filepath.Join(folder, "data")}
	if os.Getuid() == 0 {
		owner, err := user.Lookup("postgres")
		require.NoError(t, err)
		uid, err := strconv.Atoi(owner.Uid)
		require.NoError(t, err)
		require.NoError(t, os.Chown(folder, uid, -1))
	}
	// With its syncs, since it is going to crash.
	s.run("initdb", "-D", s.data, "-U", "ringhook", "-A", "trust", "-E", "UTF8")
	port := freePort(t)
	settings := fmt.Sprintf("listen_addresses = '127.0.0.1'\nport = %d\nunix_socket_directories = '%s'\n", port, folder)
	require.NoError(t, os.WriteFile(filepath.Join(s.data, "postgresql.auto.conf"), []byte(settings), 0o600))
	s.dsn = fmt.Sprintf("postgres://ringhook@127.0.0.1:%d/postgres", port)
	s.control("start")
	t.Cleanup(func() { s.control("stop", "-m", "immediate") })
	return s
}

func (s *server) control(args ...string) {
	s.t.Helper()
	s.run("pg_ctl", slices.Concat([]string{"-D", s.data, "-w", "-l", filepath.Join(s.data, "server.log")}, args)...)
}

func (s *server) run(program string, args ...string) {
	s.t.Helper()
	// Not the test's context, which has ended when the server is stopped.
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	args = append([]string{filepath.Join(s.bin, program)}, args...)
	if os.Getuid() == 0 { // as which it refuses to run
		args = append([]string{"runuser", "-u", "postgres", "--"}, args...)
	}
	// Into a file, not a pipe: the server would keep that open, and Run would wait for
	// its end.
	output, err := os.CreateTemp(s.t.TempDir(), program)
	require.NoError(s.t, err)
	defer output.Close()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = output, output
	if err := cmd.Run(); err != nil {
		text, _ := os.ReadFile(output.Name())
		require.NoError(s.t, err, "%s", text)
	}
}

// freePort returns a port that nothing listens on now.
func freePort(t *testing.T) int {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
