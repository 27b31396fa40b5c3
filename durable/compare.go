package durable

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable/internal/store"
)

// A Comparison says what a change to a webhook would have made of its last events. It is
// plain data.
type Comparison struct {
	// Compared is how many events were looked at. The numbers after it count some of them;
	// the others can be composed with neither definition.
	Compared  int `json:"compared"`
	Same      int `json:"same"`      // the same request, or none
	Differing int `json:"differing"` // another request
	Failing   int `json:"failing"`   // newly: with the stored definition only
	Mended    int `json:"mended"`    // with the given definition only
	// Unreadable are those of all Compared that could not be read: [Config] Decode or the
	// Sealer returned an error.
	Unreadable int `json:"unreadable"`
	// Complete is false if the time was up before all had been compared.
	Complete bool `json:"complete"`
	// First is where the newest of those that differ does so; nil if none does.
	First *Difference `json:"first,omitempty"`
	// Failure is why the newest of those that fail newly does. It is safe to show.
	Failure string `json:"failure,omitempty"`
}

// A Difference is a place where two requests differ. It is plain data.
type Difference struct {
	ID string `json:"id"` // of the event's delivery
	// Field is the first that differs, of "method", "url", "headers.NAME" by name, and
	// "body"; or "when", if one condition wants the event and the other does not. The
	// Content-Type is one of the headers.
	Field string `json:"field"`
	// Offset is where in it, in bytes: how many both begin with.
	Offset int `json:"offset"`
}

// compareWithin is for how long events are composed: templates that take long are the
// customers' to write.
const compareWithin = time.Second

// Compare composes the last events of a webhook with the stored definition and with hook,
// which has its ID, and says where the requests differ, so that a customer sees what a
// change does before it is saved. It sends and stores nothing. Policies are not compared,
// and a random ID or multipart boundary is no difference.
//
// The last events are those that are kept of its last limit deliveries. If zero, 1000; at
// most 10000. It stops after a second of composing, and Compared says how far it came.
// Of each tenant, one call at a time composes in an engine; others wait.
//
// The error is a [*webhook.TemplateError] if hook does not compile, or wraps
// [webhook.ErrNotFound] or [ErrFilter], for a negative limit. A webhook that is disabled
// can be compared.
func (w *Webhooks[T]) Compare(ctx context.Context, hook webhook.Webhook, limit int) (Comparison, error) {
	if limit < 0 {
		return Comparison{}, fmt.Errorf("durable: compare: %w: a negative limit", ErrFilter)
	}
	given, err := webhook.Compile(hook, w.samples...)
	if err != nil {
		return Comparison{}, err
	}
	stored, err := w.Get(ctx, hook.ID)
	if err != nil {
		return Comparison{}, err
	}
	c := comparer{given: given, left: compareWithin}
	c.stored, c.fault = webhook.Compile(stored.Webhook, w.samples...)
	leave, err := w.engine.comparing.enter(ctx, stored.Tenant)
	if err != nil {
		return Comparison{}, fmt.Errorf("durable: compare: %w", err)
	}
	defer leave()
	if err := w.compareAll(ctx, &c, hook.ID, min(cmp.Or(limit, 1000), 10_000)); err != nil {
		return Comparison{}, fmt.Errorf("durable: compare: %w", err)
	}
	return c.result, nil
}

// comparePage is how many events are read at once, so few that they fit into memory.
const comparePage = 200

func (w *Webhooks[T]) compareAll(ctx context.Context, c *comparer, id string, limit int) error {
	last := position{math.MaxInt64, 0}
	for limit > 0 {
		page := min(limit, comparePage)
		n := 0
		err := w.engine.readInOrder(ctx, store.Stmt{
			SQL:  w.engine.sql.lastEvents,
			Args: []any{tag(id), last.created, last.seq, int64(page)},
			Scan: func(row store.Row) error {
				var deliveryID string
				var eventType, shared *string
				var event keptEvent
				err := row.Scan(&last.created, &last.seq, &deliveryID, &eventType, &event.json, &shared)
				n++
				if err != nil || eventType == nil || c.left <= 0 {
					return err
				}
				event.eventType, event.shared = *eventType, textOf(shared)
				begun := time.Now()
				c.compare(deliveryID, func() (webhook.Event, error) {
					if err := w.engine.openEvent(ctx, deliveryID, &event); err != nil {
						return nil, err
					}
					return w.engine.event(&event)
				})
				if c.left -= time.Since(begun); c.left <= 0 {
					return errEnough
				}
				return nil
			},
		})
		switch {
		case errors.Is(err, errEnough):
			return nil
		case err != nil:
			return err
		case n < page:
			limit = 0
		}
		limit -= n
	}
	c.result.Complete = true
	return nil
}

var errEnough = errors.New("the time is up")

// A comparer compares events until no time is left.
type comparer struct {
	stored, given *webhook.Composer
	fault         error // of the stored definition: it does not compile any more
	left          time.Duration
	result        Comparison
}

// comparedID is the ID of all messages that are compared, as long as any other.
const comparedID = "msg_AAAAAAAAAAAAAAAAAAAAAAAAAA"

func (c *comparer) compare(deliveryID string, decode func() (webhook.Event, error)) {
	var before, after *webhook.Message
	event, err := decode()
	err2 := err
	if err == nil {
		if err = c.fault; err == nil {
			before, err = c.stored.ComposeID(comparedID, event)
		}
		after, err2 = c.given.ComposeID(comparedID, event)
	}
	r := &c.result
	r.Compared++
	no, no2 := errors.Is(err, webhook.ErrUnwanted), errors.Is(err2, webhook.ErrUnwanted)
	switch {
	case event == nil:
		r.Unreadable++
	case no && no2:
		r.Same++
	case no && err2 == nil || no2 && err == nil:
		r.differ(deliveryID, "when", 0)
	case no2: // it could not be composed, and need not be any more
		r.Mended++
	case err != nil && err2 != nil && !no:
	case err != nil && !no:
		r.Mended++
	case err2 != nil:
		if r.Failing++; r.Failure == "" {
			r.Failure = err2.Error()
		}
	default:
		fixBoundary(before)
		fixBoundary(after)
		field, offset := difference(before, after)
		if field == "" {
			r.Same++
			return
		}
		r.differ(deliveryID, field, offset)
	}
}

func (r *Comparison) differ(deliveryID, field string, offset int) {
	if r.Differing++; r.First == nil {
		r.First = &Difference{deliveryID, field, offset}
	}
}

// fixBoundary replaces the boundary of a multipart form, which is random and so long that
// the form has it nowhere else, by one of the same length.
func fixBoundary(m *webhook.Message) {
	const prefix = "multipart/form-data; boundary="
	boundary, ok := strings.CutPrefix(m.Header.Get("Content-Type"), prefix)
	if !ok {
		return
	}
	boundary, charset, _ := strings.Cut(boundary, ";")
	fixed := strings.Repeat("-", len(boundary))
	m.Header.Set("Content-Type", prefix+fixed+";"+charset)
	m.Body = bytes.ReplaceAll(m.Body, []byte(boundary), []byte(fixed))
}

// difference returns the first place where two requests differ; no field if none.
func difference(a, b *webhook.Message) (field string, offset int) {
	if a.Method != b.Method {
		return "method", common(a.Method, b.Method)
	}
	if a.URL != b.URL {
		return "url", common(a.URL, b.URL)
	}
	names := slices.AppendSeq(slices.Collect(maps.Keys(a.Header)), maps.Keys(b.Header))
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if x, y := value(a.Header, name), value(b.Header, name); x != y {
			return "headers." + name, common(x, y)
		}
	}
	if !bytes.Equal(a.Body, b.Body) {
		return "body", common(a.Body, b.Body)
	}
	return "", 0
}

// value returns the value of a header, which differs from all values if there is none.
func value(h http.Header, name string) string {
	if values, ok := h[name]; ok {
		return strings.Join(values, "\n")
	}
	return "\x00"
}

// common returns how many bytes a and b both begin with.
func common[S string | []byte](a, b S) (n int) {
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}
