package otelhook

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/ringhook/webhook/queue"
)

const (
	// statsAge is for how long what was read is observed again: several scrapers, and
	// several readers of one provider, read it once.
	statsAge = 5 * time.Second
	// statsWait is how long a collection waits for figures. All instruments of the provider
	// wait with it, and that of a Prometheus exporter has no deadline of its own.
	statsWait = 3 * time.Second
	// statsEnd is how long reading may take in all.
	statsEnd = 30 * time.Second
	// statsLate is how old figures may be that are observed while reading takes longer than
	// statsWait.
	statsLate = 2 * time.Minute
)

// gauges are the instruments of ObserveStats.
type gauges struct {
	pending, due, held, inFlight metric.Int64ObservableGauge
	oldest                       metric.Float64ObservableGauge
}

func (g *gauges) open(meter metric.Meter) error {
	var errs [5]error
	gauge := func(to *metric.Int64ObservableGauge, err *error, name, description string) {
		*to, *err = meter.Int64ObservableGauge(name, metric.WithUnit("{message}"), metric.WithDescription(description))
	}
	gauge(&g.pending, &errs[0], "webhook.pending", "Messages that wait, including those due and held.")
	gauge(&g.due, &errs[1], "webhook.due", "Messages that wait although their time has come.")
	gauge(&g.held, &errs[2], "webhook.held", "Messages that wait at paused endpoints.")
	gauge(&g.inFlight, &errs[3], "webhook.in_flight", "Messages that are being sent.")
	g.oldest, errs[4] = meter.Float64ObservableGauge("webhook.oldest", metric.WithUnit("s"),
		metric.WithDescription("Age of the oldest message that is neither delivered nor held, or 0."))
	return errors.Join(errs[:]...)
}

// ObserveStats observes figures whenever an exporter collects, until the registration is
// unregistered. Stats is the method of a [queue.Queue], or calls that of an engine:
//
//	func(ctx context.Context) (queue.Stats, error) { return engine.Stats(ctx, 0) }
//
// It is called at most every 5 seconds, once at a time, and collecting waits for it for at
// most 3 seconds: if it takes longer, what it returned last is observed again for up to 2
// minutes, and then nothing. Its context ends after 30 seconds. If it fails, nothing is
// observed, and [otel.Handle] has the error, since from a callback some exporters would
// export nothing at all.
//
// Attributes are for those who observe several queues, which need different ones. What
// the figures of a database are is the same in each process, and not to be added up, but for
// webhook.in_flight.
func (h *Hook) ObserveStats(
	stats func(context.Context) (queue.Stats, error), attributes ...attribute.KeyValue,
) (metric.Registration, error) {
	if stats == nil {
		return nil, errors.New("otelhook: ObserveStats: no stats")
	}
	g, s, with := &h.gauges, &source{read: stats}, metric.WithAttributes(attributes...)
	return h.meter.RegisterCallback(func(ctx context.Context, o metric.Observer) error {
		figures := s.get(ctx)
		if figures == nil {
			return nil
		}
		o.ObserveInt64(g.pending, int64(figures.Pending), with)
		o.ObserveInt64(g.due, int64(figures.Due), with)
		o.ObserveInt64(g.held, int64(figures.Held), with)
		o.ObserveInt64(g.inFlight, int64(figures.InFlight), with)
		age := 0.0
		if !figures.Oldest.IsZero() {
			age = max(0, time.Since(figures.Oldest).Seconds())
		}
		o.ObserveFloat64(g.oldest, age, with)
		return nil
	}, g.pending, g.due, g.held, g.inFlight, g.oldest)
}

// A source reads figures, once at a time.
type source struct {
	read func(context.Context) (queue.Stats, error)

	mu      sync.Mutex    // guards what follows
	figures *queue.Stats  // what was read last; nil if that has failed
	at      time.Time     // when that was
	reading chan struct{} // closed when that has ended; nil: nobody reads
}

// get returns the figures, or nil if there are none.
func (s *source) get(ctx context.Context) *queue.Stats {
	if figures, ok := s.known(statsAge); ok {
		return figures
	}
	timer := time.NewTimer(statsWait)
	defer timer.Stop()
	select {
	case <-s.begin(ctx):
	case <-ctx.Done():
	case <-timer.C:
	}
	figures, ok := s.known(statsLate)
	if !ok {
		otel.Handle(errors.New("otelhook: figures of the queue were not there in time"))
	}
	return figures
}

// known returns what was read last, unless that is older.
func (s *source) known(age time.Duration) (*queue.Stats, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.at.IsZero() || time.Since(s.at) >= age {
		return nil, false
	}
	return s.figures, true
}

// begin reads the figures in another goroutine, unless one does. What it returns is closed
// in the end.
func (s *source) begin(ctx context.Context) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reading != nil {
		return s.reading
	}
	done := make(chan struct{})
	s.reading = done
	go func() {
		defer close(done)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), statsEnd)
		defer cancel()
		figures, err := s.call(ctx)
		if err != nil {
			otel.Handle(err)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.reading = nil
		s.figures, s.at = figures, time.Now()
	}()
	return done
}

// call takes a panic for an error. Its value may hold anything.
func (s *source) call(ctx context.Context) (_ *queue.Stats, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("otelhook: panic in Stats: %T\n%s", v, debug.Stack())
		}
	}()
	figures, err := s.read(ctx)
	if err != nil {
		return nil, fmt.Errorf("otelhook: figures of the queue: %w", err)
	}
	return &figures, nil
}
