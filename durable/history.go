package durable

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable/internal/store"
	"github.com/ringhook/webhook/queue"
)

// The errors of the history, wrapped. For the ID of a delivery that is not kept, or not
// any longer, it returns [webhook.ErrNotFound].
var (
	// ErrFilter is returned for a filter or limit that cannot be understood, or is too
	// wide for what is to be done: in an API, a bad request.
	ErrFilter = errors.New("bad filter")
	// ErrNoMessage is returned for a delivery without a message: the event could not be
	// composed, and [Webhooks.Recompose] sends it; or the message was erased, by
	// [Engine.Erase] or after [Retention] Bodies; or its webhook was deleted, and the
	// message has no URL any more.
	ErrNoMessage = errors.New("the delivery has no message")
)

// A Filter says which deliveries List returns: those that all of its fields that are
// set agree with. The zero value is all.
type Filter struct {
	State     State
	Tenant    string // see [Definition]
	WebhookID string
	Key       string // the endpoint, as [queue.Task] has it
	Event     string // the type
	// Class and Status are how the last attempt failed, of those that failed: with one of
	// them, State is StateFailed or empty. A Status without a Class is of
	// [webhook.ClassStatus].
	Class   webhook.Class
	Status  int
	Subject string // what the event is news about; see [webhook.Message]
	// Ref is what the message can be found by, such as the id of a call or a number, in
	// any form; see [webhook.NormalizeRef]. A number is compared by its last 10 digits.
	Ref  string
	From time.Time // enqueued then or later
	To   time.Time // enqueued before
	// Limit is how many there are on a page, at most 1000. If zero, 100.
	Limit int
	// After is Next of the page before, with the same fields. If empty, the page is the
	// first.
	After string

	wholeRef bool // a Ref that is a number is compared by all of its digits
}

// A Page is a part of the history.
type Page struct {
	Deliveries []Delivery `json:"deliveries"`
	// Next is for [Filter] After. If empty, this page is the last. A page that is not full,
	// or has none, need not be; see [Engine.List].
	Next string `json:"next"`
}

// A Delivery says what became of a message. It is plain data.
type Delivery struct {
	ID        string `json:"id"` // of the message
	WebhookID string `json:"webhook_id"`
	// Tenant is that of the webhook with WebhookID, if it was stored when the message was
	// enqueued.
	Tenant string `json:"tenant"`
	// WebhookVersion is that of the definition that the message was composed with; 0 if
	// it was not composed by [Webhooks].
	WebhookVersion int `json:"webhook_version"`

	Key      string       `json:"key"`   // the endpoint
	Event    string       `json:"event"` // the type
	State    State        `json:"state"`
	Reason   queue.Reason `json:"reason"`   // why it was dropped or canceled
	Resent   int          `json:"resent"`   // how often
	Attempts int          `json:"attempts"` // since it was last resent
	// the ID of the one that Recompose made it of
	Of      string    `json:"of,omitempty"`
	Created time.Time `json:"created"`        // when it was enqueued
	Due     time.Time `json:"due,omitzero"`   // the next attempt, if pending
	Ended   time.Time `json:"ended,omitzero"` // zero if pending
	// Erased says that what was sent is kept no more; see [Engine.Erase].
	Erased bool `json:"erased"`

	// Of the last attempt; see [webhook.Attempt].
	Status int           `json:"status"`
	Class  webhook.Class `json:"class"`
	// Error is safe to show to the customer. That of a pending one may also be that its
	// message cannot be read, which is tried again every minute.
	Error string `json:"error"`
}

// An Attempt is what is kept of a [webhook.Attempt]. It is plain data.
type Attempt struct {
	Resent   int           `json:"resent"` // how often the delivery had been resent
	N        int           `json:"n"`      // from 1, also after the delivery was resent
	At       time.Time     `json:"at"`
	Duration time.Duration `json:"duration"` // in JSON a string, such as "1.5s"
	Status   int           `json:"status"`   // 0: none came
	Class    webhook.Class `json:"class"`
	// Error is empty if it was delivered. It is safe to show to the customer.
	Error string `json:"error"`
	// Answer is the beginning of the response's body, of at most [Config] KeepAnswer
	// bytes and with *** in place of what was sent that is secret; see
	// [webhook.Client.Redact]. It is the receiver's text and not to be trusted.
	Answer string `json:"answer"`
	// Sealed says that there is an Answer, a Location or a Header which the [Config] Sealer
	// cannot open.
	Sealed bool `json:"sealed,omitempty"`
	// What follows is as in a [webhook.Attempt]. Of attempts of before these were kept,
	// MayHaveArrived is true, and the others are empty.
	Location       string `json:"location"`
	Requests       int    `json:"requests"`
	MayHaveArrived bool   `json:"may_have_arrived"`
	Want           []int  `json:"want"`
	// Header is without Location, and with *** as in Answer.
	Header http.Header `json:"header,omitempty"`
	Code   string      `json:"code,omitempty"`
	Args   []string    `json:"args,omitempty"`
}

// MarshalJSON writes the duration as a string, as that of policies.
func (a Attempt) MarshalJSON() ([]byte, error) {
	type plain Attempt // without this method
	return json.Marshal(struct {
		plain
		Duration string `json:"duration"`
	}{plain(a), a.Duration.String()})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (a *Attempt) UnmarshalJSON(data []byte) error {
	type plain Attempt
	var text struct {
		plain
		Duration string `json:"duration"`
	}
	err := json.Unmarshal(data, &text)
	if err == nil {
		text.plain.Duration, err = time.ParseDuration(text.Duration)
	}
	if err != nil {
		return fmt.Errorf("durable: attempt: %w", err)
	}
	*a = Attempt(text.plain)
	return nil
}

// maxWalk is how many deliveries that have a ref or a subject are read for a page.
const maxWalk = 5000

// List returns the deliveries that match a filter, the newest first. A page takes the
// same time however far back it is and however many deliveries are kept, and deliveries
// that are enqueued between two calls do not shift the pages.
//
// If a filter has a webhook and an endpoint, or an endpoint and an Event that few of its
// deliveries have, or a Class and an Event or a Status that few have which failed so, or an
// endpoint and a Class, the others have to be read too: half a million of them take some
// tenths of a second. With a Ref or a Subject and anything else, a page is of 5,000
// deliveries that have the former: it may have fewer than Limit, or none, although
// there are more. Go on while there is a Next. Deliveries of before there were refs and
// subjects are not found by them.
//
// The error wraps [ErrFilter] for a filter that cannot be understood.
func (e *Engine[T]) List(ctx context.Context, f Filter) (Page, error) {
	limit := min(cmp.Or(f.Limit, 100), 1000)
	if f.Limit < 0 {
		return Page{}, fmt.Errorf("durable: list: %w: a negative Limit", ErrFilter)
	}
	// One more, to know whether there is another page.
	search, err := f.search(e.key)
	if err != nil {
		return Page{}, fmt.Errorf("durable: list: %w", err)
	}
	more, err := e.bound(ctx, &search, maxWalk)
	if err != nil {
		return Page{}, fmt.Errorf("durable: list: %w", err)
	}
	text, params := search.page(limit + 1)
	page := Page{Deliveries: []Delivery{}}
	var last position
	scan := func(row store.Row) error {
		if len(page.Deliveries) == limit {
			page.Next = last.String()
			return nil
		}
		d, seq, err := scanDelivery(row)
		page.Deliveries, last = append(page.Deliveries, d), position{micros(d.Created), seq}
		return err
	}
	err = e.readInOrder(ctx, store.Stmt{SQL: e.dialect.SQL(text), Args: params, Scan: scan})
	if err != nil {
		return Page{}, fmt.Errorf("durable: list: %w", err)
	}
	if page.Next == "" && more != nil {
		page.Next = more.String()
	}
	return page, nil
}

// Get returns the delivery of a message. The error wraps [webhook.ErrNotFound] if it is
// not kept.
func (e *Engine[T]) Get(ctx context.Context, id string) (Delivery, error) {
	var d Delivery
	err := e.find(ctx, id, store.Stmt{SQL: e.sql.get, Scan: func(row store.Row) (err error) {
		d, _, err = scanDelivery(row)
		return err
	}})
	if err != nil {
		return Delivery{}, fmt.Errorf("durable: get: %w", err)
	}
	return d, nil
}

// Message returns a message that is kept. The error wraps [webhook.ErrNotFound], or
// [ErrNoMessage] where there never was one, or it was erased, or [ErrSealed]. That of a
// webhook which was deleted has no URL, and its headers no values.
func (e *Engine[T]) Message(ctx context.Context, id string) (*webhook.Message, error) {
	var data, content []byte
	var refs *string
	scan := func(row store.Row) error { return row.Scan(&data, &content, &refs) }
	err := e.find(ctx, id, store.Stmt{SQL: e.sql.message, Scan: scan})
	if err == nil && len(data) == 0 {
		err = e.withoutData(ctx, id, ErrNoMessage)
	}
	var m *webhook.Message
	if err == nil {
		m, err = e.decode(ctx, clean(id), data, content, refs)
	}
	if err != nil {
		return nil, fmt.Errorf("durable: message: %w", err)
	}
	return m, nil
}

// Event returns the event that a delivery reports, as it was kept: its type and its JSON
// form. The error wraps [webhook.ErrNotFound], [ErrNoEvent] or [ErrSealed].
func (e *Engine[T]) Event(ctx context.Context, id string) (webhook.RawEvent, error) {
	var s source
	err := e.find(ctx, id, store.Stmt{SQL: e.sql.source, Scan: s.scan})
	if err == nil && s.event.json == nil {
		err = e.withoutData(ctx, id, ErrNoEvent)
	}
	if err == nil {
		err = e.openEvent(ctx, clean(id), &s.event)
	}
	if err != nil {
		return webhook.RawEvent{}, fmt.Errorf("durable: event: %w", err)
	}
	return webhook.RawEvent{Type: s.event.eventType, JSON: s.event.json}, nil
}

// Attempts returns the attempts of a delivery, the oldest first, those before it was
// resent among them. The error wraps [webhook.ErrNotFound] if the delivery is not kept.
func (e *Engine[T]) Attempts(ctx context.Context, id string) ([]Attempt, error) {
	var attempts []storedAttempt
	var seq int64
	scanSeq := func(row store.Row) error { return row.Scan(&seq) }
	scan := func(row store.Row) error {
		a, err := scanAttempt(row)
		attempts = append(attempts, a)
		return err
	}
	err := e.find(ctx, id, store.Stmt{SQL: e.sql.seq, Scan: scanSeq})
	if err == nil {
		err = e.store.Read(ctx, store.Stmt{SQL: e.sql.attempts, Args: []any{seq}, Scan: scan})
	}
	if err != nil {
		return nil, fmt.Errorf("durable: attempts: %w", err)
	}
	return e.openAttempts(ctx, clean(id), attempts), nil
}

// noDelivery is [webhook.ErrNotFound] for a delivery.
type noDelivery struct{}

func (noDelivery) Error() string { return "no such delivery" }

func (noDelivery) Is(target error) bool { return target == webhook.ErrNotFound }

// find runs a statement for the delivery with that ID. If no row comes back, the error
// is noDelivery.
func (e *Engine[T]) find(ctx context.Context, id string, stmt store.Stmt) error {
	found := false
	scan := stmt.Scan
	stmt.Args = []any{clean(id)}
	stmt.Scan = func(row store.Row) error {
		found = true
		return scan(row)
	}
	if err := e.store.Read(ctx, stmt); err != nil {
		return err
	}
	if !found {
		return noDelivery{}
	}
	return nil
}

// columns are what scanDelivery reads.
const columns = `seq, id, webhook_id, key, event, state, reason, gen - hurried, attempts, created, due, ended,
	status, class, error, webhook_version, of_id, tenant, erased`

func scanDelivery(row store.Row) (d Delivery, seq int64, err error) {
	var gen, attempts, created, due, status, version, erased int64
	var ended *int64
	err = row.Scan(&seq, &d.ID, &d.WebhookID, &d.Key, &d.Event, (*string)(&d.State), (*string)(&d.Reason),
		&gen, &attempts, &created, &due, &ended, &status, (*string)(&d.Class), &d.Error, &version, &d.Of, &d.Tenant,
		&erased)
	d.Resent, d.Attempts, d.WebhookVersion = int(gen), int(attempts), int(version)
	d.Status, d.Created, d.Erased = int(status), utc(created), erased == 1
	if d.State == StatePending {
		d.Due = utc(due)
	}
	if ended != nil {
		d.Ended = utc(*ended)
	}
	return d, seq, err
}

func utc(n int64) time.Time { return fromMicros(n).UTC() }

// states are all there are.
var states = [...]State{StatePending, StateDelivered, StateFailed, StateDropped, StateCanceled}

var errAfter = fmt.Errorf("%w: After is not the Next of a page", ErrFilter)

// A position is where a page ends: two numbers of a delivery that never change.
type position struct{ created, seq int64 }

func (p position) String() string {
	return strconv.FormatInt(p.created, 36) + "-" + strconv.FormatInt(p.seq, 36)
}

func parsePosition(s string) (position, error) {
	created, seq, _ := strings.Cut(s, "-")
	var p position
	var err, err2 error
	p.created, err = strconv.ParseInt(created, 36, 64)
	p.seq, err2 = strconv.ParseInt(seq, 36, 64)
	if err != nil || err2 != nil {
		return position{}, errAfter
	}
	return p, nil
}
