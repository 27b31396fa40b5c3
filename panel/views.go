package panel

import (
	"context"
	"time"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
)

// Deliveries is what the panel needs of a [durable.History], which says what the methods
// do. It must be safe for concurrent use.
type Deliveries interface {
	List(ctx context.Context, f durable.Filter) (durable.Page, error)
	Count(ctx context.Context, f durable.Filter) (durable.Counts, error)
	Get(ctx context.Context, id string) (durable.Delivery, error)
	Message(ctx context.Context, id string) (*webhook.Message, error)
	Event(ctx context.Context, id string) (webhook.RawEvent, error)
	Attempts(ctx context.Context, id string) ([]durable.Attempt, error)
	Resend(ctx context.Context, id string) error
	ResendMatching(ctx context.Context, f durable.Filter, limit int) (int, error)
	RetryNow(ctx context.Context, id string) error
	Cancel(ctx context.Context, id string) (bool, error)
	Tallies(ctx context.Context, webhookID string, from, to time.Time) ([]durable.Tally, error)
}

// Webhooks is what the panel needs of [durable.Hooks], which says what the methods do. It
// must be safe for concurrent use.
type Webhooks interface {
	List(ctx context.Context, f durable.WebhookFilter) (durable.WebhookPage, error)
	Get(ctx context.Context, id string) (durable.Definition, error)
	Version(ctx context.Context, id string, version int) (durable.Definition, error)
	Create(ctx context.Context, hook webhook.Webhook) (durable.Definition, error)
	Update(ctx context.Context, hook webhook.Webhook, version int) (durable.Definition, error)
	Enable(ctx context.Context, id, reason string) error
	Pause(ctx context.Context, id, reason string) error
	Disable(ctx context.Context, id, reason string) error
	Delete(ctx context.Context, id string) error
	Compare(ctx context.Context, hook webhook.Webhook, limit int) (durable.Comparison, error)
	RecomposeMatching(ctx context.Context, f durable.Filter, limit int) (int, error)
	Secrets(ctx context.Context, id string) ([]durable.StoredSecret, error)
	Rotate(ctx context.Context, id string, overlap time.Duration) (webhook.Secret, error)
	SetSecret(ctx context.Context, id string, secret webhook.Secret) (durable.StoredSecret, error)
	Recompose(ctx context.Context, id string) (durable.Delivery, error)
	Subscriptions(ctx context.Context, webhookID string) (durable.SubscriptionSet, error)
	SetSubscriptions(
		ctx context.Context, webhookID string, rev int, all []webhook.Subscription,
	) (durable.SubscriptionSet, error)
	SubscriptionChanges(ctx context.Context, webhookID string, before, limit int) ([]durable.SubscriptionSet, error)
}

var (
	_ Deliveries = (*durable.History)(nil)
	_ Webhooks   = (*durable.Hooks)(nil)
)
