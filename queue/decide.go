package queue

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

const (
	// pollEvery is how often a queue asks what other processes have changed.
	pollEvery = 500 * time.Millisecond
	// staleAfter is after how long Send asks, in a process where Run does not.
	staleAfter = time.Second
	// saveEvery is how often at most it is stored since when an endpoint fails.
	saveEvery = time.Minute
	// storeWithin is how long storing may take that nobody waits for.
	storeWithin = 5 * time.Second
	// sameDecision is how much the times of one decision may differ.
	sameDecision = 100 * time.Millisecond
	// savers is how many endpoints are stored at once.
	savers = 32
)

// A store is what the queue knows of where endpoints are stored, and what it has to do
// there.
type store struct {
	Endpoints
	local bool // of this process: it tells of changes, and outlives nothing

	begun  time.Time  // what freshAt counts from
	asking sync.Mutex // held while Changed is asked; guards loaded
	loaded bool       // all has been read once
	// telling is held by the goroutine that tells OnState what others have stored.
	telling sync.Mutex
}

// openStore sets q.store. An engine that stores no endpoints has them stored here.
func (q *Queue) openStore(engine Engine) {
	s := &q.store
	s.begun = time.Now()
	var ok bool
	if s.Endpoints, ok = engine.(Endpoints); !ok {
		s.Endpoints = &LocalEndpoints{}
	}
	var w watchable
	if w, s.local = s.Endpoints.(watchable); s.local {
		w.watch(func(row Endpoint) { q.learn(context.Background(), row, false) })
	}
	q.freshAt.Store(-int64(staleAfter)) // it knows nothing yet
}

// Disable ends the sending to an endpoint, named as [Key] returns it: waiting messages
// are dropped when their time comes, as OnDrop reports, and Send refuses new ones. It
// is for webhooks that were deleted or switched off. The reason is for people. It counts in
// every process within a second of its return.
//
// An engine that is no [Waker] learns of it, as of Enable, when the wait is over that it
// was told last.
//
// The error is that of an engine that cannot store it; then nothing has changed.
func (q *Queue) Disable(ctx context.Context, key, reason string) error {
	return q.setState(ctx, key, StateDisabled, reason)
}

// Pause holds what is sent to an endpoint: Send takes messages as ever, but none leaves,
// and no retry is tried, until Enable or Disable. Attempts that are under way go on. It
// counts, and fails, as Disable does.
func (q *Queue) Pause(ctx context.Context, key, reason string) error {
	return q.setState(ctx, key, StatePaused, reason)
}

// Enable makes an endpoint as good as new: it is neither disabled nor paused any more,
// and nothing of its failures is remembered. It counts, and fails, as Disable does.
func (q *Queue) Enable(ctx context.Context, key, reason string) error {
	if err := q.setState(ctx, key, StateEnabled, reason); err != nil {
		return err
	}
	// Also if nothing was stored, since there was nothing to change.
	now := time.Now()
	q.mu.Lock()
	ep := q.endpointLocked(key, now)
	q.renewLocked(ep)
	change := ep.changeLocked(now)
	q.forgetLocked(ep, now)
	q.mu.Unlock()
	q.log(ctx, key, change)
	q.wake(key)
	return nil
}

func (q *Queue) setState(ctx context.Context, key string, state EndpointState, reason string) error {
	row, ok, err := setState(ctx, q.store.Endpoints, key, state, reason, q.tellsWithin())
	if err != nil {
		return fmt.Errorf("queue: endpoint: %w", err)
	}
	q.learn(ctx, row, false)
	if ok && q.cfg.OnState != nil {
		q.tell(ctx, row)
	}
	return nil
}

// renewLocked forgets the failures of an endpoint. It needs q.mu.
func (q *Queue) renewLocked(ep *endpoint) {
	ep.breaker, ep.throttledUntil = nil, time.Time{}
	ep.failingSince, ep.lastFailure, ep.proxyFailing = time.Time{}, time.Time{}, time.Time{}
	ep.ending = ""
	q.countLocked(ep)
}

// learn takes over what is stored of an endpoint, unless it is known. A quiet one is not
// logged.
func (q *Queue) learn(ctx context.Context, row Endpoint, quiet bool) {
	now := time.Now()
	q.mu.Lock()
	change, news, told := q.learnLocked(row, now)
	q.mu.Unlock()
	var attrs []slog.Attr
	if row.Reason != "" {
		attrs = append(attrs, slog.String("reason", row.Reason))
	}
	if !quiet {
		q.log(ctx, row.Key, change, attrs...)
	}
	if news {
		q.wake(row.Key)
	}
	if told.To != "" {
		q.tells.later(func() { q.onState(ctx, told) })
	}
}

// learnLocked takes over what is stored of an endpoint, and reports whether something was
// decided that was not known, and what OnState is to be told at once, if anything. It needs
// q.mu.
func (q *Queue) learnLocked(row Endpoint, now time.Time) (c change, news bool, told StateChange) {
	if known, ok := q.untold[row.Key]; ok && row.Rev > known.Rev {
		if known.Endpoint = row; row.Tell.IsZero() {
			delete(q.untold, row.Key)
		} else {
			q.untold[row.Key] = known
		}
	}
	ep := q.endpoints[row.Key]
	isToTell := q.cfg.OnState != nil && !row.Tell.IsZero()
	if ep == nil && (row.State == StateEnabled && row.FailingSince.IsZero() && !isToTell ||
		row.State == StateDisabled && row.Reason == string(ReasonDeleted)) { // of which there may be many
		return change{}, false, StateChange{}
	}
	from := EndpointState("")
	if ep == nil {
		if ep = q.endpointLocked(row.Key, now); row.State != StateEnabled {
			from = StateHealthy
		}
	} else {
		from = cmp.Or(ep.told, StateHealthy)
	}
	old := ep.row
	if row.Rev <= old.Rev {
		return change{}, false, StateChange{}
	}
	ep.row = row
	if row.State == StateDisabled || row.Since.After(ep.endedAt) {
		ep.ending = ""
	}
	if news = isNews(old, row); news {
		told = q.decidedLocked(ep, from, now)
	}
	// An attempt that began after it was enabled may have decided something already.
	if news && row.State == StateEnabled && old.Rev > 0 && ep.ending == "" {
		q.renewLocked(ep)
	}
	q.mergeLocked(ep)
	q.countLocked(ep)
	return ep.changeLocked(now), news, told
}

// isNews reports whether what is stored of an endpoint is another decision than what was
// known. The time of one that is not may come back a little different from a store whose
// clock is not this one's.
func isNews(old, row Endpoint) bool {
	same := row.State == cmp.Or(old.State, StateEnabled) && row.Reason == old.Reason && row.Actor == old.Actor
	return !same || row.Since.Sub(old.Since).Abs() > sameDecision
}

// mergeLocked brings together since when an endpoint fails for this process, and what is
// stored: that counts, unless this process knows something newer. It needs q.mu.
func (q *Queue) mergeLocked(ep *endpoint) {
	row := ep.row
	switch {
	case q.store.local:
	case !q.unsaved[ep]:
		ep.failingSince = row.FailingSince
		if row.LastFailure.After(ep.lastFailure) {
			ep.lastFailure = row.LastFailure
		}
	case !ep.failingSince.IsZero() && !row.FailingSince.IsZero() &&
		row.FailingSince.Before(ep.failingSince) &&
		ep.failingSince.Sub(row.LastFailure) <= q.cfg.DisableAfter/2:
		ep.failingSince = row.FailingSince
	}
}

// countLocked counts the disabled endpoints. It needs q.mu.
func (q *Queue) countLocked(ep *endpoint) {
	if off := ep.isDisabledLocked(); off != ep.counted {
		ep.counted = off
		if off {
			q.disabled.Add(1)
		} else {
			q.disabled.Add(-1)
		}
	}
}

// isDisabled reports whether an endpoint is disabled. Only if it seems to be, it asks
// where that is stored: another process may just have enabled it.
func (q *Queue) isDisabled(ctx context.Context, key string) bool {
	if q.disabled.Load() == 0 { // as nearly always
		return false
	}
	q.mu.Lock()
	ep := q.endpoints[key]
	disabled := ep != nil && ep.isDisabledLocked()
	ending := disabled && ep.ending != ""
	q.mu.Unlock()
	if !disabled || ending || q.store.local {
		return disabled
	}
	row, err := q.store.Endpoint(ctx, key)
	if err != nil {
		return true
	}
	q.learn(ctx, row, false)
	return row.State == StateDisabled
}

// freshen asks what other processes have changed, if that was not done for a while, since
// Run is not on in this process.
func (q *Queue) freshen(ctx context.Context) {
	if q.store.local || time.Since(q.store.begun)-time.Duration(q.freshAt.Load()) < staleAfter {
		return
	}
	if !q.store.asking.TryLock() {
		return
	}
	defer q.store.asking.Unlock()
	ctx, cancel := context.WithTimeout(ctx, storeWithin)
	defer cancel()
	_ = q.refreshAsking(ctx) // the engine will say what is wrong
}

// refresh asks what other processes have changed.
func (q *Queue) refresh(ctx context.Context) error {
	q.store.asking.Lock()
	defer q.store.asking.Unlock()
	return q.refreshAsking(ctx)
}

// refreshAsking asks what other processes have changed. It needs q.store.asking.
func (q *Queue) refreshAsking(ctx context.Context) error {
	defer func() { q.freshAt.Store(int64(time.Since(q.store.begun))) }()
	for {
		rows, err := q.store.Changed(ctx, q.rev)
		if err != nil {
			return err
		}
		if len(rows) == 0 || rows[len(rows)-1].Rev <= q.rev {
			q.store.loaded = true
			return nil
		}
		for _, row := range rows {
			q.learn(ctx, row, !q.store.loaded)
		}
		q.rev = rows[len(rows)-1].Rev
	}
}

// watch keeps up with what other processes change, and stores what this one has found
// out, until ctx ends.
func (q *Queue) watch(ctx context.Context) {
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	var tellers sync.WaitGroup
	defer tellers.Wait()
	for failing := false; ; {
		ended := ctx.Err() != nil
		// Not by ctx, after whose end it is done once more, and without its values: what
		// this queue finds out is nobody's doing.
		asked, cancel := context.WithTimeout(context.Background(), storeWithin)
		err := q.refresh(asked)
		cancel()
		if err != nil && !failing {
			q.cfg.Logger.ErrorContext(ctx, "queue: read what is stored of endpoints", slog.Any("error", err))
		}
		failing = err != nil
		q.save()
		if ended {
			return
		}
		if q.cfg.OnState != nil && q.store.telling.TryLock() {
			tellers.Go(func() {
				defer q.store.telling.Unlock()
				q.tellUntold()
			})
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
		}
	}
}

// isDisabledLocked reports whether messages to an endpoint are dropped. It needs q.mu.
func (ep *endpoint) isDisabledLocked() bool {
	return ep.ending != "" || ep.row.State == StateDisabled
}

// storedLocked returns what is known to be stored of an endpoint. It needs q.mu.
func (ep *endpoint) storedLocked() Endpoint {
	row := ep.row
	row.Key, row.State = ep.key, cmp.Or(row.State, StateEnabled)
	return row
}
