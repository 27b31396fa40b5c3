package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
)

// A server is a PostgreSQL: that of RINGHOOK_POSTGRES, as for the tests of durable, or
// else one that is started when it is first needed. The zero value is ready to use.
type server struct {
	once        sync.Once
	folder, dsn string
	err         error
}

var errNoPostgres = errors.New("not measured: no PostgreSQL is installed here")

const postgresScript = ".ci/postgres"

func (s *server) open() (*base[pgx.Tx], error) {
	s.once.Do(s.start)
	if s.err != nil {
		return nil, s.err
	}
	return openPostgres(s.dsn)
}

func (s *server) start() {
	if s.dsn = os.Getenv("RINGHOOK_POSTGRES"); s.dsn != "" {
		return
	}
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb"); len(found) == 0 {
		s.err = errNoPostgres
		return
	}
	out, err := s.script().Output()
	if err != nil {
		s.err = fmt.Errorf("%s: %w", postgresScript, err)
		return
	}
	s.folder, s.dsn, _ = strings.Cut(strings.TrimSpace(string(out)), "\n")
}

// stop ends the server, if there is one.
func (s *server) stop() {
	if s.folder != "" {
		_ = s.script("stop", s.folder).Run()
	}
}

func (s *server) script(args ...string) *exec.Cmd {
	path := postgresScript // in the root of the repository
	if _, err := os.Stat(path); err != nil {
		path = filepath.Join("..", path)
	}
	return exec.Command(path, args...)
}
