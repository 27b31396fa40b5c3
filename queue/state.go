package queue

import (
	"cmp"
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/payload"
)

const (
	// tellWithin is how long OnState may take before another process tells its own.
	tellWithin = 30 * time.Second
	// news is how long a decision is told of that nobody was told of when it was made.
	news = 7 * 24 * time.Hour
	// spells are told of at once of an endpoint that flaps, and then one every spellEvery.
	spells     = 3
	spellEvery = 20 * time.Minute
)

// A StateChange tells [Config] OnState how an endpoint is treated from now on. It is plain
// data.
type StateChange struct {
	Key string `json:"key"` // of the endpoint: the ID of its webhook; see [Key]
	// From is what OnState was told before, or what was decided since; empty if this process
	// does not know. To is another one: StateHealthy, StateThrottled, StateResting,
	// StatePaused or StateDisabled.
	From EndpointState `json:"from"`
	To   EndpointState `json:"to"`
	// Reason and Actor say why it was paused, disabled or enabled, and by whom, as
	// [Endpoint] has them. They are empty if an attempt has shown the change.
	Reason string `json:"reason,omitempty"`
	Actor  string `json:"actor,omitempty"`
	// At is when it was decided, or when the attempt had ended.
	At time.Time `json:"at"`
	// Class and Status are those of the attempt that has shown the change. They are zero
	// if it was decided.
	Class  webhook.Class `json:"class,omitempty"`
	Status int           `json:"status,omitempty"`
}

// Event returns the event that tells a customer's other webhook of the change.
func (c StateChange) Event() payload.WebhookState {
	event := payload.WebhookState{
		ID: c.Key, State: string(c.To), Was: string(c.From), Reason: c.Reason,
		Class: string(c.Class), At: payload.TimeInstant(c.At),
	}
	if c.Status > 0 {
		event.StatusCode = payload.IntNumber(int64(c.Status))
	}
	return event
}

// noticeLocked notes what an attempt has shown, and reports whether OnState is to be told.
// Of an endpoint that flaps, OnState is told seldom; but when it was told that something
// is wrong, then also when that is over. It needs q.mu.
func (q *Queue) noticeLocked(ep *endpoint, event string, a webhook.Attempt, now time.Time) (StateChange, bool) {
	// Two webhooks that report on each other would otherwise never end.
	if q.cfg.OnState == nil || strings.HasPrefix(event, payload.WebhookEvents) {
		return StateChange{}, false
	}
	from, to := cmp.Or(ep.told, StateHealthy), ep.stateLocked(now)
	switch to {
	case from, StatePaused, StateDisabled: // what is decided is told when it is stored
		return StateChange{}, false
	case StateHealthy:
		if a.Err != nil { // the time to wait is over, which says nothing yet
			return StateChange{}, false
		}
	default:
		if a.Err == nil { // it was not told when it came to this, and is at its end now
			return StateChange{}, false
		}
		if ep.spells == nil {
			ep.spells = rate.NewLimiter(rate.Every(spellEvery), spells)
		}
		if !ep.spells.AllowN(now, 1) {
			return StateChange{}, false
		}
	}
	ep.told = to
	return StateChange{Key: ep.key, From: from, To: to, At: now, Class: a.Class, Status: a.Status}, true
}

// tellsWithin is how long this process may take to tell OnState of what it decides; zero:
// it is for another one to tell.
func (q *Queue) tellsWithin() time.Duration {
	if q.cfg.OnState == nil {
		return 0
	}
	return tellWithin
}

// onState tells OnState. Who has decided may be gone already.
func (q *Queue) onState(ctx context.Context, c StateChange) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tellWithin)
	defer cancel()
	defer q.recovered(ctx, "OnState")
	q.cfg.OnState(ctx, c)
}

// A teller runs functions one after another, in a goroutine that there is while it has
// some: what is told of an attempt must not hold up its verdict, after which the message is
// not sent again. The zero value is ready to use.
type teller struct {
	mu    sync.Mutex // guards what follows
	tells []func()
	done  chan struct{} // closed when there are none any more; nil: there are none
}

func (t *teller) later(tell func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tells = append(t.tells, tell)
	if t.done == nil {
		t.done = make(chan struct{})
		go t.run()
	}
}

func (t *teller) run() {
	for {
		t.mu.Lock()
		if len(t.tells) == 0 {
			close(t.done)
			t.tells, t.done = nil, nil
			t.mu.Unlock()
			return
		}
		tell := t.tells[0]
		t.tells = t.tells[1:]
		t.mu.Unlock()
		t.one(tell)
	}
}

// one runs a function, after which the others go on, even if it ends its goroutine.
func (t *teller) one(tell func()) {
	returned := false
	defer func() {
		if !returned {
			go t.run()
		}
	}()
	tell()
	returned = true
}

// wait returns when there is nothing to tell.
func (t *teller) wait() {
	for {
		t.mu.Lock()
		done := t.done
		t.mu.Unlock()
		if done == nil {
			return
		}
		<-done
	}
}

// A decision is one that OnState was not told of.
type decision struct {
	Endpoint

	from EndpointState // empty: not known
}

// decidedLocked notes that something was decided about an endpoint. That one which was
// enabled all the time is as good as new is for this process to tell. It needs q.mu.
func (q *Queue) decidedLocked(ep *endpoint, from EndpointState, now time.Time) (told StateChange) {
	row := ep.row
	if ep.told = row.State; ep.told == StateEnabled {
		ep.told = StateHealthy
	}
	switch {
	case q.cfg.OnState == nil:
	case !row.Tell.IsZero():
		if now.Sub(row.Since) < news {
			q.untold[ep.key] = decision{row, from}
		}
	case row.State == StateEnabled && (from == StateResting || from == StateThrottled):
		told = StateChange{
			Key: row.Key, From: from, To: StateHealthy, Reason: row.Reason, Actor: row.Actor, At: row.Since,
		}
	}
	return told
}

// tell tells OnState of a decision, and stores that it was told.
func (q *Queue) tell(ctx context.Context, row Endpoint) {
	q.mu.Lock()
	known, ok := q.untold[row.Key]
	q.mu.Unlock()
	defer q.markTold(row) // also when the hook ends the goroutine
	c := StateChange{
		Key: row.Key, From: known.from, To: row.State, Reason: row.Reason, Actor: row.Actor, At: row.Since,
	}
	if c.To == StateEnabled {
		c.To = StateHealthy
	}
	if ok && c.To != c.From {
		q.onState(ctx, c)
	}
}

// markTold stores that OnState was told. If that fails, it is told once more.
func (q *Queue) markTold(row Endpoint) {
	ctx, cancel := context.WithTimeout(context.Background(), storeWithin)
	defer cancel()
	for since := row.Since; row.Since.Equal(since) && !row.Tell.IsZero(); {
		row.Tell = time.Time{}
		stored, ok, err := q.store.SetEndpoint(ctx, row)
		if err != nil {
			q.cfg.Logger.ErrorContext(ctx, "queue: store that OnState was told",
				slog.String("endpoint", row.Key), slog.Any("error", err))
			return
		}
		q.learn(ctx, stored, false)
		if ok {
			return
		}
		row = stored
	}
}

// tellUntold tells OnState what is stored and was not told: by a queue that has no
// OnState, or a process that died before it could.
func (q *Queue) tellUntold() {
	now := time.Now()
	q.mu.Lock()
	var due []Endpoint
	for _, row := range q.untold {
		if !row.Tell.After(now) {
			due = append(due, row.Endpoint)
		}
	}
	q.mu.Unlock()
	for _, row := range due {
		row.Tell = time.Now().Add(tellWithin)
		ctx, cancel := context.WithTimeout(context.Background(), storeWithin)
		stored, ok, err := q.store.SetEndpoint(ctx, row)
		cancel()
		if err != nil {
			return // it is tried again
		}
		q.learn(context.Background(), stored, false)
		if ok {
			q.tell(context.Background(), stored)
		}
	}
}
