package panel

import (
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
)

// setHook changes the state of a webhook, and goes back to its page.
func (c *call) setHook() error {
	if err := c.form(); err != nil {
		return err
	}
	id, state := c.r.PathValue("id"), c.r.PathValue("state")
	if err := c.setState(id, state, strings.TrimSpace(c.r.PostForm.Get("reason"))); err != nil {
		return err
	}
	return c.done(id, state+"d", 1)
}

// setState changes the state of a webhook. Who decided, and why, is kept with it.
func (c *call) setState(id, state, reason string) error {
	if len(reason) > maxReason {
		return errForm
	}
	switch state {
	case "enable":
		return c.webhooks.Enable(c.ctx, id, reason)
	case "pause":
		return c.webhooks.Pause(c.ctx, id, reason)
	case "disable":
		return c.webhooks.Disable(c.ctx, id, reason)
	}
	return errNoPage
}

const maxReason = 500 // bytes

// askDelete asks before a webhook is deleted.
func (c *call) askDelete() error {
	d, err := c.webhooks.Get(c.ctx, c.r.PathValue("id"))
	if err != nil {
		return err
	}
	row, err := c.hookRow(d)
	if err != nil {
		return err
	}
	return c.render("delete", "delete.title", row)
}

// deleteHook deletes a webhook for good.
func (c *call) deleteHook() error {
	if err := c.form(); err != nil {
		return err
	}
	if c.r.PostForm.Get("sure") != "yes" {
		return errForm
	}
	if err := c.webhooks.Delete(c.ctx, c.r.PathValue("id")); err != nil {
		return err
	}
	return c.redirect("webhooks?note=deleted&n=1")
}

// maxCompared is how many events a change is tried on.
const maxCompared = 1000

// compareHook says what a change would have made of the last events.
func (c *call) compareHook() error {
	f, problems, err := c.readForm()
	if err != nil {
		return err
	}
	hook, more, err := c.complete(f)
	if err != nil {
		return err
	}
	page := hookPage{Form: f}
	if problems = append(problems, more...); len(problems) > 0 {
		return c.again(http.StatusUnprocessableEntity, page, problems)
	}
	comparison, err := c.compare(hook)
	var refused *webhook.TemplateError
	switch {
	case err == nil:
		page.Comparison = &comparison
		if page.Differs, err = c.difference(comparison, f.Webhook); err != nil {
			return err
		}
	case !errors.As(err, &refused): // of which the form tells
		return err
	}
	return c.again(http.StatusOK, page, nil)
}

// compare compares a webhook with the stored one. Where they differ in what may be a
// credential, it does not tell at which byte: whoever tries one after the other would find
// the credential out.
func (c *call) compare(hook webhook.Webhook) (durable.Comparison, error) {
	comparison, err := c.webhooks.Compare(c.ctx, hook, maxCompared)
	if err != nil || comparison.First == nil {
		return comparison, err
	}
	d, err := c.webhooks.Get(c.ctx, hook.ID)
	if err != nil {
		return comparison, err
	}
	name, isHeader := strings.CutPrefix(comparison.First.Field, "headers.")
	if isHeader && webhook.SensitiveHeader(name) || comparison.First.Field == "url" && masked(d.Webhook).URL != d.URL {
		first := *comparison.First
		first.Offset = -1
		comparison.First = &first
	}
	return comparison, nil
}

// recomposeHook composes the events of what failed again, with the template of today.
func (c *call) recomposeHook() error {
	n, err := c.recomposeFailed()
	if err != nil {
		return err
	}
	return c.done(c.r.PathValue("id"), "recomposed", n)
}

func (c *call) recomposeFailed() (int, error) {
	if err := c.own(); err != nil {
		return 0, err
	}
	f := durable.Filter{WebhookID: c.r.PathValue("id"), State: durable.StateFailed}
	return c.webhooks.RecomposeMatching(c.ctx, f, maxResend)
}

// A test is what came of a request with a sample event.
type test struct {
	ID, Event string
	Attempt   webhook.Attempt
	Answer    string // of who may see bodies
	Why       string // why it failed
	Err       string // why there was no request
	Unwanted  bool
}

// testHook sends the stored version of a webhook once, with a sample event. Drafts are not
// sent: what is signed is what was saved.
func (c *call) testHook() error {
	if err := c.own(); err != nil {
		return err
	}
	if err := c.form(); err != nil {
		return err
	}
	sample, err := strconv.Atoi(c.r.PostForm.Get("sample"))
	if err != nil {
		return errForm
	}
	t, d, err := c.test(sample)
	if err != nil {
		return err
	}
	page := hookPage{Form: formOf(d), Test: &t}
	page.Form.Sample = sample
	return c.renderStored(http.StatusOK, page, d, nil)
}

// test sends a test of the webhook in the path, if there are not too many.
func (c *call) test(sample int) (test, durable.Definition, error) {
	if c.config.Client == nil {
		return test{}, durable.Definition{}, errNoPage
	}
	d, err := c.webhooks.Get(c.ctx, c.r.PathValue("id"))
	switch {
	case err != nil:
		return test{}, d, err
	case sample < 0 || sample >= len(c.config.Samples):
		return test{}, d, errForm
	case d.Unverified:
		return test{}, d, errUnverified // a test would reach whoever is there
	case !c.tests.allow(d.ID, time.Now()):
		return test{}, d, errTests
	}
	return c.sendTest(d, c.config.Samples[sample]), d, nil
}

func (c *call) sendTest(d durable.Definition, sample webhook.Event) test {
	t := test{ID: "test_" + rand.Text(), Event: sample.EventType()}
	c.config.Logger.InfoContext(c.ctx, "panel: test", slog.String("webhook", d.ID), slog.String("message", t.ID),
		slog.String("actor", c.access.Actor))
	composer, err := webhook.Compile(d.Webhook, c.config.Samples...)
	if err != nil {
		t.Err = err.Error()
		return t
	}
	m, err := composer.ComposeID(t.ID, sample)
	if err != nil {
		t.Unwanted = errors.Is(err, webhook.ErrUnwanted)
		t.Err = err.Error()
		return t
	}
	t.Attempt = c.config.Client.Try(c.ctx, m, 1)
	if a := t.Attempt; a.Err != nil {
		t.Why = c.failure(a.Code, a.Args, a.Class, a.Status)
	}
	if c.may(Bodies) {
		answer := c.config.Client.Redact(c.ctx, m, t.Attempt, t.Attempt.Body)
		t.Answer = strings.ToValidUTF8(string(answer), "\uFFFD")
	}
	return t
}

// testLimit is how many tests of a webhook there may be within testSpan.
const (
	testLimit = 10
	testSpan  = time.Minute
)

// tests are when tests were sent, by webhook.
type tests struct {
	mu   sync.Mutex
	sent map[string][]time.Time
}

// allow reports whether one more may be sent, and counts it.
func (t *tests) allow(id string, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.sent == nil {
		t.sent = map[string][]time.Time{}
	}
	for other, sent := range t.sent {
		for len(sent) > 0 && now.Sub(sent[0]) >= testSpan {
			sent = sent[1:]
		}
		if t.sent[other] = sent; len(sent) == 0 {
			delete(t.sent, other)
		}
	}
	if len(t.sent[id]) >= testLimit {
		return false
	}
	t.sent[id] = append(t.sent[id], now)
	return true
}
