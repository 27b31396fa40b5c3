// Panel shows the panel with something in it: webhooks of two customers, a receiver that
// misbehaves as receivers do, and calls and messages that are reported as they happen. All
// of it is in a temporary folder, and gone when the program ends.
//
//	go run ./examples/panel
//
// It has no login: only this machine can reach it. What an operator sees is at one address,
// and what a customer sees at another.
package main

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/durable/sqlite"
	"github.com/ringhook/webhook/panel"
	"github.com/ringhook/webhook/payload"
	"github.com/ringhook/webhook/queue"
)

func main() {
	address := flag.String("listen", "127.0.0.1:8080", "address of the pages")
	every := flag.Duration("every", 300*time.Millisecond, "time between two events")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", *address)
	if err == nil {
		err = run(ctx, os.Stdout, listener, *every)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// run serves until ctx ends.
func run(ctx context.Context, out io.Writer, listener net.Listener, every time.Duration) (err error) {
	folder, err := os.MkdirTemp("", "panel")
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	d, err := newDemo(filepath.Join(folder, "webhooks.db"), "http://"+listener.Addr().String()+"/receiver/")
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer func() { err = errors.Join(err, d.engine.Close()) }()

	mux, end, err := d.handler()
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	server.RegisterOnShutdown(end)
	delivering, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	failed := make(chan error, 3)
	go func() { failed <- d.queue.Run(delivering) }()
	go func() { failed <- server.Serve(listener) }()
	go func() { failed <- d.report(ctx, every) }()
	fmt.Fprintf(out, "The operator's pages:   http://%s/panel/\nThe pages of one customer: http://%[1]s/acme/\n", listener.Addr())

	parts := cap(failed)
	select {
	case <-ctx.Done():
	case err = <-failed:
		parts--
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	err = errors.Join(err, server.Shutdown(grace))
	stop()
	for range parts {
		if e := <-failed; !errors.Is(e, http.ErrServerClosed) && !errors.Is(e, context.Canceled) {
			err = errors.Join(err, e)
		}
	}
	return err
}

// A demo is a service that reports events to webhooks.
type demo struct {
	engine  *sqlite.Engine
	hooks   *durable.Webhooks[*sql.Tx]
	queue   *queue.Queue
	client  *webhook.Client
	samples []webhook.Event
	ids     []string // of the webhooks
}

func newDemo(file, receiver string) (_ *demo, err error) {
	// The receiver is on this machine, where nothing else may be sent to.
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	egress := webhook.Egress{AnyPort: true, Allow: loopback}
	quiet := slog.New(slog.DiscardHandler) // the pages tell what goes wrong
	d := &demo{}
	if d.engine, err = sqlite.Open(file, durable.Config{Bounds: webhook.Bounds{CheckURL: egress.Check}, Logger: quiet}); err != nil {
		return nil, err
	}
	secrets := d.engine.Webhooks(nil)
	d.client = &webhook.Client{
		Signer: webhook.StandardWebhooks{Keys: secrets.Keyring()}, Auth: secrets.Auth(), Transport: webhook.NewTransport(egress),
	}
	if d.queue, err = queue.New(d.client, d.engine, queue.Config{Logger: quiet, Rest: 20 * time.Second}); err != nil {
		return nil, errors.Join(err, d.engine.Close())
	}
	for _, event := range payload.Samples(payload.EventCall, payload.EventCDR, "whatsapp:message:status", "whatsapp:message:in") {
		d.samples = append(d.samples, event)
	}
	d.hooks = d.engine.Webhooks(d.queue, d.samples...)
	if err := d.create(receiver); err != nil {
		return nil, errors.Join(err, d.engine.Close())
	}
	return d, nil
}

// create stores the webhooks.
func (d *demo) create(receiver string) error {
	soon := &webhook.Policy{Attempts: 4, Timeout: time.Second, Waits: []time.Duration{3 * time.Second, 10 * time.Second}}
	for _, hook := range []struct {
		tenant string
		webhook.Webhook
	}{
		{"acme", webhook.Webhook{Name: "CRM", URL: receiver + "crm", Headers: map[string]string{"Authorization": "Bearer made-up-token"}}},
		{"acme", webhook.Webhook{Name: "Help desk", URL: receiver + "helpdesk", Policy: soon}},
		{"acme", webhook.Webhook{Name: "Reports, slow", URL: receiver + "slow?api_key=made-up-key", Policy: soon}},
		{"globex", webhook.Webhook{Name: "Old system", URL: receiver + "old"}},
		{"globex", webhook.Webhook{Name: "Lead sheet", URL: receiver + "sheet", Policy: &webhook.Policy{Attempts: 1}}},
	} {
		hooks, err := d.hooks.Tenant(hook.tenant)
		if err != nil {
			return err
		}
		stored, err := hooks.Create(context.Background(), hook.Webhook)
		if err != nil {
			return err
		}
		d.ids = append(d.ids, stored.ID)
	}
	return nil
}

// handler returns the pages, and what ends their streams.
func (d *demo) handler() (_ http.Handler, end func(), _ error) {
	config := panel.Config{
		Open: panel.Open(d.engine, d.hooks), Queue: d.queue, Client: d.client, Samples: d.samples,
		Brand: panel.Brand{Name: "Ringhook"},
	}
	const everything = panel.View | panel.Bodies | panel.Edit | panel.Send | panel.Secrets | panel.Delete
	mux := http.NewServeMux()
	mux.HandleFunc("/receiver/", receive)
	mux.Handle("/{$}", http.RedirectHandler("/panel/", http.StatusFound))
	var ends []func()
	for path, access := range map[string]panel.Access{
		"/panel": {Actor: "operator", All: true, May: everything},
		"/acme":  {Actor: "ann", Tenant: "acme", May: everything},
	} {
		// A service looks at its session here.
		config.Authorize = func(*http.Request) (panel.Access, error) { return access, nil }
		p, err := panel.New(config)
		if err != nil {
			return nil, nil, err
		}
		ends = append(ends, p.Close)
		mux.Handle(path+"/", http.StripPrefix(path, p))
		mux.Handle(path+"/api/", http.StripPrefix(path+"/api", p.API()))
	}
	return mux, func() {
		for _, end := range ends {
			end()
		}
	}, nil
}

// report reports an event now and then, until ctx ends. What cannot be composed, or is for a
// webhook that is disabled, is seen on the pages.
func (d *demo) report(ctx context.Context, every time.Duration) error {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for n := 0; ; n++ {
		event, id := d.samples[n%len(d.samples)], d.ids[n*7%len(d.ids)]
		err := d.hooks.Dispatch(ctx, id, event)
		known := errors.Is(err, queue.ErrDisabled) || errors.Is(err, durable.ErrNotComposed) || errors.Is(err, webhook.ErrNotFound)
		if err != nil && !known && ctx.Err() == nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// receive misbehaves, each path in its own way.
func receive(w http.ResponseWriter, r *http.Request) {
	second := time.Now().Unix()
	switch path := strings.TrimPrefix(r.URL.Path, "/receiver/"); {
	case path == "helpdesk" && second%10 < 4: // it is down for four seconds of ten
		http.Error(w, `{"error": "upstream is not reachable", "trace": "f3a1"}`, http.StatusBadGateway)
	case path == "slow" && second%3 == 0:
		select {
		case <-time.After(2 * time.Second):
		case <-r.Context().Done():
		}
	case path == "old":
		http.Error(w, "This integration was switched off.", http.StatusGone)
	case path == "sheet" && second%4 == 0:
		http.Error(w, `{"message": "<column> \"mobile\" is missing"}`, http.StatusUnprocessableEntity)
	default:
		w.WriteHeader(http.StatusOK)
	}
}
