package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// TestMain is also the program of the processes that the trials start.
func TestMain(m *testing.M) {
	if isWorker() {
		os.Exit(workerMain())
	}
	os.Exit(m.Run())
}

func TestRun_sqlite(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	out := prove(t, filepath.Join(folder, "webhooks.db"))
	require.Contains(t, out, "SQLite 3.")
	empty(t, folder)
}

func TestRun_postgres(t *testing.T) {
	t.Parallel()
	dsn := os.Getenv("RINGHOOK_POSTGRES")
	if dsn == "" {
		t.Skip("needs Postgres: set RINGHOOK_POSTGRES to a DSN, such as postgres://user:password@127.0.0.1:5432/database")
	}
	tr := newTrial(options{place: dsn, during: 3 * time.Second, rate: 100, harshly: true}, io.Discard)
	out := command(t, tr, exitFine)
	require.Contains(t, out, "PostgreSQL ")
	require.NotContains(t, out, "once not") // it may terminate its own connections
	conn, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer conn.Close(context.Background())
	var n int
	const schemas = `SELECT count(*) FROM pg_namespace WHERE nspname = $1`
	require.NoError(t, conn.QueryRow(t.Context(), schemas, tr.place.Schema).Scan(&n))
	require.Zero(t, n, "the schema is left")
	const connections = `SELECT count(*) FROM pg_stat_activity WHERE application_name = $1`
	require.Eventually(t, func() bool {
		return conn.QueryRow(t.Context(), connections, tr.place.AppName).Scan(&n) == nil && n == 0
	}, 10*time.Second, 50*time.Millisecond, "connections are left")
}

// prove runs a trial of a few seconds, which must be one, and returns what it prints.
func prove(t *testing.T, place string) string {
	t.Helper()
	o := options{place: place, during: 3 * time.Second, rate: 100, harshly: true}
	return command(t, newTrial(o, io.Discard), exitFine)
}

func command(t *testing.T, tr *trial, status int) string {
	t.Helper()
	var out, progress strings.Builder
	require.Equal(t, status, tr.command(t.Context(), &out, &progress), "%s%s", &out, &progress)
	require.Empty(t, progress.String())
	require.Empty(t, tr.processes)
	require.Regexp(t, `(?m)^accepted +[1-9][0-9,]* `, out.String())
	if !tr.gently {
		require.Regexp(t, `(?m)^kills +[1-9]`, out.String())
		require.Regexp(t, `(?m)^cuts +[1-9]`, out.String())
	}
	return out.String()
}

func empty(t *testing.T, folder string) {
	t.Helper()
	left, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Empty(t, left, "something is left behind")
}

// TestRun_loss has the comparison pass over the deliveries of one message of each kind:
// it must say that they are lost.
func TestRun_loss(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	file := filepath.Join(folder, "x.db")
	tr := newTrial(options{place: file, during: time.Second, rate: 100, gently: true}, io.Discard)
	passed := map[string]string{}
	tr.ledger.blind = func(id string) bool {
		how, _, _ := strings.Cut(id, "-")
		if passed[how] == "" {
			passed[how] = id
		}
		return passed[how] == id
	}
	out := command(t, tr, exitLost)
	require.Regexp(t, `(?m)^lost +2$`, out)
	require.Contains(t, out, "NOT AS PROMISED")
	empty(t, folder)
}

// TestRun_interrupted ends a trial while its processes work.
func TestRun_interrupted(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	tr := newTrial(options{place: filepath.Join(folder, "x.db"), during: time.Hour, rate: 100}, io.Discard)
	tr.ledger.blind = func(string) bool { cancel(); return false } // at the first delivery
	var out, progress strings.Builder
	require.Equal(t, exitInterrupted, tr.command(ctx, &out, &progress))
	require.Equal(t, "prove: interrupted\n", progress.String())
	require.Empty(t, out.String())
	require.Empty(t, tr.processes)
	empty(t, folder)
}

func TestRun_usage(t *testing.T) {
	t.Parallel()
	const usedLike = "\nprove -h tells how it is used.\n"
	const where = "prove: where? It needs the DSN of a Postgres, or a path for an SQLite file" + usedLike
	const unreadable = "prove: the DSN cannot be read (in a URL, a password needs %23 for #, %2F for / and so on); " +
		"it is not shown, since it may have a password" + usedLike
	const mysql = "prove: a DSN begins with postgres:// or is made of key=value; MySQL is not supported" + usedLike
	const folder = "prove: FILE is in no folder that there is; a DSN begins with postgres://" + usedLike
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"nothing", nil, where},
		{"only flags", []string{"-for", "1m"}, where},
		{"two places", []string{"a", "b"}, "prove: one DSN or FILE, not 2; quote one with blanks" + usedLike},
		{"too short", []string{"a", "-for", "1ms"}, "prove: -for 1ms: from 1s to 6h" + usedLike},
		{"too long", []string{"-for", "7h", "a"}, "prove: -for 7h0m0s: from 1s to 6h" + usedLike},
		{"no rate", []string{"a", "-rate=0"}, "prove: -rate 0: from 1 to 2000" + usedLike},
		{
			"too much",
			[]string{"a", "-for=2h", "-rate=2000"},
			"prove: -for and -rate: more than 5,000,000 events, whose IDs are kept in memory" + usedLike,
		},
		{"an unknown flag", []string{"a", "-x"}, "prove: flag provided but not defined: -x" + usedLike},
		{"another database", []string{"mysql://u:hidden@h/d"}, mysql},
		{"a port that is none", []string{"postgres://u:hidden@h:x/d"}, unreadable},
		{"a password that is not escaped", []string{"postgres://u:hid/den@h/d"}, unreadable},
		{"a key without a value", []string{"host=h password='hidden"}, unreadable},
		{"a slash too few", []string{"postgres:/u:hidden@h/d"}, folder},
		{"no such folder", []string{filepath.Join(t.TempDir(), "none", "x.db")}, folder},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var out, progress strings.Builder
			require.Equal(t, exitNotTried, run(t.Context(), tt.args, &out, &progress))
			require.Equal(t, tt.want, progress.String())
			require.Empty(t, out.String())
		})
	}
}

func TestRun_help(t *testing.T) {
	t.Parallel()
	var out, progress strings.Builder
	require.Equal(t, exitFine, run(t.Context(), []string{"-h"}, &out, &progress))
	require.Equal(t, usage, out.String())
	require.Empty(t, progress.String())
}

// TestRun_unreachable has a database that is not there.
func TestRun_unreachable(t *testing.T) {
	t.Parallel()
	var out, progress strings.Builder
	status := run(t.Context(), []string{"postgres://u:hidden@127.0.0.1:1/d?sslmode=disable"}, &out, &progress)
	require.Equal(t, exitNotTried, status)
	require.Contains(t, progress.String(), "connect")
	require.NotContains(t, progress.String(), "hidden")
	require.Empty(t, out.String())
}
