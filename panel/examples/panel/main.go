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
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/panel"
	"github.com/ringhook/webhook/panel/examples/internal/demo"
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
	defer listener.Close()
	service, err := demo.Open(payload.EventCall, payload.EventCDR, "whatsapp:message:status", "whatsapp:message:in")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, service.Close()) }()
	d := &traffic{Service: service}
	if err := d.create("http://" + listener.Addr().String() + "/receiver/"); err != nil {
		return err
	}
	mux, end, err := d.handler()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "The operator's pages:   http://%s/panel/\nThe pages of one customer: http://%[1]s/acme/\n", listener.Addr())
	return service.Run(ctx, end, []demo.Site{{Listener: listener, Handler: mux}}, func(ctx context.Context) error { return d.report(ctx, every) })
}

// A traffic is a service that reports events to webhooks.
type traffic struct {
	*demo.Service
	ids []string // of the webhooks
}

// create stores the webhooks.
func (d *traffic) create(receiver string) error {
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
		hooks, err := d.Hooks.Tenant(hook.tenant)
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
func (d *traffic) handler() (_ http.Handler, end func(), _ error) {
	config := panel.Config{Brand: panel.Brand{Name: "Ringhook"}}
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
		p, err := d.Panel(config)
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
func (d *traffic) report(ctx context.Context, every time.Duration) error {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for n := 0; ; n++ {
		event, id := d.Samples[n%len(d.Samples)], d.ids[n*7%len(d.ids)]
		err := d.Hooks.Dispatch(ctx, id, event)
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
