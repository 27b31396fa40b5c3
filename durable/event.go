package durable

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/payload"
)

// ErrNoEvent is wrapped by the error of Recompose for a delivery beside which no event is
// kept: [Config] DiscardEvents was set, it was not dispatched by [Webhooks], or it was
// erased, by [Engine.Erase] or after [Retention] Bodies.
var ErrNoEvent = errors.New("no event is kept with the delivery")

// A keptEvent is an event as it is stored beside its message.
type keptEvent struct {
	eventType string
	json      []byte
	shared    string // the ID of the shared event that json is of; empty: it has its own
}

// onlyJSON composes the JSON form of an event.
var onlyJSON = webhook.MustCompile(webhook.Webhook{URL: "https://event.invalid/"})

// keep returns the event as it is stored; nil if it has no JSON form. made is what was
// composed of it, which may have that form already.
func (c *composer) keep(event webhook.Event, made entry) *keptEvent {
	m := made.Message
	if made.fault == nil && c.plain {
		return &keptEvent{eventType: m.Event, json: m.Body}
	}
	m, err := onlyJSON.Compose(event)
	if err == nil {
		return &keptEvent{eventType: m.Event, json: m.Body}
	}
	if !errors.Is(err, webhook.ErrLimit) {
		return nil
	}
	// Larger than a message may be, of which a template may take less.
	form, err := largeJSON(event)
	if err != nil {
		return nil
	}
	return &keptEvent{eventType: event.EventType(), json: form}
}

func largeJSON(event webhook.Event) ([]byte, error) {
	switch e := event.(type) {
	case webhook.RawEvent:
		return e.JSON, nil
	case *webhook.RawEvent:
		return e.JSON, nil
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(event)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// isPlain reports whether a webhook's messages have the JSON form of the event as their
// body.
func isPlain(w webhook.Webhook) bool {
	return w.Body == "" && w.Method != http.MethodGet && (w.Format == "" || w.Format == webhook.FormatJSON)
}

// event makes the event again that was stored.
func (e *Engine[T]) event(kept *keptEvent) (webhook.Event, error) {
	if e.config.Decode != nil {
		return e.config.Decode(kept.eventType, kept.json)
	}
	raw := webhook.RawEvent{Type: kept.eventType, JSON: kept.json}
	event, err := payload.ParseAs(kept.eventType, kept.json)
	if err != nil {
		return raw, nil
	}
	// It may have been an event of the embedder's own that only has the same type.
	if form, err := onlyJSON.Compose(event); err != nil || !bytes.Equal(form.Body, kept.json) {
		return raw, nil
	}
	return event, nil
}

// ContentID returns the ID for the message that reports event to a webhook, for
// DispatchID: see [webhook.ContentID], whose error it returns. It is for producers that
// may report an event twice, and for events that have an id or a time of their own. An ID
// is one message's: the id of a call or a message, which is reported on several times and
// perhaps to several webhooks, is none.
//
// With an IndexKey, it is keyed with that: only who has the key can tell from an ID
// whether an event is the one that he guesses.
//
// A repetition is known as long as the delivery is kept: after its [Retention] it is new.
func (w *Webhooks[T]) ContentID(webhookID string, event webhook.Event) (string, error) {
	id, err := webhook.ContentID(webhookID, event)
	if key := w.engine.key; err == nil && key.macs != nil {
		id = base64.RawURLEncoding.EncodeToString(key.sum(kindID, []byte(id)))
	}
	return id, err
}
