package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/bench/internal/pair"
	"github.com/ringhook/webhook/queue"
	"github.com/ringhook/webhook/queue/memory"
)

// pendingCases tell what a retry costs while it waits, and what it costs the others.
func pendingCases(o options) ([]pair.Case, func(), error) {
	r, err := startReceiver("receiver", 1)
	if err != nil {
		return nil, nil, err
	}
	cases := []pair.Case{
		o.pendingMemory("10k", 10_000),
		o.pendingMemory("100k", 100_000),
		pendingMillion(),
		o.pendingTimers(100_000),
		o.pendingCollect(),
		o.pendingRetries(),
		o.pendingDeliver(r.hosts[0]),
	}
	if o.longest {
		cases = append(cases, pendingMillionRetries())
	}
	return cases, r.close, nil
}

const million = 1_000_000

// retries makes messages that wait for their second attempt, over 1000 endpoints, due
// within a day.
func retries(n int) []queue.Delivery {
	keys := make([]string, 1000)
	for i := range keys {
		keys[i] = fmt.Sprintf("5d2b0f3e-6a1c-4f0a-9c64-%012d", i)
	}
	all := make([]queue.Delivery, n)
	now := time.Now()
	for i := range all {
		id := "msg_" + strconv.Itoa(i)
		all[i] = queue.Delivery{
			Task: queue.Task{
				ID: id, Key: keys[i%len(keys)], Message: &webhook.Message{ID: id, Body: []byte("12345")},
				NotBefore: now.Add(time.Hour + time.Duration(uint32(i)*2654435761)*20*time.Microsecond),
			},
			N: 2,
		}
	}
	return all
}

// pendingMemory tells the bytes of a retry, and how many times that a goroutine takes.
func (o options) pendingMemory(size string, n int) pair.Case {
	name := "pending/memory-" + size
	asGoroutine := name + "-goroutine"
	return pair.Case{Names: []string{name, asGoroutine}, Run: func() ([]pair.Figure, error) {
		c, err := pair.CompareCold(o.longRounds, kept(n, inMemory(retries(n))), elsewhere("goroutines", n))
		return []pair.Figure{
			bytesFigure(name, c.Heap.Subject),
			c.Figure(asGoroutine, "a waiting retry : a goroutine that sleeps", pair.Less, pair.AtLeast(12), pair.DeliverySlack),
		}, err
	}}
}

// pendingMillion is of retries alone: as many goroutines need 3 GB, and not a byte less
// for each than fewer do.
func pendingMillion() pair.Case {
	const name = "pending/memory-1M"
	return pair.Of(name, func() (pair.Figure, error) {
		s, err := kept(million, inMemory(retries(million)))()
		return bytesFigure(name, pair.Exactly(s.Heap)), err
	})
}

func bytesFigure(name string, each pair.Spread) pair.Figure {
	return pair.Figure{Name: name, What: "a waiting retry, beyond its message and id", Unit: pair.Bytes, Value: each, Goal: pair.AtMost(192)}
}

// elsewhere is a slice of so many things in a process of its own, a child that prints the
// bytes of each: of a goroutine, the run-time keeps some for ever, which would be in the way
// of all that is measured later.
func elsewhere(name string, n int) pair.Slice {
	return func() (s pair.Sample, err error) {
		cmd, stdin, err := child(name, n)
		if err != nil {
			return s, err
		}
		defer stdin.Close()
		out, err := cmd.Output()
		if err != nil {
			return s, err
		}
		_, err = fmt.Sscan(string(out), &s.Heap)
		return s, err
	}
}

// goroutines prints the bytes of each of so many.
func goroutines(n int) error {
	s, err := kept(n, inGoroutines(retries(n)))()
	fmt.Println(s.Heap)
	return err
}

// pendingTimers tells how many times the bytes of a retry a timer takes, which cannot
// be asked what waits, nor stored.
func (o options) pendingTimers(n int) pair.Case {
	const name = "pending/memory-timer"
	return pair.Of(name, func() (pair.Figure, error) {
		all := retries(n)
		c, err := pair.CompareCold(o.longRounds, kept(n, inMemory(all)), kept(n, inTimers(all)))
		return c.Figure(name, "a waiting retry : a timer with a closure", pair.Less, pair.Goal{}, pair.ComputeSlack), err
	})
}

// pendingCollect tells what very many retries are to the garbage collector.
func (o options) pendingCollect() pair.Case {
	const name = "pending/collect-1M"
	return pair.Case{Names: []string{name}, Run: func() ([]pair.Figure, error) {
		all := retries(million)
		nothing := func() (func(), error) { return func() {}, nil }
		c, err := pair.CompareCold(o.longRounds, kept(million, inMemory(all)), kept(million, nothing))
		runtime.KeepAlive(all)
		messages := 1e3 * c.CPU.Reference.Median
		if err != nil || messages == 0 { // not known here
			return nil, err
		}
		return []pair.Figure{{
			Name: name, What: "CPU of a collection of garbage, beyond that for the messages",
			Unit: pair.Millis, Value: c.CPU.Subject.Linear(1e3, -messages), Goal: pair.AtMost(50),
			Self: c.CPU.Self, Slack: pair.DeliverySlack, Note: "messages " + pair.Number(messages) + " ms",
		}}, nil
	}}
}

// kept is a slice that makes n things, and tells the bytes of each and the CPU of a
// collection of garbage while they are there.
func kept(n int, keep func() (end func(), err error)) pair.Slice {
	return func() (pair.Sample, error) {
		before, _ := heap()
		end, err := keep()
		if err != nil {
			return pair.Sample{}, err
		}
		after, cpu := heap()
		end()
		return pair.Sample{Heap: (after - before) / float64(n), CPU: cpu}, nil
	}
}

// heap tells the bytes that are live on the heap, and in all stacks, and the CPU of a
// collection.
func heap() (bytes, cpu float64) {
	const cycles = 2 // the second one has swept what the first one found
	s, err := pair.Measured(func() (int, error) {
		for range cycles {
			runtime.GC()
		}
		return cycles, nil
	})
	must(err)
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return float64(stats.HeapAlloc + stats.StackInuse), s.CPU
}

func inMemory(all []queue.Delivery) func() (func(), error) {
	return func() (func(), error) {
		m, err := memoryOf(all, len(all))
		return func() {
			runtime.KeepAlive(m)
			// or what they take would be missing in what is there afterwards
			runtime.KeepAlive(all)
		}, err
	}
}

// memoryOf is an engine with retries that came one at a time, as they do.
func memoryOf(all []queue.Delivery, room int) (*memory.Engine, error) {
	m := newMemory(memory.Config{MaxPending: room, Workers: 64})
	for i := range all {
		if err := m.Resume(context.Background(), all[i]); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// woken is what a goroutine or a closure does with its delivery.
var woken atomic.Int64

func inGoroutines(all []queue.Delivery) func() (func(), error) {
	return func() (func(), error) {
		stop := make(chan struct{})
		var wg sync.WaitGroup
		before := runtime.NumGoroutine()
		for i := range all {
			d := &all[i]
			wg.Go(func() {
				timer := time.NewTimer(time.Until(d.NotBefore))
				defer timer.Stop()
				select {
				case <-timer.C:
					woken.Add(int64(d.N))
				case <-stop:
				}
			})
		}
		for runtime.NumGoroutine() < before+len(all) {
			runtime.Gosched()
		}
		return func() {
			close(stop)
			wg.Wait()
		}, nil
	}
}

func inTimers(all []queue.Delivery) func() (func(), error) {
	return func() (func(), error) {
		timers := make([]*time.Timer, len(all)) // who has them can stop them
		for i := range all {
			d := &all[i]
			timers[i] = time.AfterFunc(time.Until(d.NotBefore), func() { woken.Add(int64(d.N)) })
		}
		return func() {
			for _, t := range timers {
				t.Stop()
			}
		}, nil
	}
}

// A retryLoad is that many retries, that many times: all are booked before the first is
// due, and then they are due all over a while, in no order, while there is nothing else
// to do.
type retryLoad struct {
	n, times    int
	least, over time.Duration // how long they wait: from the one, over the other
}

// pendingRetries compares the CPU of a retry, from being booked to being handed out,
// with that of a timer whose closure sets the next one, and tells how late the last
// percent is.
func (o options) pendingRetries() pair.Case {
	l := retryLoad{100_000, 3, 150 * time.Millisecond, 300 * time.Millisecond}
	return pair.Case{Names: []string{"pending/late-100k", "pending/cpu-100k"}, Run: func() ([]pair.Figure, error) {
		c, err := pair.CompareCold(o.longRounds, l.memory(l.tasks()), l.timers())
		return l.figures("100k", c, pair.Goal{}), err
	}}
}

// pendingMillionRetries does so for a million, in two rounds, since a slice takes seven
// seconds; and compares the CPU of each with that of one among a tenth, which come as
// fast: after each slice of the million there is one of those. A heap by itself is a
// fifth slower for ten times as many; the bound leaves as much again, and a little, for
// memory that is in no cache.
func pendingMillionRetries() pair.Case {
	l := retryLoad{million, 1, 2 * time.Second, 4 * time.Second}
	few := retryLoad{l.n / 10, l.times, l.least / 10, l.over / 10}
	names := []string{"pending/late-1M", "pending/cpu-1M", "pending/cpu-growth"}
	return pair.Case{Names: names, Run: func() ([]pair.Figure, error) {
		big, small := l.memory(l.tasks()), few.memory(few.tasks())
		var ratios, fewer []float64
		c, err := pair.CompareCold(2, func() (pair.Sample, error) {
			s, err := big()
			if err != nil {
				return s, err
			}
			t, err := small()
			ratios, fewer = append(ratios, s.CPU/t.CPU), append(fewer, t.CPU)
			return s, err
		}, l.timers())
		figures := l.figures("1M", c, pair.AtMost(20))
		if err != nil || c.CPU.Median == 0 {
			return figures, err
		}
		self := pair.SpreadOf([]float64{fewer[0] / fewer[1], fewer[2] / fewer[3]})
		return append(figures, pair.Figure{
			Name: names[2], What: fmt.Sprintf("CPU of a retry among %d : among %d", l.n, few.n), Unit: pair.Growth,
			Value: pair.SpreadOf(ratios), Goal: pair.AtMost(1.5), Self: self, Slack: pair.DeliverySlack,
			Note: pair.Seconds(c.CPU.Subject.Median) + " : " + pair.Seconds(pair.SpreadOf(fewer).Median),
		}), nil
	}}
}

// figures are the rows of a load. How late they are has no steady reference: that is
// void when the CPU is.
func (l retryLoad) figures(size string, c pair.Comparison, late pair.Goal) []pair.Figure {
	lateness := pair.Figure{
		Name: "pending/late-" + size, What: "p99, a retry", Unit: pair.Millis, Value: c.Tail.Subject.Linear(1e3, 0), Goal: late,
		Self: c.CPU.Self, Slack: pair.DeliverySlack, Note: "AfterFunc " + pair.Seconds(c.Tail.Reference.Median),
	}
	if c.CPU.Median == 0 { // not known here
		lateness.Slack = 0
		return []pair.Figure{lateness}
	}
	return []pair.Figure{lateness, c.Figure("pending/cpu-"+size,
		"a retry, with its part of the message's first attempt and end : time.AfterFunc", pair.CPU, pair.AtMost(0.6), pair.DeliverySlack)}
}

// tasks are the messages as they come, for their first attempt at once.
func (l retryLoad) tasks() []queue.Task {
	tasks := make([]queue.Task, l.n)
	for i, d := range retries(l.n) {
		tasks[i] = d.Task
		tasks[i].NotBefore = time.Time{}
	}
	return tasks
}

// wait is that of the ith one.
func (l retryLoad) wait(i int64) time.Duration {
	return l.least + time.Duration(uint64(uint32(i)*2654435761)*uint64(l.over)>>32)
}

// A fired notes how late each one was.
type fired struct {
	late        []time.Duration
	next, noted atomic.Int64
	done        chan struct{}
}

func (l retryLoad) fired() *fired {
	return &fired{late: make([]time.Duration, l.n*l.times), done: make(chan struct{})}
}

func (f *fired) note(due time.Time) {
	f.late[f.next.Add(1)-1] = time.Since(due)
	if int(f.noted.Add(1)) == len(f.late) {
		close(f.done)
	}
}

// measure tells what each one costs from when begin is called until the last has fired.
func (f *fired) measure(begin func()) (pair.Sample, error) {
	runtime.GC()
	s, err := pair.Measured(func() (int, error) {
		begin()
		<-f.done
		return len(f.late), nil
	})
	slices.Sort(f.late)
	return pair.Sample{CPU: s.CPU, Tail: f.late[len(f.late)*99/100].Seconds()}, err
}

func (l retryLoad) memory(tasks []queue.Task) pair.Slice {
	return func() (pair.Sample, error) {
		var booked atomic.Int64
		f := l.fired()
		m := newMemory(memory.Config{})
		if err := m.Enqueue(context.Background(), tasks...); err != nil {
			return pair.Sample{}, err
		}
		handler := queue.Handler{Handle: func(_ context.Context, d queue.Delivery) queue.Verdict {
			if d.N > 1 {
				f.note(d.NotBefore)
			}
			if d.N > l.times {
				return queue.Verdict{Kind: queue.KindDone}
			}
			return queue.Verdict{Kind: queue.KindRetry, After: l.wait(booked.Add(1))}
		}}
		var stop func() error
		s, err := f.measure(func() {
			stop = background(func(ctx context.Context) error { return m.Run(ctx, handler) })
		})
		return s, errors.Join(err, stop())
	}
}

func (l retryLoad) timers() pair.Slice {
	return func() (pair.Sample, error) {
		var booked atomic.Int64
		f := l.fired()
		var book func(n int)
		book = func(n int) {
			wait := l.wait(booked.Add(1))
			due := time.Now().Add(wait)
			time.AfterFunc(wait, func() {
				f.note(due)
				if n < l.times {
					book(n + 1)
				}
			})
		}
		return f.measure(func() {
			for range l.n {
				book(1)
			}
		})
	}
}

// pendingDeliver compares how fast new messages are delivered with a million waiting
// and with none. Both queues are there all the time, and the process collects garbage
// as one with a million does: seldom. What that costs is a row of its own.
func (o options) pendingDeliver(host string) pair.Case {
	const name, size, endpoints = "pending/deliver", 2000, 1000
	return pair.Of(name, func() (f pair.Figure, err error) {
		b := newBatch(host, size, endpoints)
		var slices [2]pair.Slice
		var stops []func() error
		for i, waiting := range []int{million, 0} {
			m, err := memoryOf(retries(waiting), waiting+size)
			if err != nil {
				return f, err
			}
			q, err := runQueue(b.client, m)
			if err != nil {
				return f, err
			}
			slices[i] = b.queued(q, waiting)
			stops = append(stops, q.stop)
		}
		c, err := pair.Compare(o.deliveryRounds, slices[0], slices[1])
		for _, stop := range stops {
			err = errors.Join(err, stop())
		}
		return c.Figure(name, "a delivery with 1M waiting : beside it in the process, with none", pair.Speed, pair.AtLeast(0.9), pair.DeliverySlack), err
	})
}
