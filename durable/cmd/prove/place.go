package main

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/queue"
)

// A place is the database of a trial, as its processes are told of it.
type place struct {
	DSN     string // of Postgres; empty: SQLite
	Schema  string
	AppName string // by which the connections of the processes are known
	File    string
}

// isDSN tells a DSN from a path.
func isDSN(text string) bool {
	keywords := regexp.MustCompile(`(?i)(^|\s)(host|user|dbname|port|service|password|sslmode)\s*=`)
	return strings.Contains(text, "://") || keywords.MatchString(text)
}

// checkPlace returns an error for what is neither a DSN nor a path. It quotes nothing,
// since there may be a password in it.
func checkPlace(text string) error {
	if isDSN(text) {
		if scheme, _, found := strings.Cut(text, "://"); found && scheme != "postgres" && scheme != "postgresql" &&
			!strings.Contains(scheme, "=") {
			return errors.New("a DSN begins with postgres:// or is made of key=value; MySQL is not supported")
		}
		if _, err := pgxpool.ParseConfig(text); err != nil {
			return errors.New("the DSN cannot be read (in a URL, a password needs %23 for #, %2F for / and so on); " +
				"it is not shown, since it may have a password")
		}
		return nil
	}
	if info, err := os.Stat(filepath.Dir(text)); err != nil || !info.IsDir() {
		return errors.New("FILE is in no folder that there is; a DSN begins with postgres://")
	}
	return nil
}

// newPlace returns the place of a trial: a new schema or a new file.
func newPlace(text string) place {
	name := strings.ToLower(rand.Text()[:10])
	if isDSN(text) {
		return place{DSN: text, Schema: "ringhook_prove_" + name, AppName: "ringhook-prove-" + name}
	}
	return place{File: text + ".prove-" + name}
}

// maxTimeout is [durable.Config] MaxTimeout of all processes: what one that was killed
// held is taken over after that and up to 40 s.
const maxTimeout = 3 * time.Second

func (p place) config() durable.Config {
	return durable.Config{MaxTimeout: maxTimeout, Schema: p.Schema, Logger: silent}
}

// A base is the database as the trial itself uses it, beside its processes.
type base interface {
	// name is what it is, for people.
	name() string
	// webhook makes a webhook of an ID for people, and returns the ID it got.
	webhook(ctx context.Context, hook webhook.Webhook) (string, error)
	// stats tells what is pending.
	stats(ctx context.Context) (queue.Stats, error)
	// cut cuts the connections of the processes, or for a file holds it for a while.
	cut(ctx context.Context, hold time.Duration) error
	// rows returns the IDs that transactions have kept in the table of prove's own.
	rows(ctx context.Context) ([]string, error)
	// remove closes the database and removes all that was made there.
	remove(ctx context.Context) error
}

// openBase makes the place and its tables. After an error, nothing is left of it.
func openBase(ctx context.Context, p place) (base, error) {
	if p.DSN == "" {
		return openFile(ctx, p)
	}
	return openSchema(ctx, p)
}

// hooks makes the queue that a base needs for its webhooks.
func hooks[T any](e *durable.Engine[T]) (*durable.Webhooks[T], error) {
	q, err := queue.New(&webhook.Client{}, e, queue.Config{Logger: silent})
	if err != nil {
		return nil, err
	}
	return e.Webhooks(q), nil
}
