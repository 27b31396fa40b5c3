package webhook

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/ringhook/webhook/internal/compose"
	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/problem"
	"github.com/ringhook/webhook/internal/request"
)

// The limits on templates and on what they make. Each is checked at [Compile] where it
// can be, else when composing, and everything over one of them is an error that wraps
// [ErrLimit]. A placeholder has at most 32 filters, those of one message read and write
// at most 8 MiB together, and a text that a filter or a condition looks for in another
// has at most 256 bytes.
const (
	MaxTemplateSize = 64 << 10 // bytes of a URL, header or body template
	MaxPlaceholders = 500      // in all templates of one webhook, with names as arguments
	MaxNameSize     = 256      // bytes of a placeholder's name, and of a header's
	MaxDepth        = 32       // parts of a name; nesting of a body, and of a form's value
	MaxOutputSize   = 1 << 20  // bytes of a composed body
	MaxURLSize      = 8 << 10  // bytes of a composed URL
	MaxHeaderSize   = 4 << 10  // bytes of a composed header value; a longer one is cut
	MaxHeaders      = 50       // headers of a webhook; a Content-Type may come on top
)

// What the errors of [Compile] and [Composer.Compose] wrap.
var (
	// ErrLimit: one of the limits (MaxTemplateSize and the others) is passed.
	ErrLimit = request.ErrLimit
	// ErrUnknownName: a placeholder names nothing in an event.
	ErrUnknownName = compose.ErrUnknownName
	// ErrUnwanted: the webhook's condition, When, does not hold for the event. It is no
	// fault: nothing is to be sent.
	ErrUnwanted = compose.ErrUnwanted
)

// A Composer makes messages of events in the form that one [Webhook] asks for.
// [Compile] makes it. It is safe for concurrent use and does not change.
type Composer struct {
	program  *compose.Program
	policy   Policy
	defaults func(eventType string) Policy // of a Registry; nil: none
	bounds   *Bounds                       // of a Registry; nil: none
}

// Compile checks a webhook and prepares it for composing: every placeholder, where it
// is, and with samples also that it names something. The error is a [*TemplateError];
// of several faults it tells the first.
//
// [Check] tells all faults, and what is no fault but may not be what was meant.
//
// Samples are events such as the webhook will get; zero values of the payload types
// will do. A name that no sample knows is an error then and there, with the nearest
// name that is known. With samples of several types, there must be one that knows all
// the names but those that a default follows: what only the samples of another type know
// is nil there. Without samples, an unknown name is an error of Compose.
func Compile(w Webhook, samples ...Event) (*Composer, error) {
	program, faults := compile(w, samples)
	if len(faults) > 0 {
		return nil, templateError(faults[0])
	}
	c := &Composer{program: program}
	if w.Policy != nil {
		c.policy = *w.clone().Policy
	}
	return c, nil
}

// MustCompile is [Compile] for webhooks that are in the program's own text. It panics
// where Compile returns an error.
func MustCompile(w Webhook, samples ...Event) *Composer {
	c, err := Compile(w, samples...)
	if err != nil {
		panic(err)
	}
	return c
}

// compile makes a program, which is of use only if there are no faults.
func compile(w Webhook, samples []Event) (*compose.Program, []*compose.Error) {
	w = w.clone()
	program, faults := compose.Compile(compose.Webhook{
		ID: w.ID, URL: w.URL, Method: w.Method, Headers: w.Headers, Format: string(w.Format), Body: w.Body,
		FormLists: string(w.FormLists), When: w.When,
	}, asComposed(samples)...)
	// Behind the other settings, in front of the templates.
	setting := func(field string, err error) {
		settings := []string{"method", "format", "form_lists", "policy"}
		i := slices.IndexFunc(faults, func(e *compose.Error) bool { return !slices.Contains(settings, e.Field) })
		if i < 0 {
			i = len(faults)
		}
		faults = slices.Insert(faults, i, &compose.Error{Field: field, Err: problem.Of(err)})
	}
	if w.Policy != nil {
		if err := w.Policy.check(); err != nil {
			setting("policy", err)
		}
	}
	if err := w.checkAuth(program.SampleURL()); err != nil {
		setting("auth", err)
	}
	return program, faults
}

func asComposed(events []Event) []compose.Event {
	made := make([]compose.Event, len(events))
	for i, e := range events {
		made[i] = e
	}
	return made
}

// Placeholders returns the names that the templates use, each once, in the order of
// URL, headers by name, and body.
func (c *Composer) Placeholders() []string { return c.program.Placeholders() }

// Compose makes the message that reports e. Its id is new and random. The error is a
// [*TemplateError]: the event has no such name, a value is not allowed in its place, or
// the result is over a limit. Trying again does not help. For an event that the webhook's
// When does not want, it is [ErrUnwanted].
func (c *Composer) Compose(e Event) (*Message, error) { return c.compose("", e) }

// ComposeID is [Composer.Compose] with the producer's own id for the message, of 1 to
// 64 letters, digits, _ and -. The same event composed twice with the same id is one
// delivery to receivers and queues.
//
// An id names one message: of one event to one webhook. The id of a call or of a
// message that is reported on more than once, or to several webhooks, is not enough; a
// queue refuses the second one. [ContentID] makes one of all that tells them apart.
func (c *Composer) ComposeID(id string, e Event) (*Message, error) {
	if err := request.CheckID(id); err != nil {
		return nil, fmt.Errorf("webhook: %w", err)
	}
	m, err := c.compose(id, e)
	if err != nil {
		return nil, err
	}
	if sum, err := contentSum(e, m.Event); err == nil { // else the request decides
		m.Content = sum[:16]
	}
	return m, nil
}

// ContentID returns an id for the message that reports e to a webhook: a hash of the
// webhook's id and the event's type and JSON form, 43 letters, digits, _ and -. It is
// for producers that may report an event twice, and for events that have an id or a
// time of their own, as all of package payload do: two events that are alike in
// everything are one. A queue knows the id again for as long as it keeps the delivery.
// The error is a [*TemplateError] for an event that has no JSON form.
func ContentID(webhookID string, e Event) (string, error) {
	if field.IsNil(e) {
		return "", newTemplateError("event", problem.Errorf(problem.EventNil, "is nil"))
	}
	sum, err := contentSum(e, webhookID, e.EventType())
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(sum[:]), nil
}

// contentSum hashes texts and the JSON form of an event.
func contentSum(e Event, texts ...string) (sum [sha256.Size]byte, err error) {
	b, err := compose.JSON(e)
	if err != nil {
		return sum, templateError(err)
	}
	h := sha256.New()
	for _, text := range append(texts, string(b)) {
		// so that no two lists of texts are alike
		_ = binary.Write(h, binary.BigEndian, uint64(len(text)))
		_, _ = io.WriteString(h, text)
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}

// A composed is a Message together with the arrays that its slices point to, so that
// they are one allocation.
type composed struct {
	Message
	waits   [5]time.Duration
	success [2]int
	values  [4]string
	refs    [6]string
}

func (c *Composer) compose(id string, e Event) (*Message, error) {
	m := new(composed)
	r, err := c.program.Compose(id, e, m.values[:0])
	if err != nil {
		return nil, templateError(err)
	}
	eventType := e.EventType()
	policy := c.policy
	if c.defaults != nil {
		policy = policy.Or(c.defaults(eventType))
	}
	policy = policy.complete(eventType)
	if c.bounds != nil {
		policy = c.bounds.Clamp(policy)
	}
	policy.Waits = append(m.waits[:0], policy.Waits...)
	if len(policy.Success) > 0 { // else nil, as after a JSON round trip
		policy.Success = append(m.success[:0], policy.Success...)
	}
	policy.GiveUp = append([]int(nil), policy.GiveUp...)
	m.Message = Message{
		Composed: time.Now().UTC().Truncate(time.Microsecond), ID: r.ID, WebhookID: c.program.ID(), Event: eventType,
		Method: c.program.Method(), URL: r.URL, Header: r.Header, Body: r.Body, Policy: policy,
	}
	if s, ok := e.(interface{ Subject() (id string, rank int) }); ok {
		m.Subject, m.Rank = s.Subject()
	}
	m.Refs = appendRefs(m.refs[:0], e)
	return &m.Message, nil
}

// templateError gives an error of package compose the name that users know.
func templateError(err error) error {
	var e *compose.Error
	if !errors.As(err, &e) {
		return err
	}
	made := newTemplateError(e.Field, e.Err)
	made.Offset, made.Placeholder, made.source = e.Offset, e.Placeholder, e.Source
	return made
}
