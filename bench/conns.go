package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/bench/internal/pair"
)

// connsCases are about connections: deliveries over TLS, and what an idle connection costs.
func connsCases(o options) ([]pair.Case, func(), error) {
	r, err := startReceiver("receiver-tls", 1)
	if err != nil {
		return nil, nil, err
	}
	ours, theirs, err := httpsWays(r.hosts[0])
	if err != nil {
		r.close()
		return nil, nil, err
	}
	var cases []pair.Case
	for _, n := range []int{1, 16, 64, 256} {
		cases = append(cases, o.delivery("conns/https", n, pair.AtLeast(1.1), ours, theirs))
	}
	return append(cases, o.idleMemory()), r.close, nil
}

// httpsWays deliver over TLS. Nobody looks at the certificate, which is seen once a
// connection.
func httpsWays(host string) (subject, reference way, err error) {
	config := &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}
	w := seedWebhookAt(host)
	w.URL = strings.Replace(w.URL, "http://", "https://", 1)
	r, err := composed(w, seedStatus)
	if err != nil {
		return way{}, way{}, err
	}
	t := tunedTransport()
	t.TLSClientConfig = config
	reference = way{"bare net/http over TLS, with a deadline", sendRaw(r, 3*time.Second, t)}
	e := loopback
	e.TLS = config
	client := newClient()
	client.Transport = webhook.NewTransport(e)
	return compositionOf(w, client), reference, nil
}

// idleMemory tells what an idle connection keeps, of one a host.
func (o options) idleMemory() pair.Case {
	const name, n = "conns/idle-memory", 1000
	return pair.Of(name, func() (f pair.Figure, err error) {
		c, err := pair.CompareCold(o.longRounds, elsewhere("idle", n), elsewhere("idle-http", n))
		// 0.35 of theirs
		return c.Figure(name, "an idle connection : of net/http", pair.Less, pair.AtLeast(2.86), pair.DeliverySlack), err
	})
}

// idle prints the bytes of each of so many idle connections.
func idle(n int) error {
	return printIdle(n, func() http.RoundTripper { return webhook.NewTransport(loopback) })
}

// idleHTTP does so for those of net/http.
func idleHTTP(n int) error {
	return printIdle(n, func() http.RoundTripper { return tunedTransport() })
}

func printIdle(n int, transport func() http.RoundTripper) error {
	r, err := startReceiver("receiver", n)
	if err != nil {
		return err
	}
	defer r.close()
	s, err := kept(n, idleConns(r.hosts, transport))()
	fmt.Println(s.Heap)
	return err
}

// idleConns makes a connection to each host, and leaves it idle.
func idleConns(hosts []string, transport func() http.RoundTripper) func() (end func(), err error) {
	return func() (func(), error) {
		client := &http.Client{Transport: transport()}
		for _, host := range hosts {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+host+"/", http.NoBody)
			if err == nil {
				err = finish(client.Do(req))
			}
			cancel()
			if err != nil {
				return nil, err
			}
		}
		return client.CloseIdleConnections, nil
	}
}
