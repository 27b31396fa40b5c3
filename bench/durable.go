package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/bench/internal/pair"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/queue"
)

// durableCases compare deliveries kept in a database with what a program would write
// itself on River: a job for each message, and one indexed row of its own.
func durableCases(o options) ([]pair.Case, func(), error) {
	r, err := startReceiver("receiver", 1)
	if err != nil {
		return nil, nil, err
	}
	server := &server{}
	done := func() {
		r.close()
		server.stop()
	}
	return append(basesOf("sqlite", openSQLite).cases(o, r.hosts[0]),
		basesOf("postgres", server.open).cases(o, r.hosts[0])...), done, nil
}

// bases makes databases of one kind, one for each case.
type bases[T any] struct {
	name string
	open func() (*base[T], error)
}

func basesOf[T any](name string, open func() (*base[T], error)) bases[T] {
	return bases[T]{name, open}
}

// What is sent in a slice.
const (
	durableSent    = 500
	durableHooks   = 100 // webhooks
	durableCallers = 50  // at once
	durableAtOnce  = 100 // tasks of a call
	durableSized   = 5000
)

func (b bases[T]) cases(o options, host string) []pair.Case {
	beside := func(name, what string, subject, reference func(*base[T]) pair.Slice) pair.Case {
		return b.pair(o, name, what, func(one, _ *base[T]) (pair.Slice, pair.Slice) {
			return subject(one), reference(one)
		})
	}
	return append([]pair.Case{
		beside("deliver", "1 KB, with its event : River alone, a job a message",
			func(d *base[T]) pair.Slice { return d.delivered(host, durable.Config{}, durableSent) },
			func(d *base[T]) pair.Slice { return d.jobsDelivered(host, durableSent) }),
		beside("enqueue-1", "Dispatch by one caller : a River job and a row",
			func(d *base[T]) pair.Slice { return d.dispatched(host, durable.Config{}, 50, 1) },
			func(d *base[T]) pair.Slice { return d.jobsInserted(50, 1) }),
		beside("enqueue-50", "Dispatch by 50 callers : River jobs and rows for 50 callers, those that wait in a transaction",
			func(d *base[T]) pair.Slice { return d.dispatched(host, durable.Config{}, durableSent, durableCallers) },
			func(d *base[T]) pair.Slice { return d.jobsCalled(durableSent, durableCallers) }),
		beside("enqueue-batch", "Enqueue of 100 tasks : 100 River jobs and rows in a transaction",
			func(d *base[T]) pair.Slice { return d.enqueued(host, durableSent/durableAtOnce) },
			func(d *base[T]) pair.Slice { return d.jobsInserted(durableSent, durableAtOnce) }),
		b.pair(o, "sealed-enqueue", "Dispatch by 50 callers, sealed : clear", func(one, other *base[T]) (pair.Slice, pair.Slice) {
			return one.dispatched(host, sealed(), durableSent, durableCallers),
				other.dispatched(host, durable.Config{}, durableSent, durableCallers)
		}),
		b.pair(o, "sealed-deliver", "deliveries, sealed : clear", func(one, other *base[T]) (pair.Slice, pair.Slice) {
			return one.delivered(host, sealed(), durableSent), other.delivered(host, durable.Config{}, durableSent)
		}),
	}, b.alone(o, host)...)
}

// alone are the cases without a reference.
func (b bases[T]) alone(o options, host string) []pair.Case {
	return []pair.Case{
		b.of("size", func(name string) (f pair.Figure, err error) {
			d, err := b.open()
			if err != nil {
				return f, err
			}
			defer d.close()
			size, err := d.bytesEach(host, durableSized)
			return pair.Figure{
				Name: name, What: "on disk for a delivery, 1 KB body and 1 KB event, with indexes",
				Unit: pair.Bytes, Value: pair.Exactly(size), Goal: pair.AtMost(6 << 10),
			}, err
		}),
		b.of("enable", func(name string) (f pair.Figure, err error) {
			d, err := b.open()
			if err != nil {
				return f, err
			}
			defer d.close()
			took, err := d.enabled(host, o.deliveryRounds)
			return pair.Figure{
				Name: name, What: "from Enable to the request of another process",
				Unit: pair.Millis, Value: took, Goal: pair.AtMost(1000),
			}, err
		}),
	}
}

// of is a case of a figure without a reference. Where there is no such database, the row
// says so.
func (b bases[T]) of(name string, run func(name string) (pair.Figure, error)) pair.Case {
	name = "durable/" + b.name + "-" + name
	return pair.Of(name, func() (pair.Figure, error) {
		f, err := run(name)
		if errors.Is(err, errNoPostgres) {
			return pair.Figure{Name: name, What: f.What, Missing: errNoPostgres.Error()}, nil
		}
		return f, err
	})
}

// pair is a case that compares two slices, on one database or on two.
func (b bases[T]) pair(o options, name, what string, slices func(one, other *base[T]) (pair.Slice, pair.Slice)) pair.Case {
	return b.of(name, func(name string) (pair.Figure, error) {
		empty := pair.Figure{What: what}
		one, err := b.open()
		if err != nil {
			return empty, err
		}
		defer one.close()
		other, err := b.open()
		if err != nil {
			return empty, err
		}
		defer other.close()
		subject, reference := slices(one, other)
		c, err := pair.Compare(o.deliveryRounds, subject, reference)
		return c.Figure(name, what, pair.Speed, pair.AtLeast(0.9), pair.DeliverySlack), err
	})
}

// sealed is a configuration that seals what is stored.
func sealed() durable.Config {
	sealer, err := durable.AESGCM("bench", map[string][]byte{"bench": []byte(strings.Repeat("k", 32))})
	must(err)
	return durable.Config{Sealer: sealer, IndexKey: []byte(strings.Repeat("i", 32))}
}

// durableEvent is of 1 KB, as is the body that is made of it.
var durableEvent = webhook.RawEvent{
	Type: "bench:event", JSON: []byte(`{"payload": {"text": "` + strings.Repeat("x", 1000) + `"}}`),
}

func durableHook(host string) webhook.Webhook {
	return webhook.Webhook{Name: "bench", Method: http.MethodPost, URL: "http://" + host + "/", Body: `{"call": {{payload}}}`}
}

// A sender is an engine with what is before it. It counts attempts.
type sender[T any] struct {
	engine *durable.Engine[T]
	queue  *queue.Queue
	hooks  *durable.Webhooks[T]
	ids    []string
	attempts
}

// sender opens an engine on a database. The first one makes the webhooks.
func (d *base[T]) sender(host string, config durable.Config) (*sender[T], error) {
	config.Logger = quiet
	e, err := d.engine(config)
	if err != nil {
		return nil, err
	}
	s := &sender[T]{engine: e}
	if s.queue, err = queue.New(s.client(), e, queue.Config{Limit: 50, Logger: quiet}); err != nil {
		return nil, err
	}
	s.hooks = e.Webhooks(s.queue)
	for len(d.hooks) < durableHooks {
		hook, err := s.hooks.Create(context.Background(), durableHook(host))
		if err != nil {
			return nil, err
		}
		d.hooks = append(d.hooks, hook.ID)
	}
	s.ids = d.hooks
	return s, nil
}

func (s *sender[T]) dispatch(i int) error {
	return s.hooks.Dispatch(context.Background(), s.ids[i%len(s.ids)], durableEvent)
}

// delivered is a slice of deliveries that wait when it begins, until the last request has
// been answered.
func (d *base[T]) delivered(host string, config durable.Config, n int) pair.Slice {
	return func() (pair.Sample, error) {
		s, err := d.sender(host, config)
		if err != nil {
			return pair.Sample{}, err
		}
		if err := calls(n, 4*durableCallers, s.dispatch); err != nil {
			return pair.Sample{}, err
		}
		s.left.Add(n)
		var stop func() error
		sample, err := pair.Measured(func() (int, error) {
			stop = background(s.queue.Run)
			return s.wait(n)
		})
		return sample, errors.Join(err, stop(), s.engine.Close())
	}
}

// dispatched is a slice of n calls of Dispatch by so many callers.
func (d *base[T]) dispatched(host string, config durable.Config, n, callers int) pair.Slice {
	open := sync.OnceValues(func() (*sender[T], error) { return d.sender(host, config) })
	return func() (pair.Sample, error) {
		s, err := open()
		if err != nil {
			return pair.Sample{}, err
		}
		return pair.Measured(func() (int, error) { return n, calls(n, callers, s.dispatch) })
	}
}

// enqueued is a slice of n calls of Enqueue, each with many tasks.
func (d *base[T]) enqueued(host string, n int) pair.Slice {
	open := sync.OnceValues(func() (*sender[T], error) { return d.sender(host, durable.Config{}) })
	return func() (pair.Sample, error) {
		s, err := open()
		if err != nil {
			return pair.Sample{}, err
		}
		all := make([][]queue.Task, n)
		for i := range n * durableAtOnce {
			hook := durableHook(host)
			hook.ID = s.ids[i%len(s.ids)]
			m, err := webhook.MustCompile(hook, durableEvent).Compose(durableEvent)
			if err != nil {
				return pair.Sample{}, err
			}
			task, err := s.queue.Task(m)
			if err != nil {
				return pair.Sample{}, err
			}
			all[i/durableAtOnce] = append(all[i/durableAtOnce], task)
		}
		return pair.Measured(func() (int, error) {
			for _, tasks := range all {
				if err := s.engine.Enqueue(context.Background(), tasks...); err != nil {
					return 0, err
				}
			}
			return n * durableAtOnce, nil
		})
	}
}

// bytesEach is what a delivery takes that has ended, without River's job, which goes
// after some minutes.
func (d *base[T]) bytesEach(host string, n int) (float64, error) {
	s, err := d.sender(host, durable.Config{})
	if err != nil {
		return 0, err
	}
	defer s.engine.Close()
	before, err := d.size()
	if err != nil {
		return 0, err
	}
	if err := calls(n, durableCallers, s.dispatch); err != nil {
		return 0, err
	}
	s.left.Add(n)
	stop := background(s.queue.Run)
	err = s.queue.Drain(context.Background())
	if err := errors.Join(err, stop()); err != nil {
		return 0, err
	}
	after, err := d.size()
	return float64(after-before) / float64(n), err
}

// enabled is how long after Enable has returned a request of another process comes.
func (d *base[T]) enabled(host string, rounds int) (spread pair.Spread, err error) {
	s, err := d.sender(host, durable.Config{})
	if err != nil {
		return spread, err
	}
	defer s.engine.Close()
	requests, own, closing := listenOnce()
	defer closing()
	hook := durableHook(own)
	ctx := context.Background()
	definition, err := s.hooks.Create(ctx, hook)
	if err != nil {
		return spread, err
	}
	cmd, input, err := child("deliverer", 1, deliverEnv+"="+d.place)
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return spread, err
	}
	defer func() { err = errors.Join(err, input.Close(), cmd.Wait()) }()
	var took []float64
	for range rounds {
		if err := s.hooks.Pause(ctx, definition.ID, "bench"); err != nil {
			return spread, err
		}
		if err := s.hooks.Dispatch(ctx, definition.ID, durableEvent); err != nil {
			return spread, err
		}
		<-time.After(100 * time.Millisecond) // the other has heard, and is idle
		if err := s.hooks.Enable(ctx, definition.ID, "bench"); err != nil {
			return spread, err
		}
		begun := time.Now()
		select {
		case at := <-requests:
			took = append(took, at.Sub(begun).Seconds()*1000)
		case <-time.After(time.Minute):
			return spread, fmt.Errorf("%s: nothing was sent for a minute after Enable", d.place)
		}
	}
	return pair.SpreadOf(took), nil
}
