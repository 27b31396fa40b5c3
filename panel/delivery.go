package panel

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/queue"
)

// A deliveryPage is what the page of a delivery shows.
type deliveryPage struct {
	row
	Note     string
	Version  string // another one, whenever the page would be another
	Attempts []attemptRow
	// HookThere says that the webhook has a page.
	HookThere bool
	// Advice says what to do about the last failure; empty if there is nothing to do.
	Advice string
	Next   bool // there is a next attempt, at Due
	// Request is what was sent; nil if there is none, for the reason in NoRequest.
	Request   *request
	NoRequest string
	// EventJSON is what it reports; empty if there is none, or it may not be seen.
	EventJSON    string
	EventCut     bool // it goes on
	CanRecompose bool
}

// An attemptRow is an attempt as pages show it.
type attemptRow struct {
	durable.Attempt
	Shape, Word string
	Why         string
	Want        string         // the status codes that count as delivered, if others than 2xx
	Late        bool           // it was after the delivery was resent
	Hidden      bool           // the answer may not be seen
	Said        []headerMember // of the answer's header
}

// A request is what was sent, without what may be a credential. Without the right to see
// bodies, it has the host and the size alone.
type request struct {
	Method string         `json:"method"`
	URL    string         `json:"url"`
	Header []headerMember `json:"header,omitempty"`
	Body   string         `json:"body,omitempty"`
	Bytes  int            `json:"bytes"` // of the body
	Curl   string         `json:"curl,omitempty"`
	Cut    bool           `json:"-"` // Body is the beginning of a larger one, which a page does not show
}

type headerMember struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// showDelivery shows one delivery.
func (c *call) showDelivery() error {
	d, attempts, err := c.delivery()
	if err != nil {
		return err
	}
	names, err := c.hookNames([]durable.Delivery{d})
	if err != nil {
		return err
	}
	p := deliveryPage{
		row: c.row(d, names, time.Now()), Note: c.note(), Version: version(d),
		Next: d.State == durable.StatePending && !d.Due.IsZero(),
	}
	p.CanResend, p.HookThere = canResend(d), names[d.WebhookID] != ""
	for _, a := range attempts {
		p.Attempts = append(p.Attempts, c.attemptRow(a))
	}
	if n := len(p.Attempts); n > 0 && d.State != durable.StateDelivered && d.Class != "" {
		p.Advice = c.advice(d.Class, d.Status)
	} else if n == 0 && d.Class == webhook.ClassInvalid {
		p.Advice = c.advice(d.Class, 0)
	}
	slices.Reverse(p.Attempts)
	if p.Request, err = c.request(d.ID); err != nil {
		if p.NoRequest, err = c.withoutRequest(err); err != nil {
			return err
		}
	}
	if r := p.Request; r != nil && len(r.Body) > maxShown {
		r.Body, r.Curl, r.Cut = strings.ToValidUTF8(r.Body[:maxShown], ""), "", true
	}
	// Without a look at the event, it is not known whether there is one.
	p.CanRecompose = d.State != durable.StatePending && d.WebhookID != "" && !d.Erased && d.Reason != queue.ReasonDeleted
	if c.may(Bodies) {
		event, err := c.deliveries.Event(c.ctx, d.ID)
		switch {
		case err == nil:
			p.EventJSON = indented(event.JSON)
			if p.EventCut = len(p.EventJSON) > maxShown; p.EventCut {
				p.EventJSON = strings.ToValidUTF8(p.EventJSON[:maxShown], "")
			}
		case errors.Is(err, durable.ErrNoEvent):
			p.CanRecompose = false
		case !errors.Is(err, durable.ErrSealed):
			return err
		}
	}
	return c.render("delivery", "delivery.title", p)
}

// delivery returns the delivery in the path, and its attempts as they may be seen, the
// oldest first.
func (c *call) delivery() (durable.Delivery, []durable.Attempt, error) {
	d, err := c.deliveries.Get(c.ctx, c.r.PathValue("id"))
	if err != nil {
		return d, nil, err
	}
	attempts, err := c.deliveries.Attempts(c.ctx, d.ID)
	if !c.may(Bodies) {
		for i := range attempts {
			attempts[i].Answer, attempts[i].Location, attempts[i].Header = "", "", nil
		}
	}
	return d, attempts, err
}

func (c *call) attemptRow(a durable.Attempt) attemptRow {
	r := attemptRow{
		Attempt: a, Shape: "failed", Word: c.text("attempt.failed"), Late: a.Resent > 0, Hidden: !c.may(Bodies),
		Said: members(a.Header),
	}
	if a.Class == "" {
		r.Shape, r.Word = "delivered", c.text("attempt.delivered")
		return r
	}
	r.Why = c.failure(a.Code, a.Args, a.Class, a.Status)
	if len(a.Want) > 0 {
		r.Want = codes(a.Want)
	}
	return r
}

// request returns what was sent with a delivery.
func (c *call) request(id string) (*request, error) {
	m, err := c.deliveries.Message(c.ctx, id)
	if err != nil {
		return nil, err
	}
	if !c.may(Bodies) {
		return &request{Method: m.Method, URL: origin(m.URL), Bytes: len(m.Body)}, nil
	}
	// A body may repeat what a header has.
	hidden := *m
	hidden.Body = new(webhook.Client).Redact(c.ctx, m, webhook.Attempt{}, m.Body)
	shown := hidden.Masked()
	r := &request{
		Method: shown.Method, URL: shown.URL, Bytes: len(m.Body), Curl: hidden.Curl(), Body: readable(shown.Body),
	}
	r.Header = members(shown.Header)
	return r, nil
}

// members lists a header by its names.
func members(h http.Header) (list []headerMember) {
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, value := range h[name] {
			list = append(list, headerMember{name, value})
		}
	}
	return list
}

// withoutRequest says why there is no request to be shown, or returns the error.
func (c *call) withoutRequest(err error) (string, error) {
	switch {
	case errors.Is(err, durable.ErrNoMessage):
		return c.text("request.none"), nil
	case errors.Is(err, durable.ErrSealed):
		return c.text("request.sealed"), nil
	}
	return "", err
}

// origin is a URL without what may have values in it: scheme and host.
func origin(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host + "/…"
}

// readable returns a body as text that can be shown, JSON as it is.
func readable(body []byte) string {
	if utf8.Valid(body) {
		return string(body)
	}
	return strings.ToValidUTF8(string(body), "\uFFFD")
}

// indented returns JSON with a line for each member.
func indented(text []byte) string {
	var b bytes.Buffer
	if err := json.Indent(&b, text, "", "  "); err != nil {
		return readable(text)
	}
	return readable(b.Bytes())
}

// recompose composes the event of a delivery with today's template, and goes to what is sent.
func (c *call) recompose() error {
	d, err := c.recomposed()
	if err != nil {
		return err
	}
	return c.redirect("deliveries/" + d.ID + "?note=recomposed&n=1")
}

func (c *call) recomposed() (durable.Delivery, error) {
	id := c.r.PathValue("id")
	if _, err := c.deliveries.Get(c.ctx, id); err != nil {
		return durable.Delivery{}, err
	}
	return c.webhooks.Recompose(c.ctx, id)
}

// apiDelivery answers with a delivery, what was sent, and its attempts.
func (c *call) apiDelivery() error {
	d, attempts, err := c.delivery()
	if err != nil {
		return err
	}
	r, err := c.request(d.ID)
	if err != nil {
		if _, err = c.withoutRequest(err); err != nil {
			return err
		}
	}
	return c.json(struct {
		durable.Delivery
		Request *request          `json:"request"`
		History []durable.Attempt `json:"history"`
	}{d, r, attempts})
}

// apiEvent answers with the event that a delivery reports.
func (c *call) apiEvent() error {
	event, err := c.deliveries.Event(c.ctx, c.r.PathValue("id"))
	if err != nil {
		return err
	}
	return c.json(struct {
		Type string `json:"type"`
		JSON string `json:"json"` // as text: numbers stay as they are
	}{event.Type, readable(event.JSON)})
}
