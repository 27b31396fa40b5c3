package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/problem"
	"github.com/ringhook/webhook/internal/rawjson"
	"github.com/ringhook/webhook/internal/request"
)

// An Event can be reported to a webhook. Its JSON form, as [encoding/json.Marshal]
// writes it, is the documented body.
//
// The types of package payload are Events, and so is any struct with json tags or any
// map with string keys that has an EventType method, and [RawEvent]. A struct that embeds
// a type with a MarshalJSON, as those of package payload have, and adds fields is refused,
// since that method would leave them out. Compose only reads an event.
//
// An event may have two more methods. Subject() (id string, rank int) says what it is
// news about, and how far along that is; see [Message]. Refs() []string returns what
// support looks for, such as the id of a call and a number: the first 4 that are not
// empty count, and of each its first 128 bytes.
type Event interface {
	// EventType is the name under which the event is reported, such as
	// "whatsapp:message:status".
	EventType() string
}

// A RawEvent is an event that is JSON already, such as one that was received or stored.
// It is sent byte for byte where a webhook has no body template.
type RawEvent struct {
	Type string // what EventType returns
	JSON []byte // one JSON value
}

// EventType returns Type.
func (e RawEvent) EventType() string { return e.Type }

// MarshalJSON returns JSON, or an error that says where it is not.
func (e RawEvent) MarshalJSON() ([]byte, error) {
	b, err := e.json()
	if err != nil {
		return nil, newTemplateError("event", problem.Of(err))
	}
	return b, nil
}

func (e RawEvent) json() ([]byte, error) {
	if off := rawjson.Check(e.JSON); off >= 0 {
		return nil, problem.Errorf(problem.EventSyntax, "not JSON at offset %d", off)
	}
	return e.JSON, nil
}

func init() { field.RegisterJSON(RawEvent.json) }

// A Format says how the fields of a body template are written.
type Format string

// The formats of a body. The zero Format is [FormatJSON].
const (
	FormatJSON           Format = "json"
	FormatFormData       Format = "form-data"       // multipart/form-data
	FormatFormURLEncoded Format = "form-urlencoded" // application/x-www-form-urlencoded
	FormatText           Format = "text"            // text/plain, or text/csv if the Content-Type says so
	FormatXML            Format = "xml"             // application/xml, or another type of XML
	FormatNone           Format = "none"            // no body
)

// A FormLists says how a form, or a query, names the elements of a list.
type FormLists string

// The names of a list's elements. The zero FormLists is [FormListsIndex]. An element that
// is an object or a list itself has its index in all of them, since its own fields would
// not be told from those of the next element otherwise.
const (
	FormListsIndex    FormLists = "index"    // to[0], to[1]: PHP reads a list
	FormListsBrackets FormLists = "brackets" // to[], to[]: PHP and Rails do
	FormListsRepeat   FormLists = "repeat"   // to, to: Go, Java and Python do
)

// A Webhook is where and how a customer wants to have events reported. It is plain
// data: it survives a JSON round trip, can be compared in a test and edited in a form.
// URL, the values of Headers and Body are templates; see the package comment. [Compile]
// checks all of it.
//
// Webhooks, composers and messages print and log their ID, method and host alone, by the
// verbs %v, %+v, %#v, %s and %q, and also in slices, maps and exported fields. No method can
// help two things that show all there is: fmt of an unexported field, and the JSON form,
// which is for storing. slog's JSONHandler writes that of what has a webhook or a message
// inside, such as a []Webhook, but not of one that is logged itself. Log fmt.Sprint of what
// has them inside; slog's TextHandler does so.
type Webhook struct {
	// ID is the webhook_id under which API calls name the webhook. It is also the key
	// of the platform's signature; see [HMAC].
	ID string `json:"id"`
	// Name is for people.
	Name string `json:"name"`
	// URL is the http or https address. Placeholders are allowed in path and query
	// only.
	URL string `json:"url"`
	// Method is GET, POST, PUT, PATCH or DELETE. If empty, POST is used.
	Method string `json:"method"`
	// Headers are set on each request. They may carry the receiver's credentials, so
	// they are not printed. Names that belong to the connection, the framing or the
	// signature are refused. So is a Content-Type, but for one of JSON, of text or of
	// XML for a body of that format, in UTF-8.
	Headers map[string]string `json:"headers"`
	// Format of the body. If empty, FormatJSON is used.
	Format Format `json:"format"`
	// Body is the template of the body: a text or XML for these two, for all others
	// JSON; that of a form is one object, whose members are its fields. If empty, the
	// event's own JSON form is sent, but a text or XML must have a template, and
	// FormatNone none. Of a GET the fields join the URL's query; if empty, nothing.
	Body string `json:"body"`
	// FormLists says how the elements of a list are named, in a form and in the query
	// of a GET. If empty, FormListsIndex is used. Other bodies have no use for it.
	FormLists FormLists `json:"form_lists"`
	// When is the condition under which an event is sent, such as
	//
	//	status == 'COMPLETED' and duration > 0
	//
	// with names as in templates, but without tags. Of another event Compose makes no
	// message; see [ErrUnwanted]. If empty, all are sent.
	When string `json:"when"`
	// Policy says what counts as delivered and when to try again. If nil, and for each
	// zero field of it, [PolicyFor] the event's type is used.
	Policy *Policy `json:"policy"`
	// Auth is what the receiver wants to be shown with each request: credentials. No
	// message has them, and Compose has no use for them: [Client.Auth] is to give what
	// [Webhook.Credentials] returns. The URL must begin with https:// then, and there must
	// be no header Authorization. The JSON form has them in the clear, since it is for
	// storing. If nil, there are none.
	Auth *Auth `json:"auth,omitempty"`
}

// Credentials returns a copy of Auth that is held to where the URL of w leads, for
// [Client.Auth], or nil if there is none.
func (w Webhook) Credentials() *Auth {
	if w.Auth == nil {
		return nil
	}
	a := *w.Auth
	a.Origin, _ = Origin(w.URL) // without one, nothing is sent
	return &a
}

// clone returns a copy that shares nothing with w.
func (w Webhook) clone() Webhook {
	w.Headers = maps.Clone(w.Headers)
	if w.Policy != nil {
		p := *w.Policy
		p.Success, p.Waits, p.GiveUp = slices.Clone(p.Success), slices.Clone(p.Waits), slices.Clone(p.GiveUp)
		w.Policy = &p
	}
	if w.Auth != nil {
		a := *w.Auth
		w.Auth = &a
	}
	return w
}

// A Message is one composed request, not yet signed. It is plain data, so that an
// outbox can store it; senders treat it as read-only, and send the same bytes under the
// same ID on every attempt.
//
// Its Body must not be changed any more once a Sender has it: a queue keeps it, and a
// Transport of net/http may go on reading a large one for a moment after an answer came
// early, or after the time was up.
type Message struct {
	// ID names the delivery: 1 to 64 letters, digits, _ or -. Receivers drop duplicates
	// by it.
	ID string `json:"id"`
	// WebhookID is the ID of the Webhook that the message was composed with.
	WebhookID string `json:"webhook_id"`
	// Event is the type of the event.
	Event string `json:"event"`
	// Method is the HTTP method. It is never empty in a composed message.
	Method string `json:"method"`
	// URL is the address with all placeholders filled in.
	URL string `json:"url"`
	// Header is set on the request as it is, before Webhook-Id and what a Signer adds.
	Header http.Header `json:"header"`
	// Body is sent as it is. A GET has none.
	Body []byte `json:"body"`
	// Policy is complete in a composed message and shares no slices with the Webhook.
	// In a message made by hand, zero fields mean what [PolicyFor] says for Event.
	Policy Policy `json:"policy"`
	// Composed is when the message was composed, in UTC and whole microseconds. Policy.Expires
	// counts from it. In a message made by hand it may be zero: then it is when a queue took
	// the message, and with a Client alone the message does not expire.
	Composed time.Time `json:"composed,omitzero"`
	// Content is 16 bytes of a hash of the event's type and JSON form, by which a
	// message that comes again under its ID is known; see [Message.Differs].
	// [Composer.ComposeID] sets it. It may be empty.
	Content []byte `json:"content,omitempty"`
	// Subject is what the event is news about, such as a message id; empty if it does
	// not say. Queues order by it.
	Subject string `json:"subject,omitempty"`
	// Rank is how far along the subject is: of two messages about one Subject, the
	// higher one is the later news. One of 0 or less says nothing: the message is neither
	// older nor newer than another one.
	Rank int `json:"rank,omitempty"`
	// Refs are what the message can be found by, such as the id of a call and a number,
	// in the forms of [NormalizeRef]: those of what the event's method Refs returns, if
	// it has one. Engines with a history look by them.
	Refs []string `json:"refs,omitempty"`
	// Trace is the span in which the message was sent, as a traceparent of version 00 of
	// W3C Trace Context, so that whoever makes the attempts, days later perhaps, can link
	// them to it. Module otelhook sets and reads it. No request carries it; see
	// [Client.Trace]. It may be empty.
	Trace string `json:"trace,omitempty"`
}

// Check returns nil if m may be sent, else what is wrong with it: what [Client.Try]
// asks before each attempt, for senders that refuse a message before they accept it.
// The error quotes no values.
func (m *Message) Check() error {
	if _, err := m.check(); err != nil {
		return fmt.Errorf("webhook: invalid message: %w", err)
	}
	return nil
}

// check refuses a message that must not be sent, also if it is nil, and returns its
// URL.
func (m *Message) check() (*url.URL, error) {
	if m == nil {
		return nil, errors.New("no message")
	}
	if err := request.CheckID(m.ID); err != nil {
		return nil, err
	}
	if err := request.CheckMethod(m.Method); err != nil {
		return nil, err
	}
	if m.Method == http.MethodGet && len(m.Body) > 0 {
		return nil, errors.New("a GET must not have a body")
	}
	if err := m.Policy.check(); err != nil {
		return nil, fmt.Errorf("policy %w", err)
	}
	if m.Trace != "" && !request.IsTraceparent(m.Trace) {
		return nil, errors.New("trace is no traceparent of version 00")
	}
	if err := request.CheckHeader(m.Header); err != nil {
		return nil, err
	}
	return request.ParseURL(m.URL)
}

// Differs returns in what m is another message than o, which has the same ID:
// "webhook_id", "content", "method", "url", "header" or "body"; empty if they are the
// same one, so that delivering it twice would be a mistake. With a Content on both
// sides it and the WebhookID decide, since a template may have been changed in between;
// else all of the request does.
func (m *Message) Differs(o *Message) string {
	switch {
	case m.WebhookID != o.WebhookID:
		return "webhook_id"
	case len(m.Content) > 0 && len(o.Content) > 0:
		if !bytes.Equal(m.Content, o.Content) {
			return "content"
		}
	case m.Method != o.Method:
		return "method"
	case m.URL != o.URL:
		return "url"
	case !maps.EqualFunc(m.Header, o.Header, slices.Equal[[]string]):
		return "header"
	case !bytes.Equal(m.Body, o.Body):
		return "body"
	}
	return ""
}

// A Sender delivers messages.
type Sender interface {
	// Send returns nil when m was delivered, or was accepted by something that will
	// deliver it; each Sender says which. It does not change m and does not keep it
	// after an error.
	Send(ctx context.Context, m *Message) error
}

// SenderFunc is a function that is a [Sender].
type SenderFunc func(ctx context.Context, m *Message) error

// Send calls f.
func (f SenderFunc) Send(ctx context.Context, m *Message) error { return f(ctx, m) }
