package main

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/bench/internal/pair"
	"github.com/ringhook/webhook/queue"
	"github.com/ringhook/webhook/queue/memory"
)

// dispatchCases compare the time of a task from Enqueue to Handle, both trivial, with
// that of the same task through a buffered channel to as many consumers: one producer,
// room for as many, each task to the next endpoint.
func dispatchCases(options) ([]pair.Case, func(), error) {
	var cases []pair.Case
	for _, s := range []struct {
		name      string
		endpoints int
		goal      pair.Goal
	}{{"1k", 1_000, pair.AtMost(3)}, {"100k", 100_000, pair.AtMost(5)}, {"1M", million, pair.AtMost(10)}} {
		cases = append(cases, dispatch(s.name, s.endpoints, 1, s.goal), dispatch(s.name+"-tens", s.endpoints, 10, pair.Goal{}))
	}
	return cases, nil, nil
}

const (
	dispatchSlice     = 240_000 // tasks, since a channel's pace changes every few thousand
	dispatchRounds    = 12
	dispatchRoom      = 4096
	dispatchConsumers = 1024
)

// dispatch enqueues so many tasks at a time.
func dispatch(size string, endpoints, atATime int, goal pair.Goal) pair.Case {
	name, allocs := "dispatch/cost-"+size, "dispatch/allocs-"+size
	names := []string{name}
	if atATime == 1 {
		names = append(names, allocs)
	}
	return pair.Case{Names: names, Run: func() ([]pair.Figure, error) {
		d := newDispatched(endpoints)
		ours, stop := d.memory(atATime)
		theirs, end := d.channel()
		c, err := pair.Compare(dispatchRounds, ours, theirs)
		if err != nil {
			return nil, err
		}
		figures := []pair.Figure{
			c.Figure(name, fmt.Sprintf("%d endpoints, from Enqueue of %d to Handle : a Go channel", endpoints, atATime), pair.Time, goal, pair.DeliverySlack),
		}
		if atATime == 1 {
			n := testing.AllocsPerRun(3, func() {
				_, err := ours()
				must(err)
			})
			// what the test itself does once a slice is not a task's
			figures = append(figures, pair.Figure{
				Name: allocs, What: "a task", Unit: pair.Allocs,
				Value: pair.Exactly(math.Round(100*n/dispatchSlice) / 100), Goal: pair.AtMost(0),
			})
		}
		end()
		return figures, stop()
	}}
}

// dispatched is what is handed out in slices, one after another.
type dispatched struct {
	tasks []queue.Task
	next  int
	left  atomic.Int64
	done  chan struct{}
}

func newDispatched(endpoints int) *dispatched {
	d := &dispatched{tasks: make([]queue.Task, max(endpoints, dispatchSlice)), done: make(chan struct{})}
	for i := range d.tasks {
		id := "msg_" + strconv.Itoa(i)
		d.tasks[i] = queue.Task{ID: id, Key: "key_" + strconv.Itoa(i%endpoints), Message: &webhook.Message{
			ID: id, Event: "bench:event", Method: http.MethodPost, URL: "https://example.com/", Body: []byte(`{"id":"` + id + `"}`),
		}}
	}
	return d
}

// finish is what becomes of a task.
func (d *dispatched) finish() {
	if d.left.Add(-1) == 0 {
		d.done <- struct{}{}
	}
}

// slice sends the tasks that come next, when settle says that those before are not kept
// any more: of one id there is one at a time. The first ones wake the consumers, whom
// the other way's slice has left cold, and do not count.
func (d *dispatched) slice(atATime int, settle func(), send func([]queue.Task)) (pair.Sample, error) {
	through := func(n int) {
		settle()
		d.left.Store(int64(n))
		for range n / atATime {
			send(d.tasks[d.next : d.next+atATime])
			d.next = (d.next + atATime) % len(d.tasks)
		}
		<-d.done
	}
	through(dispatchSlice / 10)
	return pair.Measured(func() (int, error) {
		through(dispatchSlice)
		return dispatchSlice, nil
	})
}

func (d *dispatched) memory(atATime int) (s pair.Slice, stop func() error) {
	m := newMemory(memory.Config{MaxPending: dispatchRoom, Block: true, Workers: dispatchConsumers})
	handler := queue.Handler{Handle: func(context.Context, queue.Delivery) queue.Verdict {
		d.finish()
		return queue.Verdict{Kind: queue.KindDone}
	}}
	stop = background(func(ctx context.Context) error { return m.Run(ctx, handler) })
	send := func(tasks []queue.Task) { must(m.Enqueue(context.Background(), tasks...)) }
	return func() (pair.Sample, error) { return d.slice(atATime, func() { settle(m, 0) }, send) }, stop
}

func (d *dispatched) channel() (s pair.Slice, end func()) {
	ch := make(chan queue.Task, dispatchRoom)
	for range dispatchConsumers {
		go func() {
			for range ch {
				d.finish()
			}
		}()
	}
	send := func(tasks []queue.Task) { ch <- tasks[0] }
	return func() (pair.Sample, error) { return d.slice(1, func() {}, send) }, func() { close(ch) }
}
