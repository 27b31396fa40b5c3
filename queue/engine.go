package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ringhook/webhook"
)

// The errors that engines return, as they are or wrapped.
var (
	// ErrFull says that there is no room for the message.
	ErrFull = errors.New("queue: full")
	// ErrTaken says that another message has the ID; see [CheckSame].
	ErrTaken = errors.New("queue: message id is taken")
	// ErrStopped says that Run has ended.
	ErrStopped = errors.New("queue: stopped")
	// ErrRunning is what a second Run returns, even if the first has ended.
	ErrRunning = errors.New("queue: already running")
)

// CheckSame returns an error that wraps [ErrTaken] if m is another message than kept,
// whose ID it has: an id is one message's, and taking a second one for a repetition of
// the first would lose it. The error has the id, and the name of what differs; see
// [webhook.Message.Differs]. It is for engines.
func CheckSame(kept, m *webhook.Message) error {
	if differs := m.Differs(kept); differs != "" {
		return fmt.Errorf("%w: %s has another %s", ErrTaken, m.ID, differs)
	}
	return nil
}

// A Task is one message on its way. The engine keeps it, waits for its time, and hands
// it to one worker at a time.
type Task struct {
	// ID is the ID of Message. Two tasks with one ID, of the same message, are one
	// delivery, as long as the engine knows of the first.
	ID string
	// Key is the endpoint: what is limited, rested and disabled as a whole. It is never
	// empty.
	Key string
	// Order is the ordering key. Tasks with the same one are handed out one at a time,
	// in the order of Enqueue, by engines that are an [Orderer]; others are never given
	// any. If empty, the task has no order.
	Order string
	// NotBefore is the earliest time to hand out the task. If zero, at once. In a
	// [Delivery] it may be that time, or the end of the last wait.
	NotBefore time.Time
	// Message is what to send. Engines do not change it; those that store bytes use
	// [Encode] and [Decode].
	Message *webhook.Message
}

// A Delivery is a task as an engine hands it out.
type Delivery struct {
	Task
	// N is the number of the attempt, from 1. Only a [KindRetry] counts: deferrals, and
	// workers that died, do not.
	N int
	// Since is when the task was first enqueued.
	Since time.Time
	// Resent is when the task was last begun anew, by an engine that can resend: its
	// message expires so long after that. If zero, never.
	Resent time.Time
	// Tenant is whose endpoint it is, if the engine knows: with a [Sizer], no tenant has
	// all workers. If empty, nobody's in particular.
	Tenant string
	// State is that of the endpoint, if the engine has read it to hand out the task:
	// [StateEnabled], [StatePaused] or [StateDisabled]. Then it counts, and not what
	// the [Queue] has heard of the endpoint, which may be older. If empty, it has not.
	State EndpointState
	// Drop, if not empty, is why the message must not be sent: the verdict is [KindDead] for
	// this reason, and OnDrop is told.
	Drop Reason
}

// A Kind says what becomes of a task after it was handed out.
type Kind string

// The kinds of a verdict.
const (
	// KindDone says that the message was delivered.
	KindDone Kind = "done"
	// KindRetry says that the attempt failed: hand the task out again after After, with
	// N one higher.
	KindRetry Kind = "retry"
	// KindDefer says that no attempt was made, or none that counts: hand the task out
	// again after After, with the same N.
	KindDefer Kind = "defer"
	// KindDead says that the task has ended without being delivered.
	KindDead Kind = "dead"
)

// A Verdict is what a [Handler] made of a delivery.
type Verdict struct {
	Kind Kind
	// After is how long to wait before the task is handed out again. It is not
	// negative, and zero for KindDone and KindDead.
	After time.Duration
	// Attempt is the attempt that was made, for the engine's history. If nil, none was. With
	// KindDefer it is one that was cut off and does not count, while the receiver may have
	// its request.
	Attempt *webhook.Attempt
	// Reason says why a task is dead, unless its last attempt does.
	Reason Reason
}

// A Reason says why an endpoint was disabled, or a message dropped or canceled.
type Reason string

// The reasons. The first two are stored with an [Endpoint] and given to [Config]
// OnState, the next two are given to OnDrop. Engines that keep webhooks store the last
// two, also with what was pending.
const (
	ReasonGone       Reason = "gone"       // the receiver answered 410
	ReasonFailing    Reason = "failing"    // no success for longer than DisableAfter
	ReasonDisabled   Reason = "disabled"   // the endpoint is disabled
	ReasonSuperseded Reason = "superseded" // a message of higher rank on its subject came
	ReasonDeleted    Reason = "deleted"    // the webhook was deleted
	ReasonUnverified Reason = "unverified" // nobody has proved yet that he wants events at that URL
)

// A Handler delivers what an engine hands out. Its functions are safe for concurrent
// use.
type Handler struct {
	// Ready asks for a slot at an endpoint before one of its tasks is taken. If ok, the
	// slot is reserved, and the next Handle of a task with that key uses it: an engine
	// that asks must then call Handle. If not, the engine is to ask again after wait,
	// or when a Handle of that key has returned, whichever comes first. A wait of zero
	// means the latter only, or some time later if none is in flight.
	//
	// An engine that cannot ask for one endpoint at a time does not call it: then
	// Handle answers [KindDefer] where there is no slot. If nil, every endpoint is
	// ready.
	Ready func(key string) (ok bool, wait time.Duration)
	// Handle makes one attempt and says what becomes of the task. It returns when the
	// attempt has ended. If ctx ends first, no attempt is counted and the verdict is
	// KindDefer. It does not panic.
	//
	// Engines give it a context that outlives that of Run, and end it only if the task
	// has been taken from this worker.
	Handle func(ctx context.Context, d Delivery) Verdict
	// Redact hides in text what an attempt to send m has sent that is secret, as
	// [webhook.Client.Redact] does, for an engine that keeps what receivers answer. If
	// nil, nothing but the values of headers is known to be secret.
	Redact func(ctx context.Context, m *webhook.Message, a webhook.Attempt, text []byte) []byte
}

// An Engine keeps tasks until their time, hands each to one worker at a time, and takes
// it back when the worker dies. It knows nothing of policies, endpoints' health or
// HTTP. Package enginetest holds all engines to one behaviour.
//
// Engines are safe for concurrent use. In which order tasks without an Order are handed
// out is the engine's choice.
type Engine interface {
	// Enqueue keeps the tasks, all of them or none; when it returns nil, it has kept
	// them as safely as the engine promises. A task whose ID is kept already is left
	// out if it is the same message, else the error is that of [CheckSame]. It may be
	// called before Run, and by a handler. After Run has ended, an engine whose tasks
	// would not outlive it returns [ErrStopped]. The slice is the caller's again when
	// it returns.
	Enqueue(ctx context.Context, tasks ...Task) error
	// Run hands out tasks until ctx ends. Then it hands out nothing more, waits for the
	// handlers, and returns nil; tasks that it still keeps stay kept. A second Run of
	// one engine returns [ErrRunning] and does nothing.
	Run(ctx context.Context, h Handler) error
}

// An Orderer is an [Engine] that respects Task.Order: tasks with one Order are handed
// out one at a time, in the order of Enqueue, across retries and deferrals. While the
// first of them waits for its next attempt, so do the others.
type Orderer interface {
	Engine
	// Supersede ends the waiting tasks of an order whose message has a rank, one above
	// 0, below the given one, and returns them. A task that has been handed out is left
	// alone.
	Supersede(ctx context.Context, order string, rank int) ([]Task, error)
	// Newest returns the highest rank of the waiting tasks of an order, 0 or less if
	// none of them has one, or false if there are no waiting tasks.
	Newest(ctx context.Context, order string) (rank int, ok bool, err error)
}

// A Waker is an [Engine] that asks Ready, and can be told to ask again before the wait
// is over.
type Waker interface {
	Engine
	// Wake makes the engine ask Ready for a key as if its wait were over. It does
	// nothing for a key without tasks. It may be called by a handler, but not by Ready.
	Wake(key string)
}

// A Sizer is an [Engine] that tells how much it does at once. With one, endpoints that
// were seen to take more than a second have no more than half of the workers, all of them
// together, so that some that hang do not hold up the others; and with those of which
// nothing is known yet, three quarters. Those of one [Delivery] Tenant have half of that,
// and all endpoints of a tenant three quarters.
type Sizer interface {
	Engine
	// Workers is how many tasks the engine hands out at once in this process.
	Workers() int
	// Processes is how many processes hand out what it keeps, as far as it knows; less
	// than 2: this one. They share a Rate.
	Processes() int
}

// A Canceler is an [Engine] that can end a delivery.
type Canceler interface {
	Engine
	// Cancel ends the delivery of a message, and reports whether there was one to end.
	// An attempt that is in flight continues to its end, but none follows it.
	Cancel(ctx context.Context, id string) (bool, error)
}

// A Statser is an [Engine] that can tell what it keeps.
type Statser interface {
	Engine
	// Stats tells Pending, Due, Held, InFlight, Oldest and, of the endpoints with the
	// most pending tasks, at most the given number. An engine that is no [Endpoints]
	// does not know what is held, and counts it as any other.
	Stats(ctx context.Context, busiest int) (Stats, error)
}

// Stats is what a queue and its engine keep and have done.
type Stats struct {
	Pending  int             `json:"pending"`   // waiting, including those Due and Held
	Due      int             `json:"due"`       // waiting although their time has come
	Held     int             `json:"held"`      // at paused endpoints: never Due, nor Oldest
	InFlight int             `json:"in_flight"` // handed out
	Oldest   time.Time       `json:"oldest"`    // when the oldest was enqueued, or zero
	Busiest  []EndpointStats `json:"busiest"`   // those with the most pending first

	// What this [Queue] has ended since it was made; engines leave these at zero. Of
	// those that were canceled in flight, some are Delivered or Failed as well.
	Delivered uint64 `json:"delivered"`
	Failed    uint64 `json:"failed"`   // after their last attempt
	Dropped   uint64 `json:"dropped"`  // without one; see [Config] OnDrop
	Canceled  uint64 `json:"canceled"` // by [Queue.Cancel]
}

// EndpointStats is what is kept for one endpoint.
type EndpointStats struct {
	Key      string        `json:"key"`
	Pending  int           `json:"pending"` // waiting, without those in flight
	InFlight int           `json:"in_flight"`
	State    EndpointState `json:"state"` // of the Queue; engines leave it empty
}
