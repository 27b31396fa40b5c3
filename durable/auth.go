package durable

import (
	"context"
	"errors"
	"time"

	"github.com/ringhook/webhook"
)

// errAuth says that the credentials of a webhook could not be read. It is as errSecrets.
var errAuth = errors.New("the credentials of the webhook cannot be read")

// authAge is how long the credentials of a webhook serve before the database is asked
// again whether it was changed.
const authAge = time.Second

// Auth returns what [webhook.Client] Auth is to be: the credentials of the webhooks in the
// database, each held to the scheme, host and port of its URL. A change by any process
// counts within a second. For a webhook that is not there, there are none; while the
// database cannot be reached, or a definition cannot be opened, it returns an error, so
// that nothing is sent without them: a delivery waits then, says so, and has used up no
// attempt.
func (w *Webhooks[T]) Auth() func(ctx context.Context, webhookID string) (*webhook.Auth, error) {
	return func(ctx context.Context, webhookID string) (*webhook.Auth, error) {
		if known, ok := w.composers.Load(webhookID); ok && time.Since(known.(*composer).asked) < authAge {
			return known.(*composer).auth, nil
		}
		// Also of one that is disabled: an attempt may be under way, or be a test.
		c, _, err := w.version(ctx, w.engine.store.Read, webhookID, false)
		switch {
		case errors.Is(err, webhook.ErrNotFound):
			return nil, nil
		case err != nil:
			return nil, unread(errAuth, err)
		}
		return c.auth, nil
	}
}
