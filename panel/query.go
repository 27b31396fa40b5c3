package panel

import (
	"fmt"
	"net/url"
	"time"

	"github.com/ringhook/webhook/durable"
)

// A query is what the list of deliveries is asked for: the parameters of its address.
type query struct {
	State   durable.State
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
	return query{
		durable.State(values.Get("state")), values.Get("webhook"), values.Get("event"), values.Get("tenant"),
		values.Get("within"), values.Get("after"),
	}
}

// filter returns the filter that a query means.
func (q query) filter(now time.Time, limit int) (durable.Filter, error) {
	f := durable.Filter{
		State: q.State, WebhookID: q.Webhook, Event: q.Event, Tenant: q.Tenant, After: q.After, Limit: limit,
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
	for name, value := range map[string]string{
		"state": string(q.State), "webhook": q.Webhook, "event": q.Event, "tenant": q.Tenant, "within": q.Within,
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
