package main

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/bench/internal/pair"
)

// alone is River without us.
type alone[T any] struct {
	driver riverdriver.Driver[T]
	schema string // empty: none
	// inTx runs a function in a transaction.
	inTx func(ctx context.Context, fn func(tx T) error) error
	// rows writes a row for each id into an indexed table of the program's own.
	rows func(ctx context.Context, tx T, ids []string) error
}

// migrate makes River's tables.
func (a alone[T]) migrate() error {
	m, err := rivermigrate.New(a.driver, &rivermigrate.Config{Schema: a.schema, Logger: quiet})
	if err != nil {
		return err
	}
	_, err = m.Migrate(context.Background(), rivermigrate.DirectionUp, nil)
	return err
}

// A posting is a job: a message to be sent.
type posting struct {
	Message *webhook.Message `json:"message"`
}

// Kind names the job.
func (posting) Kind() string { return "posting" }

// A poster sends it, with the client that ours has.
type poster struct {
	river.WorkerDefaults[posting]
	client *webhook.Client
}

// Work sends a message.
func (p *poster) Work(ctx context.Context, job *river.Job[posting]) error {
	return p.client.Try(ctx, job.Args.Message, 1).Err
}

func (d *base[T]) riverClient(c *webhook.Client) (*river.Client[T], error) {
	workers := river.NewWorkers()
	river.AddWorker(workers, &poster{client: c})
	return river.NewClient(d.alone.driver, &river.Config{
		// As many as ours has, and as often.
		Queues:  map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 1500}},
		Workers: workers, Schema: d.alone.schema, Logger: quiet,
		FetchCooldown: 5 * time.Millisecond, FetchPollInterval: 50 * time.Millisecond,
	})
}

// insert writes n jobs and rows in a transaction.
func (d *base[T]) insert(client *river.Client[T], n int) error {
	ctx := context.Background()
	jobs, ids := make([]river.InsertManyParams, n), make([]string, n)
	for i := range jobs {
		m := *d.message
		m.ID = "msg_" + rand.Text()
		jobs[i].Args, ids[i] = posting{&m}, m.ID
	}
	return d.alone.inTx(ctx, func(tx T) error {
		if err := d.alone.rows(ctx, tx, ids); err != nil {
			return err
		}
		// COPY, which the fast one is, is slower for a few.
		if n < 20 {
			_, err := client.InsertManyTx(ctx, tx, jobs)
			return err
		}
		_, err := client.InsertManyFastTx(ctx, tx, jobs)
		return err
	})
}

// jobsDelivered is a slice of jobs that wait when it begins, until the last request has
// been answered.
func (d *base[T]) jobsDelivered(host string, n int) pair.Slice {
	return func() (pair.Sample, error) {
		done := &attempts{}
		if err := d.compose(host); err != nil {
			return pair.Sample{}, err
		}
		client, err := d.riverClient(done.client())
		if err != nil {
			return pair.Sample{}, err
		}
		for range n / durableAtOnce {
			if err := d.insert(client, durableAtOnce); err != nil {
				return pair.Sample{}, err
			}
		}
		done.left.Add(n)
		sample, err := pair.Measured(func() (int, error) {
			if err := client.Start(context.Background()); err != nil {
				return 0, err
			}
			return done.wait(n)
		})
		return sample, errors.Join(err, client.Stop(context.Background()))
	}
}

// jobsInserted is a slice of n jobs and rows, so many of them in a transaction.
func (d *base[T]) jobsInserted(n, atOnce int) pair.Slice {
	open := sync.OnceValues(d.idleClient)
	return func() (pair.Sample, error) {
		client, err := open()
		if err != nil {
			return pair.Sample{}, err
		}
		return pair.Measured(func() (int, error) {
			for range n / atOnce {
				if err := d.insert(client, atOnce); err != nil {
					return 0, err
				}
			}
			return n, nil
		})
	}
}

// idleClient returns a client that is never started.
func (d *base[T]) idleClient() (*river.Client[T], error) {
	if err := d.compose("127.0.0.1:1"); err != nil {
		return nil, err
	}
	return d.riverClient(newClient())
}

// jobsCalled is a slice of n jobs and rows that so many callers ask for, each for one and
// the next when that is kept. A writer inserts those that wait in one transaction.
func (d *base[T]) jobsCalled(n, callers int) pair.Slice {
	open := sync.OnceValues(d.idleClient)
	return func() (pair.Sample, error) {
		client, err := open()
		if err != nil {
			return pair.Sample{}, err
		}
		asked := make(chan chan error, callers)
		defer close(asked)
		go func() {
			for first := range asked {
				waiting := []chan error{first}
				for len(asked) > 0 {
					waiting = append(waiting, <-asked)
				}
				err := d.insert(client, len(waiting))
				for _, caller := range waiting {
					caller <- err
				}
			}
		}()
		return pair.Measured(func() (int, error) {
			return n, calls(n, callers, func(int) error {
				kept := make(chan error, 1)
				asked <- kept
				return <-kept
			})
		})
	}
}

// compose makes the message of the jobs.
func (d *base[T]) compose(host string) error {
	hook := durableHook(host)
	hook.ID = "wh_alone"
	c, err := webhook.Compile(hook, durableEvent)
	if err != nil {
		return err
	}
	d.message, err = c.Compose(durableEvent)
	return err
}
