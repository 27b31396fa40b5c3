package panel

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/queue"
)

// hookInput is a webhook as programs send it. A value that is the mask means that of Version.
type hookInput struct {
	webhook.Webhook
	Version int `json:"version"` // of an update: the one that is replaced
	Sample  int `json:"sample"`  // of a test
}

// read reads the JSON of a request.
func (c *call) read(into any) error {
	text, err := io.ReadAll(c.r.Body)
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return errTooLarge
	case err != nil || !utf8.Valid(text): // of which the decoder would make something else
		return errForm
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return errForm
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errForm
	}
	return nil
}

// readHook reads a webhook. Its ID is that of the path: one in the body would be another way
// to a webhook.
func (c *call) readHook() (hookForm, error) {
	var in hookInput
	if err := c.own(); err != nil {
		return hookForm{}, err
	}
	if err := c.read(&in); err != nil {
		return hookForm{}, err
	}
	id := c.r.PathValue("id")
	if in.ID != "" && in.ID != id {
		return hookForm{}, errForm
	}
	in.ID = id
	return hookForm{Webhook: in.Webhook, Version: in.Version, Base: in.Version, Sample: in.Sample, Whole: true}, nil
}

// own returns an error if the path has the ID of a webhook that is not there: of such one
// nothing else is said.
func (c *call) own() error {
	if c.r.PathValue("id") == "" {
		return nil
	}
	_, err := c.webhooks.Get(c.ctx, c.r.PathValue("id"))
	return err
}

// maskedDefinition is a definition without credentials.
func maskedDefinition(d durable.Definition) durable.Definition {
	d.Webhook = masked(d.Webhook)
	return d
}

// apiHooks answers with a page of webhooks.
func (c *call) apiHooks() error {
	values := c.r.URL.Query()
	page, err := c.webhooks.List(c.ctx, durable.WebhookFilter{
		Tenant: values.Get("tenant"), State: queue.EndpointState(values.Get("state")), Text: values.Get("text"),
		Limit: pageSize, After: values.Get("after"),
	})
	if err != nil {
		return err
	}
	for i, d := range page.Webhooks {
		page.Webhooks[i] = c.shown(d)
	}
	if page.Webhooks == nil {
		page.Webhooks = []durable.Definition{}
	}
	return c.json(page)
}

// shown is a definition as who asks may see it: without the right Bodies, only where it sends
// to.
func (c *call) shown(d durable.Definition) durable.Definition {
	d = maskedDefinition(d)
	if !c.may(Bodies) && !c.may(Edit) {
		d.URL, d.Headers, d.Body, d.When, d.Auth = originOf(d.URL), nil, "", "", nil
	}
	return d
}

// apiHook answers with a webhook, or with a version of it.
func (c *call) apiHook() error {
	d, err := c.webhooks.Get(c.ctx, c.r.PathValue("id"))
	if err != nil {
		return err
	}
	return c.json(c.shown(d))
}

func (c *call) apiVersion() error {
	n, err := strconv.Atoi(c.r.PathValue("version"))
	if err != nil {
		return errForm
	}
	d, err := c.webhooks.Version(c.ctx, c.r.PathValue("id"), n)
	if err != nil {
		return err
	}
	return c.json(c.shown(d))
}

// apiStore stores a webhook, or answers with its problems.
func (c *call) apiStore() error {
	f, err := c.readHook()
	if err != nil {
		return err
	}
	d, problems, err := c.store(f)
	if err != nil {
		return err
	}
	if len(problems) > 0 {
		return c.problems(c.allProblems(f.Webhook, problems))
	}
	status := http.StatusOK
	if f.ID == "" {
		status = http.StatusCreated
	}
	return c.send(status, "application/json", maskedDefinition(d))
}

// problems answers with why a webhook was not stored.
func (c *call) problems(list []webhook.Problem) error {
	f := failure{http.StatusUnprocessableEntity, "template"}
	return c.send(f.status, "application/problem+json", struct {
		problem
		Problems []webhook.Problem `json:"problems"`
	}{
		problem{"about:blank", c.text("error.template.title"), f.status, f.code, c.text("error.template.text")}, list,
	})
}

// A judgement is what a webhook would do, as programs see it.
type judgement struct {
	Problems []webhook.Problem `json:"problems"`
	Requests []requestPreview  `json:"requests"` // one for each sample event
}

type requestPreview struct {
	Event    string      `json:"event"`
	Method   string      `json:"method,omitempty"`
	URL      string      `json:"url,omitempty"`
	Header   []headerRow `json:"header,omitempty"`
	Body     string      `json:"body,omitempty"`
	Cut      bool        `json:"truncated,omitempty"`
	Error    string      `json:"error,omitempty"`
	Unwanted bool        `json:"unwanted,omitempty"`
}

// apiCheck tells what a webhook would do. It stores nothing.
func (c *call) apiCheck() error {
	f, err := c.readHook()
	if err != nil {
		return err
	}
	page := hookPage{Form: f}
	c.addPreviews(&page)
	answer := judgement{append([]webhook.Problem{}, c.check(f.Webhook)...), []requestPreview{}}
	for _, p := range page.Previews {
		answer.Requests = append(answer.Requests, requestPreview{p.Event, p.Method, p.URL, p.Header, p.Body, p.Cut, p.Err, p.Unwanted})
	}
	return c.json(answer)
}

// apiCompare says what a change makes of the last events.
func (c *call) apiCompare() error {
	f, err := c.readHook()
	if err != nil {
		return err
	}
	hook, problems, err := c.complete(f)
	if err != nil {
		return err
	}
	if len(problems) > 0 {
		return c.problems(problems)
	}
	comparison, err := c.compare(hook)
	if err != nil {
		return err
	}
	return c.json(comparison)
}

// apiState enables, pauses or disables a webhook.
func (c *call) apiState() error {
	var in struct {
		Reason string `json:"reason"`
	}
	if err := c.own(); err != nil {
		return err
	}
	if err := c.read(&in); err != nil {
		return err
	}
	if err := c.setState(c.r.PathValue("id"), c.r.PathValue("state"), strings.TrimSpace(in.Reason)); err != nil {
		return err
	}
	return c.apiHook()
}

// apiDelete deletes a webhook for good.
func (c *call) apiDelete() error {
	if err := c.webhooks.Delete(c.ctx, c.r.PathValue("id")); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// A testResult is what came of a test, as programs see it.
type testResult struct {
	ID       string `json:"id"`
	Event    string `json:"event"`
	Status   int    `json:"status,omitempty"`
	Class    string `json:"class,omitempty"`
	Millis   int64  `json:"ms"`
	Answer   string `json:"answer,omitempty"`
	Error    string `json:"error,omitempty"`
	Unwanted bool   `json:"unwanted,omitempty"`
}

// apiTest sends the stored version once, with a sample event.
func (c *call) apiTest() error {
	var in struct {
		Sample int `json:"sample"`
	}
	if err := c.own(); err != nil {
		return err
	}
	if err := c.read(&in); err != nil {
		return err
	}
	t, _, err := c.test(in.Sample)
	if err != nil {
		return err
	}
	reason := t.Err
	if reason == "" {
		reason = t.Why
	}
	return c.json(testResult{
		t.ID, t.Event, t.Attempt.Status, string(t.Attempt.Class), t.Attempt.Duration.Milliseconds(), t.Answer, reason, t.Unwanted,
	})
}

// apiRecomposeHook composes the events of what failed again.
func (c *call) apiRecomposeHook() error {
	n, err := c.recomposeFailed()
	if err != nil {
		return err
	}
	return c.json(struct {
		Recomposed int `json:"recomposed"`
	}{n})
}

// apiRotate makes a new secret and answers with it.
func (c *call) apiRotate() error {
	var in struct {
		Overlap string `json:"overlap"`
	}
	if err := c.own(); err != nil {
		return err
	}
	if err := c.read(&in); err != nil {
		return err
	}
	overlap, err := time.ParseDuration(in.Overlap)
	if err != nil || overlap < 0 || overlap > maxOverlap {
		return errForm
	}
	secret, err := c.webhooks.Rotate(c.ctx, c.r.PathValue("id"), overlap)
	if err != nil {
		return err
	}
	return c.json(struct {
		Secret string `json:"secret"`
	}{secret.Reveal()})
}
