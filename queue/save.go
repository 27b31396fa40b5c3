package queue

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// noteLocked notes what has to be stored of an endpoint, if it is not. It needs q.mu.
func (q *Queue) noteLocked(ep *endpoint) {
	if !q.store.local && (ep.ending != "" || !q.isSavedLocked(ep)) {
		q.unsaved[ep] = true
	}
}

// isSavedLocked reports whether it is stored since when an endpoint fails. That it still
// does is stored only now and then. It needs q.mu.
func (q *Queue) isSavedLocked(ep *endpoint) bool {
	row := ep.row
	if ep.failingSince.IsZero() || row.FailingSince.IsZero() {
		return ep.failingSince.IsZero() && row.FailingSince.IsZero()
	}
	return ep.failingSince.Sub(row.FailingSince).Abs() < time.Millisecond && // stores round
		ep.lastFailure.Sub(row.LastFailure) <= q.cfg.DisableAfter/8
}

// save stores since when endpoints fail, and those decisions that could not be stored
// when they were made.
func (q *Queue) save() {
	now := time.Now()
	var due []*endpoint
	q.mu.Lock()
	for ep := range q.unsaved {
		switch {
		case ep.ending != "":
			due = append(due, ep)
		case q.isSavedLocked(ep):
			delete(q.unsaved, ep)
		case now.Sub(ep.savedAt) >= saveEvery:
			ep.savedAt = now
			due = append(due, ep)
		}
	}
	q.mu.Unlock()
	if len(due) == 0 {
		return
	}
	next := make(chan *endpoint)
	var all sync.WaitGroup
	for range min(savers, len(due)) {
		all.Go(func() {
			for ep := range next {
				if !q.end(ep) {
					q.saveFailing(ep)
				}
			}
		})
	}
	for _, ep := range due {
		next <- ep
	}
	close(next)
	all.Wait()
}

// saveFailing stores since when an endpoint fails. If that is not possible, it is tried
// again in a minute.
func (q *Queue) saveFailing(ep *endpoint) {
	ctx, cancel := context.WithTimeout(context.Background(), storeWithin)
	defer cancel()
	for range 3 { // another process may be first
		q.mu.Lock()
		row := ep.storedLocked()
		row.FailingSince, row.LastFailure = ep.failingSince, ep.lastFailure
		if row.FailingSince.IsZero() {
			row.LastFailure = time.Time{}
		}
		q.mu.Unlock()
		stored, ok, err := q.store.SetEndpoint(ctx, row)
		if err != nil {
			return
		}
		q.learn(ctx, stored, false)
		if ok {
			return
		}
	}
}

// end stores that an endpoint is disabled, if an attempt has decided so, and has OnState
// told. It returns false if nothing was decided, or another goroutine is at it.
func (q *Queue) end(ep *endpoint) bool {
	q.mu.Lock()
	if ep.ending == "" || ep.storing {
		q.mu.Unlock()
		return false
	}
	ep.storing = true
	q.mu.Unlock()
	row, ok := q.storeEnd(ep)
	q.mu.Lock()
	ep.storing = false
	q.mu.Unlock()
	if ok && q.cfg.OnState != nil {
		q.tells.later(func() { q.tell(context.Background(), row) })
	}
	return true
}

// storeEnd stores that an endpoint is disabled, unless something else was decided since.
// It returns what was stored, with this process as the one that tells OnState.
func (q *Queue) storeEnd(ep *endpoint) (Endpoint, bool) {
	ctx, cancel := context.WithTimeout(context.Background(), storeWithin)
	defer cancel()
	for {
		now := time.Now()
		q.mu.Lock()
		row, reason := ep.storedLocked(), ep.ending
		known := row.State
		row.State, row.Reason, row.Actor, row.Since = StateDisabled, string(reason), "", now
		row.FailingSince, row.LastFailure = ep.failingSince, ep.lastFailure
		row.Tell = now.Add(q.tellsWithin())
		q.mu.Unlock()
		if reason == "" {
			return Endpoint{}, false
		}
		var stored Endpoint
		var ok bool
		var err error
		if known == StateDisabled { // then the engine let the attempt through: it knew better
			stored, err = q.store.Endpoint(ctx, ep.key)
		} else {
			stored, ok, err = q.store.SetEndpoint(ctx, row)
		}
		if err != nil {
			q.cfg.Logger.ErrorContext(ctx, "queue: store that an endpoint is disabled",
				slog.String("endpoint", ep.key), slog.Any("error", err))
			return Endpoint{}, false
		}
		q.learn(ctx, stored, true)
		if ok || stored.State == StateDisabled {
			q.dismiss(ep) // even if what is stored was known
			return stored, ok
		}
		if reason == ReasonFailing &&
			(stored.FailingSince.IsZero() || now.Sub(stored.FailingSince) <= q.cfg.DisableAfter) {
			q.mu.Lock() // another process had a success
			ep.failingSince = stored.FailingSince
			q.mu.Unlock()
			q.dismiss(ep)
		}
	}
}

// dismiss ends the storing of what an attempt has decided.
func (q *Queue) dismiss(ep *endpoint) {
	q.mu.Lock()
	defer q.mu.Unlock()
	ep.ending = ""
	q.countLocked(ep)
}
