package panel

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
)

// A subscriptionPage shows what a webhook is subscribed to.
type subscriptionPage struct {
	Hook     hookRow
	Rev      int
	Rows     []subscriptionRow
	Known    []string // types of events
	Faults   []webhook.Problem
	Conflict bool
	Note     string
	Changes  []subscriptionChange
}

// A subscriptionRow is a subscription as people write it: one event or identity a line.
type subscriptionRow struct {
	N                  int // from 1
	Events, Identities string
}

// A subscriptionChange is one of the history of a webhook's subscriptions.
type subscriptionChange struct {
	durable.SubscriptionSet
	Current bool
	Rows    []subscriptionRow
}

// maxSubscriptionRows is how many subscriptions a form may have.
const maxSubscriptionRows = 100

// showSubscriptions shows what a webhook is subscribed to.
func (c *call) showSubscriptions() error {
	return c.renderSubscriptions(http.StatusOK, subscriptionPage{Note: c.note()}, nil)
}

// renderSubscriptions shows the rows of a form, or, if there are none, what is stored.
func (c *call) renderSubscriptions(status int, page subscriptionPage, rows []subscriptionRow) error {
	d, err := c.webhooks.Get(c.ctx, c.r.PathValue("id"))
	if err != nil {
		return err
	}
	if page.Hook, err = c.hookRow(d); err != nil {
		return err
	}
	set, err := c.webhooks.Subscriptions(c.ctx, d.ID)
	if err != nil {
		return err
	}
	changes, err := c.webhooks.SubscriptionChanges(c.ctx, d.ID, 0, maxVersions)
	if err != nil && !errors.Is(err, durable.ErrSealed) { // with a key that is gone, older ones are not shown
		return err
	}
	for _, change := range changes {
		page.Changes = append(page.Changes, subscriptionChange{change, change.Rev == set.Rev, c.rowsOf(change.Subscriptions)})
	}
	if len(page.Faults) == 0 { // saving after a conflict replaces what it shows, knowingly
		page.Rev = set.Rev
	}
	if page.Rows = rows; rows == nil {
		page.Rows = c.rowsOf(set.Subscriptions)
	}
	if c.may(Edit) && len(page.Rows) < maxSubscriptionRows {
		page.Rows = append(page.Rows, subscriptionRow{N: len(page.Rows) + 1})
	}
	for _, sample := range c.config.Samples {
		page.Known = append(page.Known, sample.EventType())
	}
	slices.Sort(page.Known)
	page.Known = slices.Compact(page.Known)
	return c.renderView(status, "subscriptions", c.view("subscriptions.title", page))
}

// rowsOf returns subscriptions as who asks may see them.
func (c *call) rowsOf(all []webhook.Subscription) []subscriptionRow {
	var rows []subscriptionRow
	for i, s := range all {
		s = c.shownSubscription(s)
		rows = append(rows, subscriptionRow{i + 1, strings.Join(s.Events, "\n"), strings.Join(s.Identities, "\n")})
	}
	return rows
}

// shownSubscription is a subscription as who asks may see it: an identity may be a number,
// which is for those who may see bodies or change it.
func (c *call) shownSubscription(s webhook.Subscription) webhook.Subscription {
	if c.may(Bodies) || c.may(Edit) {
		return s
	}
	s.Identities = slices.Clone(s.Identities)
	for i, identity := range s.Identities {
		if kind, _, ok := strings.Cut(identity, ":"); ok {
			s.Identities[i] = kind + ":" + webhook.Mask
		}
	}
	return s
}

// setSubscriptions stores what a form has.
func (c *call) setSubscriptions() error {
	if err := c.own(); err != nil {
		return err
	}
	if err := c.form(); err != nil {
		return err
	}
	values := c.r.PostForm
	rev, err := strconv.Atoi(values.Get("rev"))
	events, identities := values["events"], values["identities"]
	if err != nil || len(events) != len(identities) || len(events) > 2*maxSubscriptionRows {
		return errForm
	}
	rows, all := []subscriptionRow{}, []webhook.Subscription{}
	for i := range events {
		row := subscriptionRow{len(rows) + 1, lineEnds(events[i]), lineEnds(identities[i])}
		s := webhook.Subscription{Events: lines(row.Events), Identities: lines(row.Identities)}
		if len(s.Events)+len(s.Identities) > 0 {
			rows, all = append(rows, row), append(all, s)
		}
	}
	_, problems, err := c.storeSubscriptions(rev, all)
	switch {
	case len(problems) > 0:
		return c.renderSubscriptions(http.StatusUnprocessableEntity, subscriptionPage{Faults: problems, Rev: rev}, rows)
	case errors.Is(err, durable.ErrConflict):
		return c.renderSubscriptions(http.StatusConflict, subscriptionPage{Conflict: true}, rows)
	case err != nil:
		return err
	}
	return c.redirect("webhooks/" + url.PathEscape(c.r.PathValue("id")) + "/subscriptions?note=subscribed&n=1")
}

// lines returns the lines of a text that have something.
func lines(text string) (list []string) {
	for line := range strings.SplitSeq(text, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			list = append(list, line)
		}
	}
	return list
}

// storeSubscriptions stores all that the webhook is to be subscribed to, or returns what is
// wrong with it.
func (c *call) storeSubscriptions(
	rev int, all []webhook.Subscription,
) (durable.SubscriptionSet, []webhook.Problem, error) {
	if problems := c.checkSubscriptions(all); len(problems) > 0 {
		return durable.SubscriptionSet{}, problems, nil
	}
	set, err := c.webhooks.SetSubscriptions(c.ctx, c.r.PathValue("id"), rev, all)
	if errors.Is(err, durable.ErrSubscription) { // there are more than the engine keeps
		return set, []webhook.Problem{c.ownProblem("subscriptions", "many")}, nil
	}
	return set, nil, err
}

// checkSubscriptions says what is wrong, by the line.
func (c *call) checkSubscriptions(all []webhook.Subscription) (problems []webhook.Problem) {
	bad := func(i int, field, code string, line int) {
		place := fmt.Sprintf("subscriptions[%d].%s", i, field)
		args := []any{i + 1}
		if line >= 0 {
			place, args = fmt.Sprintf("%s[%d]", place, line), append(args, line+1)
		}
		problems = append(problems, c.ownProblem(place, code, args...))
	}
	for i, s := range all {
		known := len(problems)
		if len(s.Events) == 0 {
			bad(i, "events", "no_events", -1)
		}
		for line, events := range s.Events {
			if (webhook.Subscription{WebhookID: "any", Events: []string{events}}).Check() != nil {
				bad(i, "events", "events", line)
			}
		}
		for line, identity := range s.Identities {
			one := webhook.Subscription{WebhookID: "any", Events: []string{"*"}, Identities: []string{identity}}
			if one.Check() != nil {
				bad(i, "identities", "identities", line)
			}
		}
		s.WebhookID = "any"
		if len(problems) == known && s.Check() != nil {
			problems = append(problems, c.ownProblem(fmt.Sprintf("subscriptions[%d]", i), "many"))
		}
		if len(problems) >= maxFaults {
			return problems[:maxFaults]
		}
	}
	return problems
}

// apiSubscriptions answers with what a webhook is subscribed to.
func (c *call) apiSubscriptions() error {
	set, err := c.webhooks.Subscriptions(c.ctx, c.r.PathValue("id"))
	if err != nil {
		return err
	}
	return c.jsonSubscriptions(set)
}

func (c *call) jsonSubscriptions(set durable.SubscriptionSet) error {
	for i, s := range set.Subscriptions {
		set.Subscriptions[i] = c.shownSubscription(s)
	}
	return c.json(set)
}

// apiSetSubscriptions replaces all that a webhook is subscribed to.
func (c *call) apiSetSubscriptions() error {
	var in struct {
		Rev           int                    `json:"rev"`
		Subscriptions []webhook.Subscription `json:"subscriptions"`
	}
	if err := c.own(); err != nil {
		return err
	}
	if err := c.read(&in); err != nil {
		return err
	}
	for i := range in.Subscriptions { // one in the body would be another way to a webhook
		if id := &in.Subscriptions[i].WebhookID; *id != "" && *id != c.r.PathValue("id") {
			return errForm
		}
	}
	set, problems, err := c.storeSubscriptions(in.Rev, in.Subscriptions)
	switch {
	case err != nil:
		return err
	case len(problems) > 0:
		return c.problems(problems)
	}
	return c.jsonSubscriptions(set)
}
