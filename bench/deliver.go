package main

import (
	"bytes"
	"context"
	"errors"
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
	return o.deliveryCPU(name, workers, goal, nil, subject, reference)
}

// deliveryCPU compares the CPU of the client as well.
func (o options) deliveryCPU(name string, workers int, goal pair.Goal, cpu *pair.Goal, subject, reference way) pair.Case {
	name += "@" + strconv.Itoa(workers)
	names := []string{name}
	if cpu != nil {
		names = append(names, name+"-cpu")
	}
	return pair.Case{Names: names, Run: func() ([]pair.Figure, error) {
		c, err := pair.Compare(o.deliveryRounds, pair.Load(o.deliverySlice, workers, subject.send), pair.Load(o.deliverySlice, workers, reference.send))
		figures := []pair.Figure{c.Figure(name, subject.what+" : "+reference.what, pair.Speed, goal, pair.DeliverySlack)}
		if cpu != nil && c.CPU.Median > 0 {
			figures = append(figures, c.Figure(name+"-cpu", "CPU of the client for a request", pair.CPU, *cpu, pair.DeliverySlack))
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
	return compositionOf(seedWebhookAt(host), newClient())
}

// compositionOf composes what a webhook says, and has a client sign and send it.
func compositionOf(w webhook.Webhook, client *webhook.Client) way {
	c := webhook.MustCompile(w, seedStatus)
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

// A matchup is our way and another one to deliver the same.
type matchup struct {
	name         string
	goal         pair.Goal
	alone        *pair.Goal // by one worker; nil: goal
	cpu          *pair.Goal // of the client's CPU; nil: no row
	workers      []int
	ours, theirs way
}

func deliverCases(o options) ([]pair.Case, func(), error) {
	r, err := startReceiver("receiver", 1)
	if err != nil {
		return nil, nil, err
	}
	all, err := matchups(r.hosts[0])
	if err != nil {
		r.close()
		return nil, nil, err
	}
	var cases []pair.Case
	for _, m := range all {
		for _, n := range m.workers {
			goal := m.goal
			if n == 1 && m.alone != nil {
				goal = *m.alone
			}
			cases = append(cases, o.deliveryCPU(m.name, n, goal, m.cpu, m.ours, m.theirs))
		}
		if m.name == "deliver/raw-deadline" {
			cases = append(cases, deliverAllocs(m.ours, m.theirs))
		}
	}
	return append(cases, o.queueCases(r.hosts[0])...), r.close, nil
}

// matchups deliver to a host.
func matchups(host string) ([]matchup, error) {
	subject := ours(host)
	request, err := composed(seedWebhookAt(host), seedStatus)
	if err != nil {
		return nil, err
	}
	naive, err := naiveWay(host)
	if err != nil {
		return nil, err
	}
	large10, largeRaw10, err1 := largeWays(host, 10<<10)
	large32, largeRaw32, err2 := largeWays(host, 32<<10)
	none, all, cpu, alone := pair.Goal{}, []int{1, 16, 64, 256}, pair.AtMost(0.85), pair.AtLeast(1.4)
	return []matchup{
		{"deliver/raw", pair.AtLeast(0.95), nil, &cpu, all, subject, rawWay(request, 0)},
		{"deliver/raw-deadline", pair.AtLeast(1.15), &alone, nil, all, subject, rawWay(request, 3*time.Second)},
		{"deliver/naive", pair.AtLeast(1.6), nil, nil, all, subject, naive},
		{"deliver/resty-v2", pair.AtLeast(1.25), nil, nil, all, subject, restyWay(request)},
		{"deliver/resty-v3", pair.AtLeast(1.3), nil, nil, all, subject, resty3Way(request)},
		{"deliver/retryable-tuned", pair.AtLeast(1.1), nil, nil, all, subject, retryableWay(request, true)},
		{"deliver/retryable-defaults", pair.AtLeast(2), nil, nil, []int{64, 256}, subject, retryableWay(request, false)},
		{"deliver/heimdall", none, nil, nil, all, subject, heimdallWay(request)},
		{"deliver/large-10KB", pair.AtLeast(0.9), nil, &none, []int{16}, large10, largeRaw10},
		{"deliver/large-32KB", none, nil, &none, []int{16}, large32, largeRaw32},
		{"deliver/gap-fasthttp", pair.AtLeast(0.5), nil, nil, all, subject, fasthttpWay(request)},
		{"deliver/gap-tcp", none, nil, nil, all, subject, tcpWay(request)},
	}, errors.Join(err1, err2)
}

// largeWays deliver a body of so many bytes, the other way with the transport's buffers
// at their default.
func largeWays(host string, size int) (large, raw way, err error) {
	request, err := composed(largeWebhook(host), largeEvent(size))
	return oursLarge(host, size), rawDefaultWay(request), err
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
			Unit: pair.Allocs, Value: pair.Exactly(count(subject)), Goal: pair.AtMost(45),
		}, nil
	})
}

// hostsCases deliver to many hosts in turn.
func hostsCases(o options) ([]pair.Case, func(), error) {
	const hosts, workers = 1000, 64
	r, err := startReceiver("receiver", hosts)
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

// A request is what the peers send: all of it is made beforehand, the signature as
// well.
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
	header := http.Header{}
	if err := (webhook.HMAC{}).Sign(context.Background(), m, time.Now(), header); err != nil {
		return request{}, err
	}
	for name, values := range m.Header {
		header[name] = values
	}
	header.Set(webhook.HeaderID, m.ID)
	header.Set("User-Agent", "Ringhook")
	header.Set("Accept", "*/*")
	return request{m.URL, m.Method, header, bytes.Clone(m.Body)}, nil
}
