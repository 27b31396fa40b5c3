package durable

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/ringhook/webhook"
)

// A History is the deliveries of one tenant, or of all: what an HTTP API needs of an
// [Engine], without the type of its transactions. Everything of another tenant is as if it
// did not exist: an ID is not found, and nothing of it is listed, counted or sent. It is
// made by [Engine.Tenant] or [Engine.All], and safe for concurrent use.
//
// A delivery belongs to the tenant of the webhook with its WebhookID, however it was
// enqueued. A [Filter] that has another Tenant than the history's is an [ErrFilter].
type History struct {
	scope
	engine deliveries
}

// deliveries is an [Engine] of any T.
type deliveries interface {
	List(ctx context.Context, f Filter) (Page, error)
	Count(ctx context.Context, f Filter) (Counts, error)
	Get(ctx context.Context, id string) (Delivery, error)
	Message(ctx context.Context, id string) (*webhook.Message, error)
	Event(ctx context.Context, id string) (webhook.RawEvent, error)
	Attempts(ctx context.Context, id string) ([]Attempt, error)
	Resend(ctx context.Context, id string) error
	ResendMatching(ctx context.Context, f Filter, limit int) (int, error)
	RetryNow(ctx context.Context, id string) error
	Erase(ctx context.Context, f Filter, limit int) (Erased, error)
	Export(ctx context.Context, f Filter, w io.Writer, options ...ExportOption) (int64, error)
	Cancel(ctx context.Context, id string) (bool, error)
	Tallies(ctx context.Context, webhookID string, from, to time.Time) ([]Tally, error)
	EndpointChanges(ctx context.Context, key string, before int64, limit int) ([]EndpointChange, error)

	readTallies(ctx context.Context, key string, from, to time.Time) ([]Tally, error)
	ofDelivery(ctx context.Context, id string) (tenant string, err error)
	ofWebhook(ctx context.Context, id string) (tenant string, found bool, err error)
}

// Tenant returns the history of one tenant. The error wraps [ErrTenant].
func (e *Engine[T]) Tenant(id string) (*History, error) {
	if !isTenant(id) {
		return nil, errTenant("history")
	}
	return &History{scope{tenant: id}, e}, nil
}

// All returns the history of all tenants, and of what has none: for the operator.
func (e *Engine[T]) All() *History { return &History{scope{all: true}, e} }

// own returns the error for a delivery that is not in the history.
func (h *History) own(ctx context.Context, what, id string) error {
	if h.all {
		return nil
	}
	tenant, err := h.engine.ofDelivery(ctx, id)
	if err == nil && !h.has(tenant) {
		err = noDelivery{}
	}
	if err != nil {
		return fmt.Errorf("durable: %s: %w", what, err)
	}
	return nil
}

// ownWebhook reports whether a webhook is of the history's tenant.
func (h *History) ownWebhook(ctx context.Context, id string) (bool, error) {
	if h.all {
		return true, nil
	}
	tenant, found, err := h.engine.ofWebhook(ctx, id)
	return found && h.has(tenant), err
}

// List is [Engine.List].
func (h *History) List(ctx context.Context, f Filter) (Page, error) {
	if !h.narrow(&f.Tenant) {
		return Page{}, fmt.Errorf("durable: list: %w", errOther)
	}
	return h.engine.List(ctx, f)
}

// Count is [Engine.Count].
func (h *History) Count(ctx context.Context, f Filter) (Counts, error) {
	if !h.narrow(&f.Tenant) {
		return Counts{}, fmt.Errorf("durable: count: %w", errOther)
	}
	return h.engine.Count(ctx, f)
}

// Get is [Engine.Get].
func (h *History) Get(ctx context.Context, id string) (Delivery, error) {
	d, err := h.engine.Get(ctx, id)
	if err == nil && !h.has(d.Tenant) {
		err = fmt.Errorf("durable: get: %w", noDelivery{})
	}
	if err != nil {
		return Delivery{}, err
	}
	return d, nil
}

// Message is [Engine.Message].
func (h *History) Message(ctx context.Context, id string) (*webhook.Message, error) {
	if err := h.own(ctx, "message", id); err != nil {
		return nil, err
	}
	return h.engine.Message(ctx, id)
}

// Event is [Engine.Event].
func (h *History) Event(ctx context.Context, id string) (webhook.RawEvent, error) {
	if err := h.own(ctx, "event", id); err != nil {
		return webhook.RawEvent{}, err
	}
	return h.engine.Event(ctx, id)
}

// Attempts is [Engine.Attempts].
func (h *History) Attempts(ctx context.Context, id string) ([]Attempt, error) {
	if err := h.own(ctx, "attempts", id); err != nil {
		return nil, err
	}
	return h.engine.Attempts(ctx, id)
}

// Resend is [Engine.Resend].
func (h *History) Resend(ctx context.Context, id string) error {
	if err := h.own(ctx, "resend", id); err != nil {
		return err
	}
	return h.engine.Resend(ctx, id)
}

// ResendMatching is [Engine.ResendMatching]. Its filter may be empty, but for All: then it
// resends what matches of all that the tenant has.
func (h *History) ResendMatching(ctx context.Context, f Filter, limit int) (int, error) {
	if !h.narrow(&f.Tenant) {
		return 0, fmt.Errorf("durable: resend: %w", errOther)
	}
	return h.engine.ResendMatching(ctx, f, limit)
}

// Erase is [Engine.Erase]. Its filter may be empty, but for All: then it erases all that the
// tenant has.
func (h *History) Erase(ctx context.Context, f Filter, limit int) (Erased, error) {
	if !h.narrow(&f.Tenant) {
		return Erased{}, fmt.Errorf("durable: erase: %w", errOther)
	}
	return h.engine.Erase(ctx, f, limit)
}

// Export is [Engine.Export].
func (h *History) Export(ctx context.Context, f Filter, w io.Writer, options ...ExportOption) (int64, error) {
	if !h.narrow(&f.Tenant) {
		return 0, fmt.Errorf("durable: export: %w", errOther)
	}
	return h.engine.Export(ctx, f, w, options...)
}

// RetryNow is [Engine.RetryNow].
func (h *History) RetryNow(ctx context.Context, id string) error {
	if err := h.own(ctx, "retry", id); err != nil {
		return err
	}
	return h.engine.RetryNow(ctx, id)
}

// Cancel is [Engine.Cancel].
func (h *History) Cancel(ctx context.Context, id string) (bool, error) {
	if !h.all {
		tenant, err := h.engine.ofDelivery(ctx, id)
		switch {
		case err == (noDelivery{}), err == nil && !h.has(tenant): //nolint:errorlint // as find returns it
			return false, nil
		case err != nil:
			return false, fmt.Errorf("durable: cancel: %w", err)
		}
	}
	return h.engine.Cancel(ctx, id)
}

// Tallies is [Engine.Tallies]; for an empty ID, of all the tenant's webhooks.
func (h *History) Tallies(ctx context.Context, webhookID string, from, to time.Time) ([]Tally, error) {
	if webhookID == "" && !h.all && h.tenant != "" {
		return h.engine.readTallies(ctx, allWebhooks+h.tenant, from, to)
	}
	own, err := h.ownWebhook(ctx, webhookID)
	if err != nil {
		return nil, fmt.Errorf("durable: tallies: %w", err)
	}
	if !own {
		return []Tally{}, nil
	}
	return h.engine.Tallies(ctx, webhookID, from, to)
}

// EndpointChanges is [Engine.EndpointChanges]. The key is the ID of a webhook.
func (h *History) EndpointChanges(
	ctx context.Context, key string, before int64, limit int,
) ([]EndpointChange, error) {
	own, err := h.ownWebhook(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("durable: endpoint changes: %w", err)
	}
	if !own {
		key = "" // which has none
	}
	return h.engine.EndpointChanges(ctx, key, before, limit)
}
