// Service is a small service that delivers webhooks for others: customers create a
// webhook by its HTTP API and preview what it sends, another program of yours reports
// calls, and support looks at what became of them and sends again. All is in one SQLite
// file.
//
//	go run ./examples/service -file service.db -listen 127.0.0.1:8080
//
// It trusts who can reach it. Put your authentication before its handler.
package main

import (
	"context"
	"errors"
	"flag"
	"log"
	"net"
	"net/http"
	"os/signal"
	"syscall"
	"time"

	"github.com/ringhook/webhook"
)

func main() {
	file := flag.String("file", "service.db", "path of the database")
	address := flag.String("listen", "127.0.0.1:8080", "address of the HTTP API")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", *address)
	if err == nil {
		err = run(ctx, listener, *file, webhook.Egress{})
	}
	if err != nil {
		log.Fatal(err)
	}
}

// run serves until ctx ends. The order in which it stops is the point: first the API, so
// that nothing new comes; then the queue, which waits for the attempts under way; then
// the database. What is still to be sent is in the file, and is sent after the next
// start.
func run(ctx context.Context, listener net.Listener, file string, egress webhook.Egress) (err error) {
	s, err := newService(file, egress)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer func() { err = errors.Join(err, s.Close()) }()

	delivering, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- s.queue.Run(delivering) }()

	server := &http.Server{Handler: s.handler(), ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()

	select {
	case <-ctx.Done():
	case err = <-served:
	case err := <-ended: // the queue cannot work: the database is gone, say
		return errors.Join(err, server.Close())
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	err = errors.Join(err, server.Shutdown(grace))
	stop()
	return errors.Join(err, <-ended)
}
