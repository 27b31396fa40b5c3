package main

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/bench/internal/pair"
	"github.com/ringhook/webhook/payload"
)

// A way is one to deliver the seed event. The worker tells its number.
type way struct {
	what string
	send func(worker int) error
}

// delivery compares the speed of two ways under the load of so many workers.
func (o options) delivery(name string, workers int, goal pair.Goal, subject, reference way) pair.Case {
	name += "@" + strconv.Itoa(workers)
	return pair.Case{Names: []string{name, name + "-cpu"}, Run: func() ([]pair.Figure, error) {
		c, err := pair.Compare(o.deliveryRounds, pair.Load(o.deliverySlice, workers, subject.send), pair.Load(o.deliverySlice, workers, reference.send))
		figures := []pair.Figure{c.Figure(name, subject.what+" : "+reference.what, pair.Speed, goal, pair.DeliverySlack)}
		if c.CPU.Median > 0 && strings.HasPrefix(name, "deliver/raw@") {
			figures = append(figures, c.Figure(name+"-cpu", "CPU of the client for a request", pair.CPU, pair.AtMost(1.05), pair.DeliverySlack))
		}
		return figures, err
	}}
}

// loopback is the egress of the suite: its receivers listen on loopback, on any port.
var loopback = webhook.Egress{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, AnyPort: true}

// newClient signs with a secret that is kept, as the documents advise.
func newClient() *webhook.Client {
	secrets := []webhook.Secret{webhook.GenerateSecret()}
	keys := func(context.Context, string) ([]webhook.Secret, error) { return secrets, nil }
	return &webhook.Client{Signer: webhook.HMAC{Keys: keys}, Transport: webhook.NewTransport(loopback)}
}

func seedWebhookAt(host string) webhook.Webhook {
	w := seedWebhook
	w.URL = strings.Replace(w.URL, "https://www.domain.com", "http://"+host, 1)
	return w
}

// ours composes, signs and sends.
func ours(host string) way {
	c, client := webhook.MustCompile(seedWebhookAt(host), seedStatus), newClient()
	ctx := context.Background()
	return way{"compose, sign, send", func(int) error {
		m, err := c.Compose(&seedStatus)
		if err != nil {
			return err
		}
		return client.Send(ctx, m)
	}}
}

// oursLarge makes a body of so many bytes, nearly all of them one value.
func oursLarge(host string, size int) way {
	event := largeEvent(size)
	c, client := webhook.MustCompile(largeWebhook(host), seedStatus), newClient()
	return way{"compose, sign, send", func(int) error {
		m, err := c.Compose(&event)
		if err != nil {
			return err
		}
		return client.Send(context.Background(), m)
	}}
}

func largeEvent(size int) payload.MessageStatus {
	event := seedStatus
	event.ForeignID = strings.Repeat("A clean value. ", size/15)
	return event
}

func largeWebhook(host string) webhook.Webhook {
	return webhook.Webhook{ID: seedWebhook.ID, URL: "http://" + host + "/", Body: `{"text": "@{{payload.foreign_id}}"}`}
}

func deliverCases(o options) ([]pair.Case, func(), error) {
	r, err := startReceiver(1)
	if err != nil {
		return nil, nil, err
	}
	host := r.hosts[0]
	subject := ours(host)
	request, err := composed(seedWebhookAt(host), seedStatus)
	if err != nil {
		r.close()
		return nil, nil, err
	}
	var cases []pair.Case
	add := func(name string, goal pair.Goal, reference way, workers ...int) {
		for _, n := range workers {
			cases = append(cases, o.delivery(name, n, goal, subject, reference))
		}
	}
	none, all := pair.Goal{}, []int{1, 16, 64, 256}
	raw, rawDeadline := rawWay(request, 0), rawWay(request, 3*time.Second)
	add("deliver/raw", pair.AtLeast(0.95), raw, all...)
	add("deliver/raw-deadline", pair.AtLeast(0.95), rawDeadline, all...)
	cases = append(cases, deliverAllocs(subject, rawDeadline))
	naive, err := naiveWay(host)
	if err != nil {
		r.close()
		return nil, nil, err
	}
	add("deliver/naive", pair.AtLeast(1.25), naive, all...)
	add("deliver/resty-v2", pair.AtLeast(1.25), restyWay(request), all...)
	add("deliver/resty-v3", pair.AtLeast(1.1), resty3Way(request), all...)
	add("deliver/retryable-tuned", pair.AtLeast(0.97), retryableWay(request, true), all...)
	add("deliver/retryable-defaults", pair.AtLeast(2), retryableWay(request, false), 64, 256)
	add("deliver/heimdall", none, heimdallWay(request), all...)
	for _, size := range []struct {
		name  string
		bytes int
		goal  pair.Goal
	}{{"10KB", 10 << 10, pair.AtLeast(1.2)}, {"32KB", 32 << 10, none}} {
		large, err := composed(largeWebhook(host), largeEvent(size.bytes))
		if err != nil {
			r.close()
			return nil, nil, err
		}
		cases = append(cases, o.delivery("deliver/large-"+size.name, 16, size.goal, oursLarge(host, size.bytes), rawDefaultWay(large)))
	}
	cases = append(cases, o.queueCases(host)...)
	fast, tcp := fasthttpWay(request), tcpWay(request)
	add("deliver/gap-fasthttp", none, fast, all...)
	add("deliver/gap-tcp", none, tcp, all...)
	return cases, r.close, nil
}

func deliverAllocs(subject, reference way) pair.Case {
	const name = "deliver/allocs"
	return pair.Of(name, func() (pair.Figure, error) {
		count := func(w way) float64 {
			return testing.AllocsPerRun(2000, func() { must(w.send(0)) })
		}
		theirs := count(reference)
		return pair.Figure{
			Name: name, What: subject.what + ", where " + reference.what + " has " + pair.Number(theirs),
			Unit: pair.Allocs, Value: pair.Exactly(count(subject)), Goal: pair.AtMost(theirs),
		}, nil
	})
}

// hostsCases deliver to many hosts in turn.
func hostsCases(o options) ([]pair.Case, func(), error) {
	const hosts, workers = 1000, 64
	r, err := startReceiver(hosts)
	if err != nil {
		return nil, nil, err
	}
	m, err := webhook.MustCompile(seedWebhook, seedStatus).Compose(&seedStatus)
	if err != nil {
		r.close()
		return nil, nil, err
	}
	messages := make([]*webhook.Message, hosts)
	for i, host := range r.hosts {
		to := *m
		to.URL = strings.Replace(m.URL, "https://www.domain.com", "http://"+host, 1)
		messages[i] = &to
	}
	ctx := context.Background()
	var next atomic.Uint64
	spread := func(ctx context.Context, c *webhook.Client, hosts int) func(int) error {
		return func(int) error { return c.Send(ctx, messages[next.Add(1)%uint64(hosts)]) }
	}
	client, limited := newClient(), newClient()
	limited.Transport = http.DefaultTransport.(*http.Transport).Clone()
	many := way{"1000 hosts in turn", spread(ctx, client, hosts)}
	one := way{"1 host", spread(ctx, newClient(), 1)}
	stock := way{"the same with http.DefaultTransport", spread(ctx, limited, hosts)}
	dials := pair.Of("hosts/dials", func() (f pair.Figure, err error) {
		var requests, fresh atomic.Int64
		traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
			requests.Add(1)
			if !info.Reused {
				fresh.Add(1)
			}
		}})
		warm, counted := pair.Load(o.deliverySlice, workers, many.send), pair.Load(4*o.deliverySlice, workers, spread(traced, client, hosts))
		for _, slice := range []pair.Slice{warm, counted} {
			if _, err := slice(); err != nil {
				return f, err
			}
		}
		return pair.Figure{
			Name: "hosts/dials", What: "connections made, 1000 hosts in turn", Unit: pair.Each, Goal: pair.AtMost(0.02),
			Value: pair.Exactly(float64(fresh.Load()) / float64(requests.Load())), Note: pair.Number(float64(requests.Load())) + " requests",
		}, nil
	})
	return []pair.Case{
		o.delivery("hosts/growth", workers, pair.AtLeast(0.7), many, one),
		dials,
		o.delivery("hosts/stock", workers, pair.AtLeast(2.5), many, stock),
	}, r.close, nil
}

// A request is what the peers send: all of it is made beforehand, the signature as well.
type request struct {
	url, method string
	header      http.Header
	body        []byte
}

// composed makes the request that ours sends.
func composed(w webhook.Webhook, event payload.MessageStatus) (request, error) {
	m, err := webhook.MustCompile(w, seedStatus).Compose(&event)
	if err != nil {
		return request{}, err
	}
	header, err := webhook.HMAC{}.Sign(context.Background(), m, time.Now())
	if err != nil {
		return request{}, err
	}
	for name, values := range m.Header {
		header[name] = values
	}
	header.Set(webhook.HeaderID, m.ID)
	header.Set("User-Agent", "Ringhook")
	return request{m.URL, m.Method, header, bytes.Clone(m.Body)}, nil
}
