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
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/panel"
	"github.com/ringhook/webhook/panel/examples/internal/demo"
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
	_, port, err := net.SplitHostPort(application.Addr().String())
	if err != nil {
		return err
	}
	p := &portal{
		service:     "http://" + service.Addr().String(),
		application: "http://localhost:" + port, // another site than 127.0.0.1
		passes:      newPasses(),
	}
	if p.Service, err = demo.Open("whatsapp:message:status"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	if err := p.create(ctx); err != nil {
		return err
	}
	pages, err := p.panel()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "The application: %s/\n", p.application)
	return p.Run(ctx, pages.Close, []demo.Site{
		{Listener: service, Handler: p.serviceHandler(pages)},
		{Listener: application, Handler: p.applicationHandler()},
	})
}

// A portal is the service and the application.
type portal struct {
	*demo.Service
	service, application string // their origins
	passes               *passes
}

// create stores a webhook of each customer, which gets an event.
func (p *portal) create(ctx context.Context) error {
	for _, customer := range []string{"acme", "globex"} {
		own, err := p.Hooks.Tenant(customer)
		if err != nil {
			return err
		}
		stored, err := own.Create(ctx, webhook.Webhook{
			Name: "CRM of " + customer, URL: p.service + "/receiver", Policy: &webhook.Policy{Attempts: 1},
			Body: `{"to": "{{payload.mobile}}", "status": "{{payload.status}}"}`,
		})
		if err != nil {
			return err
		}
		if err := p.Hooks.Dispatch(ctx, stored.ID, p.Samples[0]); err != nil {
			return err
		}
	}
	return nil
}

// panel returns the pages. Who asks is whose session it is.
func (p *portal) panel() (*panel.Panel, error) {
	return p.Panel(panel.Config{
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
