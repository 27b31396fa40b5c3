package panel

import (
	"bytes"
	"errors"
	"mime"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/payload"
)

// difference returns the newest request that differs, as the stored webhook makes it and as
// the one of a form does. In both, credentials are masked. It is nil where the event cannot
// be composed here.
func (c *call) difference(comparison durable.Comparison, hook webhook.Webhook) ([]change, error) {
	if comparison.First == nil {
		return nil, nil
	}
	raw, err := c.deliveries.Event(c.ctx, comparison.First.ID)
	switch {
	case errors.Is(err, durable.ErrNoEvent), errors.Is(err, durable.ErrSealed), errors.Is(err, webhook.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	}
	var event webhook.Event = raw
	if known, err := payload.ParseAs(raw.Type, raw.JSON); err == nil {
		event = known
	}
	stored, err := c.webhooks.Get(c.ctx, hook.ID)
	if err != nil {
		return nil, err
	}
	before, after := c.composed(masked(stored.Webhook), event), c.composed(masked(hook), event)
	if before == nil || after == nil {
		return nil, nil
	}
	var list []change
	add := func(field, a, b string) {
		if a != b {
			list = append(list, change{field, a, b})
		}
	}
	add("field.method", before.Method, after.Method)
	add("field.url", before.URL, after.URL)
	add("field.headers", headerLines(before), headerLines(after))
	add("field.body", bodyText(before), bodyText(after))
	return list, nil
}

// composed is what a webhook makes of an event, or nil.
func (c *call) composed(hook webhook.Webhook, event webhook.Event) *webhook.Message {
	composer, err := webhook.Compile(hook) // samples need not know what a real event has
	if err != nil {
		return nil
	}
	m, err := composer.ComposeID("example", event)
	if err != nil {
		return nil
	}
	// The boundary is another one each time.
	mediaType, parameters, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if boundary := parameters["boundary"]; err == nil && boundary != "" {
		m.Body = bytes.ReplaceAll(m.Body, []byte(boundary), []byte("boundary"))
		m.Header.Set("Content-Type", mediaType)
	}
	return m
}

func headerLines(m *webhook.Message) string {
	headers := map[string]string{}
	for name := range m.Header {
		headers[name] = m.Header.Get(name)
	}
	return headerText(headers)
}

// bodyText is the beginning of a body, JSON with a line for each member.
func bodyText(m *webhook.Message) string { return indented(m.Body[:min(len(m.Body), maxShown)]) }
