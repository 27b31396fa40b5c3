package durable

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ringhook/webhook"
)

// checkBounds returns a *webhook.TemplateError for the first thing that a webhook, which
// compiles, asks for beyond the Bounds.
func (c Config) checkBounds(hook webhook.Webhook) error {
	if p := hook.Policy; p != nil && p.Timeout > c.Bounds.MaxTimeout {
		err := timeoutError{p.Timeout, c.Bounds.MaxTimeout}
		return &webhook.TemplateError{
			Field: "policy", Err: err, Code: "bound-timeout", Args: []string{err.timeout.String(), err.most.String()},
		}
	}
	for _, p := range c.Bounds.Check(hook) {
		if p.Severity == webhook.SeverityError {
			return &webhook.TemplateError{
				Field: p.Field, Offset: p.Offset, Err: errors.New(p.Message), Code: p.Code, Args: p.Args,
			}
		}
	}
	return nil
}

// A timeoutError is ErrTimeout for the policy of a webhook.
type timeoutError struct{ timeout, most time.Duration }

func (e timeoutError) Error() string {
	return fmt.Sprintf("timeout: %v, at most %v", e.timeout, e.most)
}

func (timeoutError) Is(target error) bool { return target == ErrTimeout }

// policy returns the policy of a message, which is complete and within the Bounds and
// shares no slices with that of its webhook.
func (e *Engine[T]) policy(own webhook.Policy, eventType string) webhook.Policy {
	if e.config.Defaults != nil {
		own = own.Or(e.config.Defaults(eventType))
	}
	p := e.config.Bounds.Clamp(own.Or(webhook.PolicyFor(eventType)))
	p.Waits, p.GiveUp = slices.Clone(p.Waits), append([]int(nil), p.GiveUp...)
	if len(p.Success) > 0 { // else nil, as after a JSON round trip
		p.Success = slices.Clone(p.Success)
	} else {
		p.Success = nil
	}
	return p
}
