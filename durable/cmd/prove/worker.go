package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"os"
	"os/signal"
	"sync"
	"time"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/queue"
)

// silent is the logger of all engines and queues: that things go wrong is the point.
var silent = slog.New(slog.DiscardHandler)

// workerVariable is set in the environment of a process of the trial.
const workerVariable = "RINGHOOK_PROVE_WORKER"

func isWorker() bool { return os.Getenv(workerVariable) != "" }

// What a process is told in the first line of its standard input, which others cannot
// read as they could its environment. A second line says that it is to report no more
// events. At the end of its input it stops.
type orders struct {
	Place     place
	Number    int           // of the process; none has had it before
	SQL       bool          // whether it works on database/sql, in Postgres
	Endpoints []endpoint    // to report events to
	Pause     time.Duration // of each reporter after each of its events
}

// The reporters of a process: some enqueue messages, others dispatch events in
// transactions.
const (
	enqueuers  = 2
	batch      = 2 // messages that an enqueuer reports at once
	dispatcher = 2
	// One of so many transactions is rolled back.
	rollbackEach = 10
)

// reports is how many events a process reports in each Pause.
const reports = enqueuers*batch + dispatcher

// A session is the database as a process works with it. T is a transaction.
type session[T any] struct {
	engine *durable.Engine[T]
	// inTx keeps a row in a transaction, calls fn in it, and commits if that returns nil.
	inTx  func(ctx context.Context, id string, fn func(T) error) error
	close func()
}

// workerMain is the program of a process of the trial. It returns its exit status.
func workerMain() int {
	signal.Ignore(os.Interrupt) // which is for the trial, which then stops this one
	input := bufio.NewScanner(os.Stdin)
	input.Buffer(nil, 1<<20)
	if !input.Scan() {
		return exitNotTried
	}
	var o orders
	err := json.Unmarshal(input.Bytes(), &o)
	switch {
	case err != nil:
	case o.Place.DSN == "":
		err = work(o, input, openSQLite)
	case o.SQL:
		err = work(o, input, openDatabaseSQL)
	default:
		err = work(o, input, openPgx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exitNotTried
	}
	return exitFine
}

// work reports events and delivers until the input says otherwise.
func work[T any](o orders, input *bufio.Scanner, open func(place) (*session[T], error)) error {
	running, stop := context.WithCancel(context.Background())
	defer stop()
	reporting, quiet := context.WithCancel(running)
	defer quiet()
	go func() {
		input.Scan() // the second line
		quiet()
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()

	var s *session[T]
	err := retry(running, func() (err error) {
		s, err = open(o.Place)
		return err
	})
	if err != nil || s == nil {
		return err
	}
	defer s.close()
	defer s.engine.Close()
	loopback := netip.MustParsePrefix("127.0.0.0/8")
	client := &webhook.Client{
		Transport: webhook.NewTransport(webhook.Egress{Allow: []netip.Prefix{loopback}, AnyPort: true}),
	}
	q, err := queue.New(client, s.engine, queue.Config{Rest: rest, DisableAfter: -1, Logger: silent})
	if err != nil {
		return err
	}
	r := &reporter[T]{orders: o, queue: q, session: s, hooks: s.engine.Webhooks(q)}
	var reporters sync.WaitGroup
	for i := range enqueuers + dispatcher {
		reporters.Go(func() { r.report(reporting, i) })
	}
	said := make(chan struct{})
	go func() {
		defer close(said)
		reporters.Wait()
		say("quiet\n")
	}()
	defer func() { <-said }()
	// The connections may just be cut.
	return retry(running, func() error { return q.Run(running) })
}

// rest is that of the queues: shorter than the default, so that the end is soon there.
const rest = 5 * time.Second

// retry calls fn until it returns nil or ctx ends, for at most half a minute.
func retry(ctx context.Context, fn func() error) error {
	for deadline := time.Now().Add(30 * time.Second); ; {
		err := fn()
		if err == nil || ctx.Err() != nil {
			return nil
		}
		if time.Now().After(deadline) {
			return err
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// A reporter reports events, and says in standard output which were accepted and when.
type reporter[T any] struct {
	orders
	queue   *queue.Queue
	session *session[T]
	hooks   *durable.Webhooks[T]
}

func (r *reporter[T]) report(ctx context.Context, number int) {
	wait := rand.N(r.Pause) //nolint:gosec // no secret
	for n := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		began := time.Now()
		if number < enqueuers {
			n = r.enqueue(number, n)
		} else {
			n = r.dispatch(number, n)
		}
		wait = max(r.Pause-time.Since(began), 0)
	}
}

// enqueue enqueues some messages, the first of them the nth of a reporter, and returns
// the number of the next.
func (r *reporter[T]) enqueue(number, n int) int {
	var messages []*webhook.Message
	for range batch {
		id := fmt.Sprintf("enqueued-%d-%d-%d", r.Number, number, n)
		to := r.pick()
		policy := policy()
		messages = append(messages, &webhook.Message{
			ID: id, WebhookID: to.ID, Event: eventType, Method: http.MethodPost, URL: to.URL,
			Header: http.Header{"Content-Type": {"application/json"}}, Body: body(id), Policy: policy,
		})
		n++
	}
	called := time.Now()
	// Without ctx: if that ended during the call, they might be kept or not.
	if err := r.queue.SendAll(context.Background(), messages...); err != nil {
		return n // not accepted
	}
	for _, m := range messages {
		accepted(m.ID, called)
	}
	return n
}

var errRollback = errors.New("rolled back")

// dispatch dispatches the nth event of a reporter in a transaction that keeps a row.
func (r *reporter[T]) dispatch(number, n int) int {
	ctx := context.Background()
	id := fmt.Sprintf("dispatched-%d-%d-%d", r.Number, number, n)
	called := time.Now()
	err := r.session.inTx(ctx, id, func(tx T) error {
		event := webhook.RawEvent{Type: eventType, JSON: body(id)}
		if err := r.hooks.DispatchIDTx(ctx, tx, r.pick().ID, id, event); err != nil {
			return err
		}
		if n%rollbackEach == rollbackEach-1 {
			return errRollback
		}
		return nil
	})
	switch {
	case err == nil:
		accepted(id, called)
	case errors.Is(err, errRollback):
		say("rolled-back %s\n", id)
	}
	return n + 1
}

// accepted says that a message was accepted just now, by a call that began at a time.
func accepted(id string, called time.Time) {
	now := time.Now()
	say("accepted %s %d %d\n", id, now.UnixNano(), now.Sub(called))
}

// say writes a line to standard output, in one piece, for several do so at once.
func say(format string, args ...any) { _, _ = fmt.Fprintf(os.Stdout, format, args...) }

// pick returns an endpoint at random, by weight.
func (r *reporter[T]) pick() endpoint {
	sum := 0
	for _, e := range r.Endpoints {
		sum += e.Kind.weight()
	}
	n := rand.IntN(sum) //nolint:gosec // no secret
	for _, e := range r.Endpoints {
		if n -= e.Kind.weight(); n < 0 {
			return e
		}
	}
	panic("not reached")
}
