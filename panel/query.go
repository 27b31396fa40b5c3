package panel

import (
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
)

// A query is what the list of deliveries is asked for: the parameters of its address.
type query struct {
	State   durable.State
	Class   webhook.Class // of what failed, as Status
	Status  int           // 0: any; negative: not a number
	Webhook string
	Event   string
	Tenant  string // of who has All
	Within  string // one of spans
	After   string
}

// spans are how far back a list may be asked to go.
var spans = []struct {
	name string
	time.Duration
}{
	{"", 0}, {"1h", time.Hour}, {"24h", 24 * time.Hour}, {"7d", 7 * 24 * time.Hour}, {"30d", 30 * 24 * time.Hour},
}

var states = []durable.State{
	durable.StatePending, durable.StateDelivered, durable.StateFailed, durable.StateDropped, durable.StateCanceled,
}

func readQuery(values url.Values) query {
	q := query{
		State: durable.State(values.Get("state")), Webhook: values.Get("webhook"), Event: values.Get("event"),
		Tenant: values.Get("tenant"), Within: values.Get("within"), After: values.Get("after"),
	}
	// The form keeps them when another state is chosen, of which there are none.
	if q.State == "" || q.State == durable.StateFailed {
		q.Class, q.Status = classOf(values.Get("class")), statusOf(values.Get("status"))
	}
	return q
}

// classOf reads the kind of a failure. Links and texts of before may have a name that is another
// one now.
func classOf(text string) webhook.Class {
	if text == "dns" {
		return webhook.ClassUnreachable
	}
	return webhook.Class(text)
}

// statusOf reads a status code: 0 if there is none, negative if it is not one.
func statusOf(text string) int {
	n, err := strconv.Atoi(text)
	if text != "" && (err != nil || n <= 0) {
		return -1
	}
	return n
}

// filter returns the filter that a query means.
func (q query) filter(now time.Time, limit int) (durable.Filter, error) {
	f := durable.Filter{
		State: q.State, Class: q.Class, Status: q.Status, WebhookID: q.Webhook, Event: q.Event, Tenant: q.Tenant, After: q.After, Limit: limit,
	}
	for _, span := range spans {
		if span.name == q.Within {
			if span.Duration != 0 {
				f.From = now.Add(-span.Duration)
			}
			return f, nil
		}
	}
	return f, fmt.Errorf("%w: within", durable.ErrFilter)
}

// values returns the parameters, without those that are empty.
func (q query) values() url.Values {
	values := url.Values{}
	if q.Status != 0 {
		values.Set("status", strconv.Itoa(q.Status))
	}
	for name, value := range map[string]string{
		"state": string(q.State), "class": string(q.Class), "webhook": q.Webhook, "event": q.Event, "tenant": q.Tenant, "within": q.Within,
		"after": q.After,
	} {
		if value != "" {
			values.Set(name, value)
		}
	}
	return values
}

// isFiltered reports whether a list is not of everything.
func (q query) isFiltered() bool {
	q.After = ""
	return q != query{}
}

// at returns the query for the page after a position.
func (q query) at(after string) query {
	q.After = after
	return q
}

// of returns the query for what failed in one way.
func (q query) of(class webhook.Class, status int) query {
	q.State, q.Class, q.Status, q.After = durable.StateFailed, class, status, ""
	return q
}
