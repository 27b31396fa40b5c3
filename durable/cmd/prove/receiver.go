package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ringhook/webhook"
)

// A kind is how an endpoint behaves.
type kind int

const (
	healthy kind = iota // answers within a few milliseconds
	failing             // refuses two requests of three
	hanging             // for half of the time, says nothing until the client gives up
)

// number is how many endpoints of each kind there are.
func (k kind) number() int { return [...]int{8, 2, 4}[k] }

// weight says how often an endpoint is reported to, beside others. In all, 8 of 12
// events are for a healthy one.
func (k kind) weight() int { return [...]int{4, 4, 2}[k] }

// An endpoint is a webhook in the database and its place at the receiver.
type endpoint struct {
	Kind kind
	ID   string
	URL  string
}

const eventType = "prove"

// policy is that of all messages: as often as it takes.
func policy() webhook.Policy {
	return webhook.Policy{Attempts: 50, Waits: []time.Duration{time.Second}, Timeout: maxTimeout}
}

// body returns the body of a message: JSON of about 1 KB, whose bytes would change if
// something parsed it and wrote it again.
func body(id string) []byte {
	text := `\u00e9é` + strings.Repeat(" x", 450)
	return []byte(`{"z":1.0,"id":"` + id + `","a":100000000000000000001,"text":"` + text + `"}`)
}

// A receiver plays the servers of all customers, and tells the ledger what it gets.
type receiver struct {
	ledger *ledger
	server *http.Server
	url    string

	mu      sync.Mutex
	refused map[string]int // how often failing endpoints have refused a message
	hung    chan struct{}  // closed when what hangs goes on; nil: nothing hangs
}

func newReceiver(l *ledger) (*receiver, error) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0") //nolint:noctx // it does not wait
	if err != nil {
		return nil, err
	}
	r := &receiver{ledger: l, url: "http://" + listener.Addr().String(), refused: map[string]int{}}
	r.server = &http.Server{Handler: r, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = r.server.Serve(listener) }()
	return r, nil
}

// endpoints makes the webhooks in the database.
func (r *receiver) endpoints(ctx context.Context, b base) ([]endpoint, error) {
	var all []endpoint
	for _, kind := range []kind{healthy, failing, hanging} {
		for i := range kind.number() {
			e := endpoint{Kind: kind, URL: fmt.Sprintf("%s/%d/%d", r.url, kind, i)}
			policy := policy()
			id, err := b.webhook(ctx, webhook.Webhook{URL: e.URL, Policy: &policy})
			if err != nil {
				return nil, err
			}
			e.ID = id
			all = append(all, e)
		}
	}
	return all, nil
}

// close ends the receiver, and what it is sent.
func (r *receiver) close() { _ = r.server.Close() }

// hang has the hanging endpoints hang, or go on.
func (r *receiver) hang(yes bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if yes == (r.hung != nil) {
		return
	}
	r.ledger.hang(yes, time.Now())
	if yes {
		r.hung = make(chan struct{})
		return
	}
	close(r.hung)
	r.hung = nil
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	at := time.Now()
	got, err := io.ReadAll(req.Body)
	if err != nil { // the process died in the middle of it: nothing arrived
		panic(http.ErrAbortHandler)
	}
	id := req.Header.Get(webhook.HeaderID)
	number, _, _ := strings.Cut(strings.TrimPrefix(req.URL.Path, "/"), "/")
	n, err := strconv.Atoi(number)
	if err != nil || n > int(hanging) {
		http.NotFound(w, req)
		return
	}
	switch kind := kind(n); {
	case kind == hanging && r.hangs(req.Context()):
		panic(http.ErrAbortHandler)
	case kind == failing && r.refuses(id):
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	default:
		// So that a process that is killed mostly has something in flight.
		time.Sleep(2*time.Millisecond + rand.N(10*time.Millisecond)) //nolint:gosec // no secret
		r.ledger.deliver(id, kind, at, string(got) == string(body(id)))
		w.WriteHeader(http.StatusNoContent)
	}
}

// hangs reports whether an endpoint hangs. It returns when the client has given up, or
// when nothing hangs any more.
func (r *receiver) hangs(ctx context.Context) bool {
	r.mu.Lock()
	hung := r.hung
	r.mu.Unlock()
	if hung == nil {
		return false
	}
	select {
	case <-hung:
	case <-ctx.Done():
	}
	return true
}

// refuses reports whether a failing endpoint refuses a message: twice.
func (r *receiver) refuses(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refused[id] == 2 {
		delete(r.refused, id)
		return false
	}
	r.refused[id]++
	return true
}
