package panel

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/queue"
)

const (
	pageSize   = 50
	maxChoices = 100 // of webhooks to choose from; with more, their ID is typed
)

// A list is what the page of deliveries shows.
type list struct {
	Query    query
	Search   string // for what was looked, in place of the query
	Note     string // what was done
	Rows     []row
	Back     string // the query, to come back to
	First    string // links to other pages of the list; empty: none
	Next     string
	More     string // where a search goes on
	States   []choice
	Spans    []choice
	Ways     []way
	Webhooks []choice // empty if there are many
	Events   []string // types to suggest
	Filtered bool
	// ResendAll says that something on the page may be resent.
	ResendAll bool
	// Live is where changes of the list are streamed; empty for what is not the newest page.
	Live string
	// SearchLabel is a code.
	SearchLabel string
}

// A choice is an option of a form. Text is a code, but that of a webhook its name.
type choice struct {
	Value, Text string
	Chosen      bool
}

// A row is a delivery as lists show it.
type row struct {
	durable.Delivery
	Shape, Word string
	Hook        string // name of the webhook, or the endpoint
	Why         string

	CanResend, CanRetry, CanCancel bool
}

// A rowView is a row and what templates need beside it.
type rowView struct {
	view
	row
}

// Row is a row for the template "row".
func (v view) Row(r row) rowView { return rowView{v, r} }

// BlankRow is one that the script fills in.
func (v view) BlankRow() rowView {
	return rowView{v, row{
		Delivery: durable.Delivery{ID: "__id__", Created: v.now}, Shape: string(durable.StatePending),
	}}
}

// States are the states of deliveries.
func (v view) States() []durable.State { return states }

// listDeliveries shows the newest deliveries that match the query.
func (c *call) listDeliveries() error {
	q := readQuery(c.r.URL.Query())
	f, err := q.filter(time.Now(), pageSize)
	if err != nil {
		return err
	}
	page, err := c.deliveries.List(c.ctx, f)
	if err != nil {
		return err
	}
	l, err := c.list(q, page)
	if err != nil {
		return err
	}
	l.Note = c.note()
	if q.State == durable.StateFailed || q.Class != "" || q.Status != 0 {
		counts, err := c.deliveries.Count(c.ctx, allFailed(f))
		if err != nil {
			return err
		}
		l.Ways = c.ways(q, counts.Failures)
	}
	if q.After == "" {
		l.Live = c.link("live", q)
	} else {
		l.First = c.link("deliveries", q.at(""))
	}
	if page.Next != "" {
		l.Next = c.link("deliveries", q.at(page.Next))
	}
	return c.render("deliveries", "deliveries.title", l)
}

// search shows the deliveries with an ID, a reference or a number. What is looked for is
// personal data, so it comes in the body of the request, not in its address.
func (c *call) search() error {
	if err := c.form(); err != nil {
		return err
	}
	text := strings.TrimSpace(c.r.PostForm.Get("q"))
	after := c.r.PostForm.Get("after")
	if text == "" {
		return errForm
	}
	var page durable.Page
	d, err := c.deliveries.Get(c.ctx, text)
	switch {
	case err == nil && after == "":
		page.Deliveries = []durable.Delivery{d}
	case err != nil && !errors.Is(err, webhook.ErrNotFound):
		return err
	case c.may(Bodies):
		if page, err = c.deliveries.List(c.ctx, durable.Filter{Ref: text, Limit: pageSize, After: after}); err != nil {
			return err
		}
	}
	l, err := c.list(query{}, page)
	if err != nil {
		return err
	}
	l.Search, l.More, l.ResendAll = text, page.Next, false
	return c.render("deliveries", "deliveries.title", l)
}

// list returns what a page of deliveries shows.
func (c *call) list(q query, page durable.Page) (list, error) {
	l := list{Query: q, Back: q.values().Encode(), Filtered: q.isFiltered(), SearchLabel: "search.id"}
	if c.may(Bodies) {
		l.SearchLabel = "search.label"
	}
	names, err := c.hookNames(page.Deliveries)
	if err != nil {
		return l, err
	}
	now := time.Now()
	for _, d := range page.Deliveries {
		r := c.row(d, names, now)
		l.Rows = append(l.Rows, r)
		l.ResendAll = l.ResendAll || d.State == durable.StateFailed || d.State == durable.StateDropped
		l.Events = append(l.Events, d.Event)
	}
	slices.Sort(l.Events)
	l.Events = slices.Compact(l.Events)
	l.States = append(l.States, choice{"", "filter.any", q.State == ""})
	for _, s := range states {
		l.States = append(l.States, choice{string(s), "state." + string(s), q.State == s})
	}
	for _, s := range spans {
		l.Spans = append(l.Spans, choice{s.name, "span." + cmp.Or(s.name, "any"), q.Within == s.name})
	}
	return l, c.chooseHook(&l)
}

// A way is one in which deliveries failed, and how many did.
type way struct {
	Link, Text string
	Count      durable.Number
	Chosen     bool // a list is of these alone, and Link leads to all that failed
}

// allFailed is a filter for all that failed, in whatever way.
func allFailed(f durable.Filter) durable.Filter {
	f.State, f.Class, f.Status, f.After = durable.StateFailed, "", 0, ""
	return f
}

// maxWays is how many ways a page lists.
const maxWays = 8

// ways lists how the deliveries of a query failed, the most frequent first. Only of those
// that were answered the status matters.
func (c *call) ways(q query, failures []durable.Failures) []way {
	var list []way
	for _, f := range failures {
		if f.Class == "" {
			continue
		}
		status := f.Status
		if f.Class != webhook.ClassStatus {
			status = 0
		}
		w := way{Text: c.why(f.Class, status), Count: f.Number, Link: c.link("deliveries", q.of(f.Class, status))}
		if q.Class == f.Class && q.Status == status {
			w.Chosen, w.Link = true, c.link("deliveries", q.of("", 0))
		}
		at := slices.IndexFunc(list, func(o way) bool { return o.Text == w.Text })
		switch {
		case at >= 0:
			list[at].Count.N, list[at].Count.More = list[at].Count.N+f.N, list[at].Count.More || f.More
		case len(list) < maxWays || w.Chosen:
			list = append(list, w)
		}
	}
	return list
}

// chooseHook adds the webhooks that there are to choose from.
func (c *call) chooseHook(l *list) error {
	page, err := c.webhooks.List(c.ctx, durable.WebhookFilter{Limit: maxChoices})
	if err != nil || page.Next != "" {
		return err
	}
	chosen := l.Query.Webhook == ""
	for _, d := range page.Webhooks {
		l.Webhooks = append(l.Webhooks, choice{d.ID, hookName(d), d.ID == l.Query.Webhook})
		chosen = chosen || d.ID == l.Query.Webhook
	}
	if !chosen { // one that was deleted
		l.Webhooks = append(l.Webhooks, choice{l.Query.Webhook, l.Query.Webhook, true})
	}
	return nil
}

func hookName(d durable.Definition) string { return cmp.Or(strings.TrimSpace(d.Name), d.ID) }

// hookNames returns the names of the webhooks of some deliveries, by their IDs. Those that
// were deleted, or are not stored, have none.
func (c *call) hookNames(deliveries []durable.Delivery) (map[string]string, error) {
	names := map[string]string{}
	for _, d := range deliveries {
		if _, known := names[d.WebhookID]; known || d.WebhookID == "" {
			continue
		}
		hook, err := c.webhooks.Get(c.ctx, d.WebhookID)
		switch {
		case err == nil:
			names[d.WebhookID] = hookName(hook)
		case errors.Is(err, webhook.ErrNotFound), errors.Is(err, durable.ErrSealed):
			names[d.WebhookID] = ""
		default:
			return nil, err
		}
	}
	return names, nil
}

func (c *call) row(d durable.Delivery, names map[string]string, now time.Time) row {
	return row{
		Delivery: d, Shape: string(d.State), Word: c.text("state." + string(d.State)),
		Hook: cmp.Or(names[d.WebhookID], d.WebhookID, d.Key), Why: c.summary(d, now),
		CanResend: canResend(d) && d.State != durable.StateDelivered, // which is offered on its own page
		CanRetry:  d.State == durable.StatePending && d.Attempts > 0,
		CanCancel: d.State == durable.StatePending,
	}
}

// canResend reports whether there is a message that may be sent once more.
func canResend(d durable.Delivery) bool {
	composed := d.Class != webhook.ClassInvalid || d.Attempts > 0 || d.Resent > 0
	return d.State != durable.StatePending && composed && !d.Erased && d.Reason != queue.ReasonDeleted
}

// link is a link to a page with a query.
func (c *call) link(path string, q query) string {
	if values := q.values().Encode(); values != "" {
		path += "?" + values
	}
	return c.to(path)
}

// form reads a form that was sent.
func (c *call) form() error {
	var large *http.MaxBytesError
	if err := c.r.ParseForm(); err != nil {
		if errors.As(err, &large) {
			return errTooLarge
		}
		return errForm
	}
	for name, values := range c.r.PostForm {
		if !utf8.ValidString(name) || !utf8.ValidString(strings.Join(values, "\n")) {
			return errForm
		}
	}
	return nil
}

// notes are what pages say that was done, by the parameter "note" of their address.
var notes = []string{
	"resent", "retried", "canceled", "unchanged", "created", "saved", "enabled", "paused", "disabled", "deleted", "recomposed", "subscribed",
}

// note is what was done before this page was shown, or empty.
func (c *call) note() string {
	values := c.r.URL.Query()
	n, err := strconv.Atoi(values.Get("n"))
	if err != nil || n < 0 || !slices.Contains(notes, values.Get("note")) {
		return ""
	}
	text := c.number("note."+values.Get("note"), n)
	if left, err := strconv.Atoi(values.Get("left")); err == nil && left > 0 {
		text += " " + c.number("note.left", left)
	}
	return text
}

// back goes back to the list that an action was chosen on, or, without one, to a page.
func (c *call) back(path, note string, n, left int) error {
	values := url.Values{}
	if c.r.PostForm.Has("back") {
		old, err := url.ParseQuery(c.r.PostForm.Get("back"))
		if err != nil {
			return errForm
		}
		path, values = "deliveries", readQuery(old).values()
	}
	values.Set("note", note)
	values.Set("n", strconv.Itoa(n))
	if left > 0 {
		values.Set("left", strconv.Itoa(left))
	}
	return c.redirect(path + "?" + values.Encode())
}
