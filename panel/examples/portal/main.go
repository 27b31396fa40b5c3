// Portal shows the panel to customers, in a frame of an application of another site:
//
//	go run ./examples/portal
//
// It is two programs in one. The service sends webhooks, and has the panel. The application
// is where customers log in; it shows them the panel of the service in a frame. That no
// other site can do, since the panel names the application in its FrameAncestors.
//
// A customer comes to the service with a ticket of the application, which counts once. For
// that there is a session, in a cookie that browsers send in frames of other sites: with
// SameSite=None it must be Secure, and Partitioned it is of no use below any other site.
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
	service := flag.String("service", "127.0.0.1:8080", "address of the service")
	application := flag.String("application", "127.0.0.1:8081", "address of the application")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	var config net.ListenConfig
	first, err := config.Listen(ctx, "tcp", *service)
	if err != nil {
		log.Fatal(err)
	}
	second, err := config.Listen(ctx, "tcp", *application)
	if err == nil {
		err = run(ctx, os.Stdout, first, second)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// run serves the service and the application until ctx ends.
func run(ctx context.Context, out io.Writer, service, application net.Listener) (err error) {
	defer service.Close()
	defer application.Close()
	folder, err := os.MkdirTemp("", "portal")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	_, port, err := net.SplitHostPort(application.Addr().String())
	if err != nil {
		return err
	}
	p := &portal{
		service:     "http://" + service.Addr().String(),
		application: "http://localhost:" + port, // another site than 127.0.0.1
		passes:      newPasses(),
	}
	if err := p.open(ctx, filepath.Join(folder, "webhooks.db")); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.engine.Close()) }()
	pages, err := p.panel()
	if err != nil {
		return err
	}
	servers := []*http.Server{
		{Handler: p.serviceHandler(pages), ReadHeaderTimeout: 10 * time.Second},
		{Handler: p.applicationHandler(), ReadHeaderTimeout: 10 * time.Second},
	}
	delivering, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	failed := make(chan error, 3)
	go func() { failed <- p.queue.Run(delivering) }()
	go func() { failed <- servers[0].Serve(service) }()
	go func() { failed <- servers[1].Serve(application) }()
	fmt.Fprintf(out, "The application: %s/\n", p.application)

	parts := cap(failed)
	select {
	case <-ctx.Done():
	case err = <-failed:
		parts--
	}
	pages.Close()
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	for _, server := range servers {
		err = errors.Join(err, server.Shutdown(grace))
	}
	stop()
	for range parts {
		if e := <-failed; !errors.Is(e, http.ErrServerClosed) && !errors.Is(e, context.Canceled) {
			err = errors.Join(err, e)
		}
	}
	return err
}

// A portal is the service and the application.
type portal struct {
	service, application string // their origins
	engine               *sqlite.Engine
	hooks                *durable.Webhooks[*sql.Tx]
	queue                *queue.Queue
	client               *webhook.Client
	samples              []webhook.Event
	passes               *passes
}

// open opens the database, and stores a webhook of each customer, which gets an event.
func (p *portal) open(ctx context.Context, file string) error {
	quiet := slog.New(slog.DiscardHandler) // the pages tell what goes wrong
	engine, err := sqlite.Open(file, durable.Config{Logger: quiet})
	if err != nil {
		return err
	}
	p.engine = engine
	// The receiver is on this machine, where nothing else may be sent to.
	egress := webhook.Egress{AnyPort: true, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	secrets := engine.Webhooks(nil)
	p.client = &webhook.Client{
		Signer:    webhook.StandardWebhooks{Keys: secrets.Keyring()},
		Auth:      secrets.Auth(),
		Transport: webhook.NewTransport(egress),
	}
	if p.queue, err = queue.New(p.client, engine, queue.Config{Logger: quiet}); err != nil {
		return errors.Join(err, engine.Close())
	}
	for _, event := range payload.Samples("whatsapp:message:status") {
		p.samples = append(p.samples, event)
	}
	p.hooks = engine.Webhooks(p.queue, p.samples...)
	for _, customer := range []string{"acme", "globex"} {
		own, err := p.hooks.Tenant(customer)
		if err != nil {
			return errors.Join(err, engine.Close())
		}
		hook := webhook.Webhook{
			Name: "CRM of " + customer, URL: p.service + "/receiver", Policy: &webhook.Policy{Attempts: 1},
			Body: `{"to": "{{payload.mobile}}", "status": "{{payload.status}}"}`,
		}
		stored, err := own.Create(ctx, hook)
		if err == nil {
			err = p.hooks.Dispatch(ctx, stored.ID, p.samples[0])
		}
		if err != nil {
			return errors.Join(err, engine.Close())
		}
	}
	return nil
}

// panel returns the pages. Who asks is whose session it is.
func (p *portal) panel() (*panel.Panel, error) {
	return panel.New(panel.Config{
		Open: panel.Open(p.engine, p.hooks), Queue: p.queue, Client: p.client, Samples: p.samples,
		Authorize: func(r *http.Request) (panel.Access, error) {
			who, err := p.passes.session(r)
			if err != nil {
				return panel.Access{}, err
			}
			// Customers see all of what is theirs, but their secrets.
			may := panel.View | panel.Bodies | panel.Edit | panel.Send | panel.Delete
			return panel.Access{Actor: who.name, Tenant: who.customer, May: may}, nil
		},
		FrameAncestors: []string{p.application},
		Brand:          panel.Brand{Name: "Events"},
		Logger:         slog.New(slog.DiscardHandler),
	})
}

func (p *portal) serviceHandler(pages *panel.Panel) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/enter", p.passes.enter)
	mux.Handle("/portal/", http.StripPrefix("/portal", pages))
	mux.Handle("/portal/api/", http.StripPrefix("/portal/api", pages.API()))
	mux.HandleFunc("/receiver", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, `{"message": "the field \"phone\" is missing"}`, http.StatusUnprocessableEntity)
	})
	return mux
}
