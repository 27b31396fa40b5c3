package webhook

import (
	"context"
	"net/http"
	"time"
)

// The headers of deliveries and signatures.
const (
	HeaderID               = "Webhook-Id"        // the message's ID, on every request
	HeaderTimestamp        = "Webhook-Timestamp" // Standard Webhooks: seconds since 1970
	HeaderWebhookSignature = "Webhook-Signature" // Standard Webhooks: v1,base64 …
	HeaderSignature        = "Signature"         // the platform's: hex; see [HMAC]
)

// A Signer signs one attempt.
type Signer interface {
	Sign(ctx context.Context, m *Message, at time.Time) (http.Header, error)
}
