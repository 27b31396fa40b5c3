package panel

import (
	_ "embed"
	"net/url"
	"strconv"
	"time"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
)

//go:embed openapi.yaml
var openAPI []byte

// apiDescription answers with what describes the API.
func (c *call) apiDescription() error {
	c.w.Header().Set("Content-Type", "application/yaml")
	_, err := c.w.Write(openAPI)
	return err
}

// An apiFilter is a filter as the API has it: the parameters of an address, or JSON.
type apiFilter struct {
	State     durable.State `json:"state"`
	Class     webhook.Class `json:"class"`
	Status    int           `json:"status"`
	WebhookID string        `json:"webhook_id"`
	Event     string        `json:"event"`
	Tenant    string        `json:"tenant"`
	From      time.Time     `json:"from"`
	To        time.Time     `json:"to"`
	After     string        `json:"after"`
	Limit     int           `json:"limit"`
	// Ref is personal data: it comes in a body, never in an address.
	Ref string `json:"ref"`
}

func (f apiFilter) filter() durable.Filter {
	return durable.Filter{
		State: f.State, Class: classOf(string(f.Class)), Status: f.Status, WebhookID: f.WebhookID, Event: f.Event, Tenant: f.Tenant, Ref: f.Ref,
		From: f.From, To: f.To, After: f.After, Limit: f.Limit,
	}
}

// filterOf reads the filter in an address. What is not known there is an error: a filter that is
// overlooked finds too much.
func filterOf(values url.Values) (f apiFilter, err error) {
	for name, all := range values {
		value := all[len(all)-1]
		switch name {
		case "state":
			f.State = durable.State(value)
		case "class":
			f.Class = webhook.Class(value)
		case "status":
			f.Status = statusOf(value)
		case "webhook_id":
			f.WebhookID = value
		case "event":
			f.Event = value
		case "tenant":
			f.Tenant = value
		case "after":
			f.After = value
		case "limit":
			f.Limit, err = strconv.Atoi(value)
		case "from":
			f.From, err = time.Parse(time.RFC3339, value)
		case "to":
			f.To, err = time.Parse(time.RFC3339, value)
		default:
			return f, errForm
		}
		if err != nil {
			return f, errForm
		}
	}
	return f, nil
}

// apiDeliveries answers with a page of the deliveries that match a filter.
func (c *call) apiDeliveries() error {
	f, err := filterOf(c.r.URL.Query())
	if err != nil {
		return err
	}
	return c.apiList(f)
}

// apiSearch does so for a filter that may have a reference or a number.
func (c *call) apiSearch() error {
	var f apiFilter
	if err := c.read(&f); err != nil {
		return err
	}
	return c.apiList(f)
}

func (c *call) apiList(f apiFilter) error {
	page, err := c.deliveries.List(c.ctx, f.filter())
	if err != nil {
		return err
	}
	return c.json(page)
}

// apiCount answers with how many deliveries match a filter.
func (c *call) apiCount() error {
	f, err := filterOf(c.r.URL.Query())
	if err != nil {
		return err
	}
	counts, err := c.deliveries.Count(c.ctx, f.filter())
	if err != nil {
		return err
	}
	return c.json(counts)
}

// apiResendMatching resends what matches a filter, which must have something: an empty one
// would be all there is.
func (c *call) apiResendMatching() error {
	var f apiFilter
	if err := c.read(&f); err != nil {
		return err
	}
	if f.Ref != "" && !c.may(Bodies) {
		return errNotAllowed
	}
	limit := maxResend
	if f.Limit > 0 {
		limit = min(limit, f.Limit)
	}
	only := f.filter()
	only.Limit, only.After = 0, ""
	if only == (durable.Filter{State: only.State, Class: only.Class, Status: only.Status}) || f.Limit < 0 || f.After != "" {
		return durable.ErrFilter
	}
	n, err := c.deliveries.ResendMatching(c.ctx, bounded(only), limit)
	if err != nil {
		return err
	}
	return c.json(struct {
		Resent int `json:"resent"`
	}{n})
}

// apiAct does something with the delivery in the path, and answers with what it is then.
func (c *call) apiAct(do func(*call, string) (bool, error)) error {
	id := c.r.PathValue("id")
	if _, err := c.deliveries.Get(c.ctx, id); err != nil {
		return err
	}
	done, err := do(c, id)
	if err != nil {
		return err
	}
	d, err := c.deliveries.Get(c.ctx, id)
	if err != nil {
		return err
	}
	return c.json(struct {
		durable.Delivery
		Changed bool `json:"changed"`
	}{d, done})
}

func (c *call) apiResend() error { return c.apiAct((*call).doResend) }
func (c *call) apiRetry() error  { return c.apiAct((*call).doRetry) }
func (c *call) apiCancel() error { return c.apiAct((*call).doCancel) }

// apiRecompose composes the event of a delivery again, and answers with the delivery that is
// pending then.
func (c *call) apiRecompose() error {
	d, err := c.recomposed()
	if err != nil {
		return err
	}
	return c.json(d)
}
