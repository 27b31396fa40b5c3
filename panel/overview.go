package panel

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/queue"
)

const (
	maxLooked   = 1000 // webhooks whose state the overview looks at
	maxTallied  = 50   // webhooks for which it reads figures of their own
	maxListed   = 10   // rows of its lists
	maxOldest   = 1000 // pending deliveries among which it looks for the oldest
	chartHeight = 100
	// A success is known of a webhook about a minute later. One that fails for less than this
	// may have had one.
	failingFor = 2 * time.Minute
)

// An overview is what the first page shows.
type overview struct {
	Days  int // how many the figures are of
	Spans []choice

	Delivered, Failed, Dropped int // about
	Share                      string
	Pending                    durable.Number
	Oldest                     time.Time // when the oldest pending one was accepted; zero: not known, or none
	OldestRow                  *row      // that one, if it is known
	Chart                      chart
	Troubled                   []troubled
	MoreTroubled               bool // there are, or may be, more
	Looked                     int  // how many webhooks were looked at, if there are more
	Busiest                    []busy
	Waiting                    bool // Busiest are those with the most pending, not the most traffic
}

// A troubled webhook is one that does not get everything at once.
type troubled struct {
	ID, Name      string
	Shape, Word   string
	Reason, Actor string
	Since         time.Time
}

// A busy webhook is one of those with the most traffic.
type busy struct {
	ID, Name          string
	Delivered, Failed int
	Pending           int
}

// showOverview shows how things are.
func (c *call) showOverview() error {
	o, err := c.overview(time.Now(), c.days())
	if err != nil {
		return err
	}
	return c.render("overview", "overview.title", o)
}

// days is how many days the figures are asked for of.
func (c *call) days() int {
	if c.r.URL.Query().Get("days") == "7" {
		return 7
	}
	return 1
}

// Version is another one whenever a number or a webhook has changed: what is due, which is
// told in words, goes on without that.
func (o overview) Version() string {
	id := ""
	if o.OldestRow != nil {
		id = o.OldestRow.ID
	}
	o.OldestRow, o.Spans = nil, nil
	return version([]any{o, id})
}

func (c *call) overview(now time.Time, days int) (overview, error) {
	o := overview{Days: days}
	for _, days := range []int{1, 7} {
		text := strconv.Itoa(days)
		o.Spans = append(o.Spans, choice{text, "overview.days." + text, days == o.Days})
	}
	from := now.Add(-time.Duration(o.Days) * 24 * time.Hour).UTC().Truncate(time.Hour).Add(time.Hour)
	tallies, err := c.deliveries.Tallies(c.ctx, "", from, now)
	if err != nil {
		return o, err
	}
	for _, t := range tallies {
		o.Delivered, o.Failed, o.Dropped = o.Delivered+t.Delivered, o.Failed+t.Failed, o.Dropped+t.Dropped
	}
	o.Share = share(o.Delivered, o.Failed)
	o.Chart = newChart(tallies, from, time.Duration(o.Days)*time.Hour, 24)
	if err := c.pending(&o, now); err != nil {
		return o, err
	}
	hooks, err := c.troubled(&o, now)
	if err != nil {
		return o, err
	}
	return o, c.busiest(&o, hooks, from, now)
}

// pending adds what waits.
func (c *call) pending(o *overview, now time.Time) error {
	f := durable.Filter{State: durable.StatePending}
	counts, err := c.deliveries.Count(c.ctx, f)
	if err != nil {
		return err
	}
	o.Pending = counts.States[durable.StatePending]
	if n := o.Pending.N; n == 0 || n > maxOldest {
		return nil
	}
	f.Limit = maxOldest
	page, err := c.deliveries.List(c.ctx, f)
	if err != nil || len(page.Deliveries) == 0 {
		return err
	}
	oldest := page.Deliveries[len(page.Deliveries)-1]
	names, err := c.hookNames([]durable.Delivery{oldest})
	if err != nil {
		return err
	}
	r := c.row(oldest, names, now)
	o.Oldest, o.OldestRow = oldest.Created, &r
	return nil
}

// troubled adds the webhooks that do not get everything at once, and returns all that were
// looked at.
func (c *call) troubled(o *overview, now time.Time) ([]durable.Definition, error) {
	page, err := c.webhooks.List(c.ctx, durable.WebhookFilter{Limit: maxLooked})
	if err != nil {
		return nil, err
	}
	if page.Next != "" {
		o.Looked = len(page.Webhooks)
	}
	for _, d := range page.Webhooks {
		t := troubled{ID: d.ID, Name: hookName(d), Shape: string(d.State), Reason: c.whyState(d), Actor: d.Actor, Since: d.Since}
		switch state := c.queueState(d.ID); {
		case d.State == queue.StateDisabled, d.State == queue.StatePaused:
		case state == queue.StateResting, state == queue.StateThrottled:
			t.Shape, t.Reason, t.Actor, t.Since = string(state), c.text("overview."+string(state)), "", d.FailingSince
		case !d.FailingSince.IsZero() && now.Sub(d.FailingSince) > failingFor:
			t.Shape, t.Reason, t.Actor, t.Since = "failing", c.text("overview.failing"), "", d.FailingSince
		default:
			continue
		}
		t.Word = c.text("hook." + t.Shape)
		o.Troubled = append(o.Troubled, t)
	}
	slices.SortStableFunc(o.Troubled, func(a, b troubled) int { return b.Since.Compare(a.Since) })
	if len(o.Troubled) > maxListed {
		o.Troubled, o.MoreTroubled = o.Troubled[:maxListed], true
	}
	return page.Webhooks, nil
}

// queueState is how the queue of this process treats a webhook.
func (c *call) queueState(id string) queue.EndpointState {
	if c.config.Queue == nil {
		return ""
	}
	return c.config.Queue.State(id)
}

// busiest adds the webhooks with the most traffic or, if there are too many to read the
// figures of each, those with the most that waits.
func (c *call) busiest(o *overview, hooks []durable.Definition, from, now time.Time) error {
	if len(hooks) > maxTallied {
		return c.waiting(o)
	}
	for _, hook := range hooks {
		tallies, err := c.deliveries.Tallies(c.ctx, hook.ID, from, now)
		if err != nil {
			return err
		}
		b := busy{ID: hook.ID, Name: hookName(hook)}
		for _, t := range tallies {
			b.Delivered, b.Failed = b.Delivered+t.Delivered, b.Failed+t.Failed
		}
		if b.Delivered+b.Failed > 0 {
			o.Busiest = append(o.Busiest, b)
		}
	}
	slices.SortStableFunc(o.Busiest, func(a, b busy) int { return cmp.Compare(b.Delivered+b.Failed, a.Delivered+a.Failed) })
	o.Busiest = o.Busiest[:min(len(o.Busiest), maxListed)]
	return nil
}

// waiting adds the endpoints with the most that waits. The queue knows those of all tenants.
func (c *call) waiting(o *overview) error {
	if c.config.Queue == nil || !c.access.All {
		return nil
	}
	stats, err := c.config.Queue.Stats(c.ctx)
	if err != nil {
		return err
	}
	o.Waiting = true
	if o.OldestRow == nil {
		o.Oldest = stats.Oldest
	}
	for _, endpoint := range stats.Busiest[:min(len(stats.Busiest), maxListed)] {
		b := busy{ID: endpoint.Key, Name: endpoint.Key, Pending: endpoint.Pending + endpoint.InFlight}
		switch hook, err := c.webhooks.Get(c.ctx, endpoint.Key); {
		case err == nil:
			b.Name = hookName(hook)
		case !errors.Is(err, webhook.ErrNotFound) && !errors.Is(err, durable.ErrSealed):
			return err
		}
		o.Busiest = append(o.Busiest, b)
	}
	return nil
}

// share is how much of all was delivered, in percent, never 100 if anything failed.
func share(delivered, failed int) string {
	if delivered+failed == 0 {
		return ""
	}
	tenths := delivered * 1000 / (delivered + failed)
	return strconv.FormatFloat(float64(tenths)/10, 'f', -1, 64) + " %"
}

// A chart is a row of bars: what was delivered, and on top of it what failed.
type chart struct {
	Bars  []bar
	Width int // of the drawing; its height is 100
	Most  int // what the whole height means; zero: there is nothing
	First time.Time
}

type bar struct {
	From, To          time.Time
	Delivered, Failed int
	X                 int
	// In units of the drawing, from the top.
	GoodY, Good, BadY, Bad int
}

// newChart draws tallies, in steps from a time on.
func newChart(tallies []durable.Tally, from time.Time, step time.Duration, steps int) chart {
	const width = 10
	c := chart{Bars: make([]bar, steps), Width: width * steps, First: from}
	for i := range c.Bars {
		c.Bars[i].From = from.Add(time.Duration(i) * step)
		c.Bars[i].To, c.Bars[i].X = c.Bars[i].From.Add(step), i*width+1
	}
	for _, t := range tallies {
		if i := int(t.Hour.Sub(from) / step); i >= 0 && i < steps && !t.Hour.Before(from) {
			c.Bars[i].Delivered += t.Delivered
			c.Bars[i].Failed += t.Failed
			c.Most = max(c.Most, c.Bars[i].Delivered+c.Bars[i].Failed)
		}
	}
	if c.Most == 0 {
		return c
	}
	height := func(n int) int {
		if n == 0 {
			return 0
		}
		return max(2, n*chartHeight/c.Most) // seen, however few
	}
	for i := range c.Bars {
		b := &c.Bars[i]
		b.Bad = height(b.Failed)
		b.Good = min(height(b.Delivered), chartHeight-b.Bad)
		b.GoodY = chartHeight - b.Good
		b.BadY = b.GoodY - b.Bad
	}
	return c
}

// apiOverview answers with the figures of the overview.
func (c *call) apiOverview() error {
	now := time.Now()
	o, err := c.overview(now, c.days())
	if err != nil {
		return err
	}
	type hour struct {
		From      time.Time `json:"from"`
		Delivered int       `json:"delivered"`
		Failed    int       `json:"failed"`
	}
	type hook struct {
		ID     string    `json:"id"`
		Name   string    `json:"name"`
		State  string    `json:"state"`
		Reason string    `json:"reason"`
		Since  time.Time `json:"since,omitzero"`
	}
	answer := struct {
		Delivered int            `json:"delivered"`
		Failed    int            `json:"failed"`
		Dropped   int            `json:"dropped"`
		Pending   durable.Number `json:"pending"`
		Oldest    time.Time      `json:"oldest,omitzero"`
		Chart     []hour         `json:"chart"`
		Troubled  []hook         `json:"troubled"`
	}{o.Delivered, o.Failed, o.Dropped, o.Pending, o.Oldest, []hour{}, []hook{}}
	for _, b := range o.Chart.Bars {
		answer.Chart = append(answer.Chart, hour{b.From, b.Delivered, b.Failed})
	}
	for _, t := range o.Troubled {
		answer.Troubled = append(answer.Troubled, hook{t.ID, t.Name, t.Shape, t.Reason, t.Since})
	}
	return c.json(answer)
}
