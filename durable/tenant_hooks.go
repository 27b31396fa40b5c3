package durable

import (
	"context"
	"fmt"
	"time"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/queue"
)

// Hooks are the webhooks of one tenant, or of all: what an HTTP API needs of [Webhooks],
// without the type of its transactions. Everything of another tenant is as if it did not
// exist, except that no ID can be used twice. They are made by [Webhooks.Tenant] or
// [Webhooks.All], and safe for concurrent use.
type Hooks struct {
	history *History // has the scope
	hooks   definitions
}

// definitions is a [Webhooks] of any T.
type definitions interface {
	createOf(ctx context.Context, tenant string, hook webhook.Webhook) (Definition, error)
	Get(ctx context.Context, id string) (Definition, error)
	Version(ctx context.Context, id string, version int) (Definition, error)
	Update(ctx context.Context, hook webhook.Webhook, version int) (Definition, error)
	Delete(ctx context.Context, id string) error
	List(ctx context.Context, f WebhookFilter) (WebhookPage, error)
	setState(ctx context.Context, id string, state queue.EndpointState, reason string) error
	dispatch(ctx context.Context, webhookID, messageID string, event webhook.Event, again bool) error
	Compare(ctx context.Context, hook webhook.Webhook, limit int) (Comparison, error)
	Recompose(ctx context.Context, id string) (Delivery, error)
	RecomposeMatching(ctx context.Context, f Filter, limit int) (int, error)
	ContentID(webhookID string, event webhook.Event) (string, error)
	Secrets(ctx context.Context, id string) ([]StoredSecret, error)
	Rotate(ctx context.Context, id string, overlap time.Duration) (webhook.Secret, error)
	SetSecret(ctx context.Context, id string, secret webhook.Secret) (StoredSecret, error)
	Publish(ctx context.Context, p Publication, event webhook.Event) ([]Published, error)
	Subscribe(ctx context.Context, s webhook.Subscription) error
	Unsubscribe(ctx context.Context, s webhook.Subscription) error
	Subscriptions(ctx context.Context, webhookID string) (SubscriptionSet, error)
	SetSubscriptions(ctx context.Context, webhookID string, rev int, all []webhook.Subscription) (SubscriptionSet, error)
	SubscriptionChanges(ctx context.Context, webhookID string, before, limit int) ([]SubscriptionSet, error)
}

// Tenant returns the webhooks of one tenant. The error wraps [ErrTenant].
func (w *Webhooks[T]) Tenant(id string) (*Hooks, error) {
	history, err := w.engine.Tenant(id)
	if err != nil {
		return nil, errTenant("webhooks")
	}
	return &Hooks{history, w}, nil
}

// All returns the webhooks of all tenants, and those of none: for the operator.
func (w *Webhooks[T]) All() *Hooks { return &Hooks{w.engine.All(), w} }

// own returns the error for a webhook that is not the tenant's. A webhook never changes
// its tenant, and its ID is never free again: what is true now stays true.
func (h *Hooks) own(ctx context.Context, id string) error {
	own, err := h.history.ownWebhook(ctx, id)
	if err == nil && !own {
		err = webhook.ErrNotFound
	}
	if err != nil {
		return hookError(id, err)
	}
	return nil
}

// Create stores a new webhook of the tenant, as [Webhooks.Create] does; with All, of none.
func (h *Hooks) Create(ctx context.Context, hook webhook.Webhook) (Definition, error) {
	return h.hooks.createOf(ctx, h.history.tenant, hook)
}

// Get is [Webhooks.Get].
func (h *Hooks) Get(ctx context.Context, id string) (Definition, error) {
	if err := h.own(ctx, id); err != nil {
		return Definition{}, err
	}
	return h.hooks.Get(ctx, id)
}

// Version is [Webhooks.Version].
func (h *Hooks) Version(ctx context.Context, id string, version int) (Definition, error) {
	if err := h.own(ctx, id); err != nil {
		return Definition{}, err
	}
	return h.hooks.Version(ctx, id, version)
}

// Update is [Webhooks.Update].
func (h *Hooks) Update(ctx context.Context, hook webhook.Webhook, version int) (Definition, error) {
	if err := h.own(ctx, hook.ID); err != nil {
		return Definition{}, err
	}
	return h.hooks.Update(ctx, hook, version)
}

// Delete is [Webhooks.Delete].
func (h *Hooks) Delete(ctx context.Context, id string) error {
	if err := h.own(ctx, id); err != nil {
		return err
	}
	return h.hooks.Delete(ctx, id)
}

// List is [Webhooks.List]. A filter that has another Tenant is an [ErrFilter].
func (h *Hooks) List(ctx context.Context, f WebhookFilter) (WebhookPage, error) {
	if !h.history.narrow(&f.Tenant) {
		return WebhookPage{}, fmt.Errorf("durable: list webhooks: %w", errOther)
	}
	return h.hooks.List(ctx, f)
}

// Enable is [Webhooks.Enable].
func (h *Hooks) Enable(ctx context.Context, id, reason string) error {
	return h.setState(ctx, id, queue.StateEnabled, reason)
}

// Disable is [Webhooks.Disable].
func (h *Hooks) Disable(ctx context.Context, id, reason string) error {
	return h.setState(ctx, id, queue.StateDisabled, reason)
}

// Pause is [Webhooks.Pause].
func (h *Hooks) Pause(ctx context.Context, id, reason string) error {
	return h.setState(ctx, id, queue.StatePaused, reason)
}

func (h *Hooks) setState(ctx context.Context, id string, state queue.EndpointState, reason string) error {
	if err := h.own(ctx, id); err != nil {
		return err
	}
	return h.hooks.setState(ctx, id, state, reason)
}

// Dispatch is [Webhooks.Dispatch].
func (h *Hooks) Dispatch(ctx context.Context, webhookID string, event webhook.Event) error {
	return h.dispatch(ctx, webhookID, newID(), event, false)
}

// DispatchID is [Webhooks.DispatchID]. The IDs of messages are those of all tenants: for
// one that another has, the error wraps [queue.ErrTaken] and says no more.
func (h *Hooks) DispatchID(ctx context.Context, webhookID, messageID string, event webhook.Event) error {
	return h.dispatch(ctx, webhookID, messageID, event, true)
}

func (h *Hooks) dispatch(
	ctx context.Context, webhookID, messageID string, event webhook.Event, again bool,
) error {
	if err := h.own(ctx, webhookID); err != nil {
		return err
	}
	return h.hooks.dispatch(ctx, webhookID, messageID, event, again)
}

// ContentID is [Webhooks.ContentID].
func (h *Hooks) ContentID(webhookID string, event webhook.Event) (string, error) {
	return h.hooks.ContentID(webhookID, event)
}

// Secrets is [Webhooks.Secrets].
func (h *Hooks) Secrets(ctx context.Context, id string) ([]StoredSecret, error) {
	if err := h.own(ctx, id); err != nil {
		return nil, err
	}
	return h.hooks.Secrets(ctx, id)
}

// Rotate is [Webhooks.Rotate].
func (h *Hooks) Rotate(ctx context.Context, id string, overlap time.Duration) (webhook.Secret, error) {
	if err := h.own(ctx, id); err != nil {
		return webhook.Secret{}, err
	}
	return h.hooks.Rotate(ctx, id, overlap)
}

// SetSecret is [Webhooks.SetSecret].
func (h *Hooks) SetSecret(ctx context.Context, id string, secret webhook.Secret) (StoredSecret, error) {
	if err := h.own(ctx, id); err != nil {
		return StoredSecret{}, err
	}
	return h.hooks.SetSecret(ctx, id, secret)
}

// Compare is [Webhooks.Compare].
func (h *Hooks) Compare(ctx context.Context, hook webhook.Webhook, limit int) (Comparison, error) {
	if err := h.own(ctx, hook.ID); err != nil {
		return Comparison{}, err
	}
	return h.hooks.Compare(ctx, hook, limit)
}

// Recompose is [Webhooks.Recompose].
func (h *Hooks) Recompose(ctx context.Context, id string) (Delivery, error) {
	if err := h.history.own(ctx, "recompose", id); err != nil {
		return Delivery{}, err
	}
	return h.hooks.Recompose(ctx, id)
}

// RecomposeMatching is [Webhooks.RecomposeMatching]. Its filter may be empty, but for All.
func (h *Hooks) RecomposeMatching(ctx context.Context, f Filter, limit int) (int, error) {
	if !h.history.narrow(&f.Tenant) {
		return 0, fmt.Errorf("durable: recompose: %w", errOther)
	}
	return h.hooks.RecomposeMatching(ctx, f, limit)
}

// Publish is [Webhooks.Publish] for the tenant's webhooks: the Publication's Tenant may be
// empty, and with another one the error wraps [ErrFilter]. With All, it is as there.
func (h *Hooks) Publish(ctx context.Context, p Publication, event webhook.Event) ([]Published, error) {
	if !h.history.narrow(&p.Tenant) {
		return nil, fmt.Errorf("durable: publish: %w", errOther)
	}
	return h.hooks.Publish(ctx, p, event)
}

// Subscribe is [Webhooks.Subscribe].
func (h *Hooks) Subscribe(ctx context.Context, s webhook.Subscription) error {
	if err := h.own(ctx, s.WebhookID); err != nil {
		return err
	}
	return h.hooks.Subscribe(ctx, s)
}

// Unsubscribe is [Webhooks.Unsubscribe].
func (h *Hooks) Unsubscribe(ctx context.Context, s webhook.Subscription) error {
	if err := h.own(ctx, s.WebhookID); err != nil {
		return err
	}
	return h.hooks.Unsubscribe(ctx, s)
}

// Subscriptions is [Webhooks.Subscriptions].
func (h *Hooks) Subscriptions(ctx context.Context, webhookID string) (SubscriptionSet, error) {
	if err := h.own(ctx, webhookID); err != nil {
		return SubscriptionSet{}, err
	}
	return h.hooks.Subscriptions(ctx, webhookID)
}

// SetSubscriptions is [Webhooks.SetSubscriptions].
func (h *Hooks) SetSubscriptions(
	ctx context.Context, webhookID string, rev int, all []webhook.Subscription,
) (SubscriptionSet, error) {
	if err := h.own(ctx, webhookID); err != nil {
		return SubscriptionSet{}, err
	}
	return h.hooks.SetSubscriptions(ctx, webhookID, rev, all)
}

// SubscriptionChanges is [Webhooks.SubscriptionChanges].
func (h *Hooks) SubscriptionChanges(ctx context.Context, webhookID string, before, limit int) ([]SubscriptionSet, error) {
	if err := h.own(ctx, webhookID); err != nil {
		return nil, err
	}
	return h.hooks.SubscriptionChanges(ctx, webhookID, before, limit)
}
