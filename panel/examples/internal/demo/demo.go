// Package demo is what the examples have in common: a service that sends webhooks to receivers on
// this machine, from a database in a temporary folder.
package demo

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/durable/sqlite"
	"github.com/ringhook/webhook/panel"
	"github.com/ringhook/webhook/payload"
	"github.com/ringhook/webhook/queue"
)

// A Service sends webhooks.
type Service struct {
	Hooks   *durable.Webhooks[*sql.Tx]
	Samples []webhook.Event

	engine *sqlite.Engine
	queue  *queue.Queue
	client *webhook.Client
	folder string
}

// Open opens a new database, with sample events of some types.
func Open(types ...string) (_ *Service, err error) {
	s := &Service{}
	if s.folder, err = os.MkdirTemp("", "webhooks"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	// The receiver is on this machine, where nothing else may be sent to.
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	egress := webhook.Egress{AnyPort: true, Allow: loopback}
	quiet := slog.New(slog.DiscardHandler) // the pages tell what goes wrong
	config := durable.Config{Bounds: webhook.Bounds{CheckURL: egress.Check}, Logger: quiet}
	if s.engine, err = sqlite.Open(filepath.Join(s.folder, "webhooks.db"), config); err != nil {
		return nil, err
	}
	secrets := s.engine.Webhooks(nil)
	s.client = &webhook.Client{
		Signer:    webhook.StandardWebhooks{Keys: secrets.Keyring()},
		Auth:      secrets.Auth(),
		Transport: webhook.NewTransport(egress),
	}
	if s.queue, err = queue.New(s.client, s.engine, queue.Config{Logger: quiet, Rest: 20 * time.Second}); err != nil {
		return nil, err
	}
	for _, event := range payload.Samples(types...) {
		s.Samples = append(s.Samples, event)
	}
	s.Hooks = s.engine.Webhooks(s.queue, s.Samples...)
	return s, nil
}

// Panel returns pages of the service: the config says for whom, and how they look.
func (s *Service) Panel(config panel.Config) (*panel.Panel, error) {
	config.Open, config.Queue, config.Client, config.Samples = panel.Open(s.engine, s.Hooks), s.queue, s.client, s.Samples
	return panel.New(config)
}

// A Site is served on a listener.
type Site struct {
	Listener net.Listener
	Handler  http.Handler
}

// Run delivers, and serves sites, until ctx ends or one of them fails; then it calls end, which ends
// what a server would wait for. Beside that it runs others, which end with ctx.
func (s *Service) Run(ctx context.Context, end func(), sites []Site, others ...func(context.Context) error) (err error) {
	delivering, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	failed := make(chan error, 1+len(sites)+len(others))
	parts := cap(failed)
	go func() { failed <- s.queue.Run(delivering) }()
	var servers []*http.Server
	for _, site := range sites {
		server := &http.Server{Handler: site.Handler, ReadHeaderTimeout: 10 * time.Second}
		servers = append(servers, server)
		go func() { failed <- server.Serve(site.Listener) }()
	}
	for _, other := range others {
		go func() { failed <- other(running) }()
	}
	select {
	case <-ctx.Done():
	case err = <-failed:
		parts--
	}
	cancel()
	end()
	grace, done := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer done()
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

// Close closes the database, and removes it.
func (s *Service) Close() (err error) {
	if s.engine != nil {
		err = s.engine.Close()
	}
	return errors.Join(err, os.RemoveAll(s.folder))
}
