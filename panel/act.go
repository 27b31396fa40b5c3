package panel

import (
	"errors"
	"time"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
)

// maxResend is how many deliveries one call resends: somebody waits for it.
const maxResend = 10_000

// act does something with the delivery in the path, and goes back to where it was chosen.
func (c *call) act(note string, do func(*call, string) (bool, error)) error {
	if err := c.form(); err != nil {
		return err
	}
	id := c.r.PathValue("id")
	if _, err := c.deliveries.Get(c.ctx, id); err != nil {
		return err
	}
	done, err := do(c, id)
	if err != nil {
		return err
	}
	if !done {
		note = "unchanged"
	}
	return c.back("deliveries/"+id, note, 1, 0)
}

func (c *call) resend() error { return c.act("resent", (*call).doResend) }
func (c *call) retry() error  { return c.act("retried", (*call).doRetry) }
func (c *call) cancel() error { return c.act("canceled", (*call).doCancel) }

func (c *call) doResend(id string) (bool, error) { return true, c.deliveries.Resend(c.ctx, id) }
func (c *call) doRetry(id string) (bool, error)  { return true, c.deliveries.RetryNow(c.ctx, id) }
func (c *call) doCancel(id string) (bool, error) { return c.deliveries.Cancel(c.ctx, id) }

// resendSelected resends the deliveries that were ticked.
func (c *call) resendSelected() error {
	if err := c.form(); err != nil {
		return err
	}
	done, left, err := c.resendEach(c.r.PostForm["id"])
	if err != nil {
		return err
	}
	return c.back("deliveries", "resent", done, left)
}

// resendEach resends deliveries, and says of how many it did not, since they have not ended,
// have no message, or are not there.
func (c *call) resendEach(ids []string) (done, left int, err error) {
	if len(ids) > pageSize {
		return 0, 0, errForm
	}
	for _, id := range ids {
		switch err := c.deliveries.Resend(c.ctx, id); {
		case err == nil:
			done++
		case errors.Is(err, durable.ErrPending), errors.Is(err, durable.ErrNoMessage), errors.Is(err, webhook.ErrNotFound),
			errors.Is(err, durable.ErrSealed):
			left++
		default:
			return done, left, err
		}
	}
	return done, left, nil
}

// A resendAll is what the page shows that asks before many deliveries are resent.
type resendAll struct {
	Failed, Dropped, Delivered durable.Number
	Count                      durable.Number
	Most                       int // of a call
	Fields                     map[string]string
	Back                       string
}

// askResend says how many deliveries a query would resend.
func (c *call) askResend() error {
	q := readQuery(c.r.URL.Query()).at("")
	f, err := q.filter(time.Now(), 0)
	if err != nil {
		return err
	}
	counts, err := c.deliveries.Count(c.ctx, f)
	if err != nil {
		return err
	}
	page := resendAll{Most: maxResend, Fields: map[string]string{}, Back: c.link("deliveries", q)}
	page.Failed, page.Dropped = counts.States[durable.StateFailed], counts.States[durable.StateDropped]
	if q.State == durable.StateDelivered {
		page.Delivered = counts.States[durable.StateDelivered]
	}
	for _, n := range []durable.Number{page.Failed, page.Dropped, page.Delivered} {
		page.Count.N += n.N
		page.Count.More = page.Count.More || n.More
	}
	for name, values := range q.values() {
		page.Fields[name] = values[0]
	}
	return c.render("resend", "resend.title", page)
}

// resendMatching resends all that a query matches.
func (c *call) resendMatching() error {
	if err := c.form(); err != nil {
		return err
	}
	q := readQuery(c.r.PostForm).at("")
	f, err := q.filter(time.Now(), 0)
	if err != nil {
		return err
	}
	n, err := c.deliveries.ResendMatching(c.ctx, bounded(f), maxResend)
	if err != nil {
		return err
	}
	c.r.PostForm.Set("back", q.values().Encode())
	return c.back("deliveries", "resent", n, 0)
}

// bounded gives a filter without any bound one that all deliveries are within: what was
// asked for is all.
func bounded(f durable.Filter) durable.Filter {
	if f.From.IsZero() {
		f.From = time.Unix(1, 0)
	}
	return f
}
