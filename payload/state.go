package payload

import "github.com/ringhook/webhook/internal/field"

// WebhookEvents is what the types of events about webhooks themselves begin with. Package
// queue draws no conclusions from how these were delivered; see its Config.OnState.
const WebhookEvents = "webhook:"

// EventWebhookState is the event type of a [WebhookState].
const EventWebhookState = WebhookEvents + "state"

// A WebhookState tells a customer how one of his webhooks is treated from now on, such as
// that nothing is sent to it any more. It goes to another of his webhooks: package queue's
// StateChange makes it.
type WebhookState struct {
	ID string `json:"id" doc:"Id of the webhook whose state has changed"`
	// State and Was are states of package queue, as texts.
	State string `json:"state" doc:"State from now on: healthy, throttled, resting, paused, disabled"`
	Was   string `json:"was" doc:"State until now"`
	// Reason is a person's, or "gone" or "failing" where the queue has decided.
	Reason string `json:"reason" doc:"Why it was paused, disabled or enabled; gone: its server answered 410; failing: it has failed for too long" absent:"unless somebody has given one"`
	// Class and StatusCode are those of package webhook's Attempt.
	Class      string `json:"class" doc:"What was wrong with the last attempt: status, timeout, ..." absent:"unless an attempt has changed the state"`
	StatusCode Int    `json:"status_code" doc:"What the server answered to the last attempt, such as 503" absent:"unless an attempt has changed the state"`
	At         Time   `json:"at" doc:"Time of the change"`

	extra, envelopeExtra extra
}

// EventType returns [EventWebhookState].
func (WebhookState) EventType() string { return EventWebhookState }

// Subject returns the webhook's id: with an order, its states arrive one after another.
func (s WebhookState) Subject() (id string, rank int) { return s.ID, 0 }

// MarshalJSON writes the body: {"event","payload"}.
func (s WebhookState) MarshalJSON() ([]byte, error) { return stateEnvelopes.appendJSON(nil, &s), nil }

// UnmarshalJSON reads a body and overwrites all of s.
func (s *WebhookState) UnmarshalJSON(b []byte) error { return unmarshal(stateEnvelopes, s, b) }

var states = newObject(
	func(s *WebhookState) *extra { return &s.extra },
	text(func(s *WebhookState) (*string, extra) { return &s.ID, s.extra }),
	text(func(s *WebhookState) (*string, extra) { return &s.State, s.extra }),
	text(func(s *WebhookState) (*string, extra) { return &s.Was, s.extra }),
	text(func(s *WebhookState) (*string, extra) { return &s.Reason, s.extra }),
	text(func(s *WebhookState) (*string, extra) { return &s.Class, s.extra }),
	scalar(intNumber, func(s *WebhookState) (*Int, extra) { return &s.StatusCode, s.extra }),
	scalar(instant, func(s *WebhookState) (*Time, extra) { return &s.At, s.extra }),
)

var stateEnvelopes = newEnvelope(states,
	func(s *WebhookState) *extra { return &s.envelopeExtra },
	func(*WebhookState) *string { event := EventWebhookState; return &event },
	WebhookState.EventType)

func init() { field.Register(stateEnvelopes.typ, stateEnvelopes.appendJSON) }
