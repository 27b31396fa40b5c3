package panel

import (
	"net/url"
	"strings"
	"time"

	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/queue"
)

// A hookList is what the page of webhooks shows.
type hookList struct {
	Text, State, Tenant string
	Rows                []hookRow
	States              []choice
	First, Next         string // links; empty: none
	Note                string
	Filtered            bool
}

// A hookRow is a webhook as lists show it.
type hookRow struct {
	durable.Definition
	Title       string
	Shape, Word string
	Why         string // it is in that state
	Host        string
	Method      string
	Day         durable.Tally // the sum of the last 24 hours
}

var hookStates = []queue.EndpointState{queue.StateEnabled, queue.StatePaused, queue.StateDisabled}

// listHooks shows the webhooks.
func (c *call) listHooks() error {
	values := c.r.URL.Query()
	l := hookList{Text: values.Get("text"), State: values.Get("state"), Tenant: values.Get("tenant"), Note: c.note()}
	l.Filtered = l.Text != "" || l.State != "" || l.Tenant != ""
	page, err := c.webhooks.List(c.ctx, durable.WebhookFilter{
		Tenant: l.Tenant, State: queue.EndpointState(l.State), Text: l.Text, Limit: pageSize, After: values.Get("after"),
	})
	if err != nil {
		return err
	}
	for _, d := range page.Webhooks {
		r, err := c.hookRow(d)
		if err != nil {
			return err
		}
		l.Rows = append(l.Rows, r)
	}
	l.States = append(l.States, choice{"", "filter.any", l.State == ""})
	for _, s := range hookStates {
		l.States = append(l.States, choice{string(s), "state." + string(s), l.State == string(s)})
	}
	if values.Get("after") != "" {
		l.First = c.to("webhooks" + l.query(""))
	}
	if page.Next != "" {
		l.Next = c.to("webhooks" + l.query(page.Next))
	}
	return c.render("webhooks", "webhooks.title", l)
}

func (l hookList) query(after string) string {
	values := url.Values{}
	for name, value := range map[string]string{"text": l.Text, "state": l.State, "tenant": l.Tenant, "after": after} {
		if value != "" {
			values.Set(name, value)
		}
	}
	if len(values) == 0 {
		return ""
	}
	return "?" + values.Encode()
}

func (c *call) hookRow(d durable.Definition) (hookRow, error) {
	now := time.Now()
	tallies, err := c.deliveries.Tallies(c.ctx, d.ID, now.Add(-24*time.Hour), now)
	r := hookRow{
		Definition: d, Title: hookName(d), Shape: string(d.State), Word: c.text("state." + string(d.State)),
		Why: c.whyState(d), Host: hostOf(d.URL), Method: methodOf(d.Method),
	}
	for _, t := range tallies {
		r.Day.Delivered += t.Delivered
		r.Day.Failed += t.Failed
	}
	return r, err
}

// hostOf is the host of a template for a URL, for people.
func hostOf(template string) string {
	_, host, _ := strings.Cut(originOf(template), "://")
	return host
}

func methodOf(method string) string {
	if method == "" {
		return "POST"
	}
	return method
}
