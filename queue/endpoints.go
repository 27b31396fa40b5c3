package queue

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// An Endpoint is what is stored of an endpoint: what was decided about it, and since when
// it fails. It is plain data. One of which nothing is stored is enabled, with a Rev of
// zero.
type Endpoint struct {
	Key   string        `json:"key"`
	State EndpointState `json:"state"` // StateEnabled, StatePaused or StateDisabled
	// Reason says why: what [Queue.Disable] and the like were given, or [ReasonGone] or
	// [ReasonFailing].
	Reason string `json:"reason"`
	// Actor is who decided it, if the engine knows; empty: the queue itself.
	Actor string `json:"actor"`
	// Since is when it was decided. Zero: never.
	Since time.Time `json:"since,omitzero"`
	// FailingSince is the first failure since the last success, about a minute behind;
	// zero if there is none. LastFailure is a failure not much before the last.
	FailingSince time.Time `json:"failing_since,omitzero"`
	LastFailure  time.Time `json:"last_failure,omitzero"`
	// Tell says that [Config] OnState has not been told of it yet, and is to be told at
	// that time unless somebody has done so. Zero: there is nothing to tell.
	Tell time.Time `json:"tell,omitzero"`
	// Rev is higher than that of any change before. Engines count it.
	Rev int64 `json:"rev"`
}

// An Endpoints is an [Engine] that stores what is decided about endpoints, for all the
// queues that share what it stores. A [Queue] over another engine keeps that itself, as
// [LocalEndpoints] does, and it ends with the process.
type Endpoints interface {
	// Endpoint returns what is stored of a key.
	Endpoint(ctx context.Context, key string) (Endpoint, error)
	// SetEndpoint stores e in place of what is stored of its key, if that has e's Rev,
	// and returns it as stored, with a new Rev. If another change came first, it stores
	// nothing, and returns what is stored and false. An engine that knows who has called
	// sets Actor where Since is another than before.
	SetEndpoint(ctx context.Context, e Endpoint) (stored Endpoint, ok bool, err error)
	// Changed returns the endpoints that were stored after a Rev, in the order of their
	// Revs: all, or the first of them. What it leaves out is never stored later under a
	// Rev that is lower than the last one it returns. It is called twice a second, so it
	// must be cheap where nothing has changed.
	Changed(ctx context.Context, rev int64) ([]Endpoint, error)
}

// SetState stores a decision: that messages are sent to an endpoint ([StateEnabled]),
// held until it is enabled ([StatePaused]), or neither sent nor accepted
// ([StateDisabled]). It is what [Queue.Enable], [Queue.Pause] and [Queue.Disable] do, for
// those who have an engine and no queue: a queue that has a [Config] OnState tells of it.
// The reason is for people; of an endpoint that is paused or disabled already, the first
// reason stays.
func SetState(
	ctx context.Context, engine Endpoints, key string, state EndpointState, reason string,
) (Endpoint, error) {
	e, _, err := setState(ctx, engine, key, state, reason, 0)
	return e, err
}

// setState is SetState by somebody who tells OnState within a time. It reports whether
// there was something to store.
func setState(
	ctx context.Context, engine Endpoints, key string, state EndpointState, reason string, tells time.Duration,
) (Endpoint, bool, error) {
	e, err := engine.Endpoint(ctx, key)
	for err == nil {
		if e.State == state && (state != StateEnabled || e.Rev == 0) {
			return e, false, nil
		}
		next := Endpoint{Key: key, State: state, Reason: reason, Since: time.Now(), Rev: e.Rev}
		if next.Tell = e.Tell; e.State != state {
			next.Tell = next.Since.Add(tells)
		}
		if state != StateEnabled {
			next.FailingSince, next.LastFailure = e.FailingSince, e.LastFailure
		}
		var ok bool
		if e, ok, err = engine.SetEndpoint(ctx, next); ok && err == nil {
			return e, true, nil
		}
	}
	return Endpoint{}, false, err
}

// LocalEndpoints keeps what is stored of endpoints in the process. An engine that embeds
// one is an [Endpoints]; package queue/memory's does. The zero value is ready to use, and
// safe for concurrent use.
type LocalEndpoints struct {
	mu       sync.Mutex // guards what follows
	rev      int64
	rows     map[string]Endpoint
	watchers []func(Endpoint)
}

// Endpoint returns what is stored of a key.
func (l *LocalEndpoints) Endpoint(ctx context.Context, key string) (Endpoint, error) {
	if ctx.Err() != nil {
		return Endpoint{}, fmt.Errorf("queue: %w", context.Cause(ctx))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rowLocked(key), nil
}

// rowLocked returns what is stored of a key. It needs l.mu.
func (l *LocalEndpoints) rowLocked(key string) Endpoint {
	if e, ok := l.rows[key]; ok {
		return e
	}
	return Endpoint{Key: key, State: StateEnabled}
}

// SetEndpoint stores e if what is stored has its Rev; see [Endpoints].
func (l *LocalEndpoints) SetEndpoint(ctx context.Context, e Endpoint) (Endpoint, bool, error) {
	if ctx.Err() != nil {
		return Endpoint{}, false, fmt.Errorf("queue: %w", context.Cause(ctx))
	}
	l.mu.Lock()
	if stored := l.rowLocked(e.Key); stored.Rev != e.Rev {
		l.mu.Unlock()
		return stored, false, nil
	}
	l.rev++
	e.Rev = l.rev
	if l.rows == nil {
		l.rows = make(map[string]Endpoint)
	}
	l.rows[e.Key] = e
	watchers := l.watchers // only ever appended to
	l.mu.Unlock()
	for _, watcher := range watchers {
		watcher(e)
	}
	return e, true, nil
}

// Changed returns the endpoints that were stored after a Rev. It takes time in proportion
// to all that are stored.
func (l *LocalEndpoints) Changed(ctx context.Context, rev int64) ([]Endpoint, error) {
	if ctx.Err() != nil {
		return nil, fmt.Errorf("queue: %w", context.Cause(ctx))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var changed []Endpoint
	for _, e := range l.rows {
		if e.Rev > rev {
			changed = append(changed, e)
		}
	}
	slices.SortFunc(changed, func(a, b Endpoint) int { return cmp.Compare(a.Rev, b.Rev) })
	return changed, nil
}

// A watchable is a store of this process, which tells of each change at once: it need not
// be asked, and what it stores is not for others.
type watchable interface {
	Endpoints
	watch(watcher func(Endpoint))
}

// watch has each change told to a watcher. Of two changes of a key, the later may be told
// first.
func (l *LocalEndpoints) watch(watcher func(Endpoint)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.watchers = append(l.watchers, watcher)
}
