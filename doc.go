// Package webhook composes, signs and delivers outgoing webhooks.
//
//	c, err := webhook.Compile(w, payload.MessageStatus{}) // when a customer saves a webhook
//	m, err := c.Compose(event)                            // when something happened
//	err = (&webhook.Client{Signer: webhook.HMAC{}}).Send(ctx, m) // signs, posts, tries again
//
// A [Webhook] says where and how a customer wants events reported, a [Message] is one
// request made of it, and a [Sender] delivers messages. Package payload has the events
// of telephony and WhatsApp platforms; any struct or map with an EventType method is
// one too. Package queue delivers in the background; modules durable and panel keep what
// it has accepted, and show it. Receivers use [Verifier] and payload.Parse.
// docs/glossary.md has the words.
//
// # Placeholders
//
// URL, header values and body of a Webhook are templates. {{payload.status}},
// @{{payload.status}} and @<<payload.status>> mean the same: a dotted path of JSON
// names and list indexes, with other names in brackets, attributes['Date of Birth'].
// Filters may follow, as in {{payload.to | slice: -10}}.
// The names event, webhook_id, message_id and payload (all of it) are reserved; then
// come the members of the event, then their aliases. If the event has an object member
// payload, x means payload.x where there is no x beside it; otherwise payload.x means
// x. A known name that is absent, null or empty is empty in text and null in JSON, and
// the filter default replaces it. An unknown name is an error; of an event that has no Go
// type and no sample, default replaces that, too.
//
// The place of a placeholder decides how its value is escaped: percent-encoded in the
// path and query of a URL, without controls in a header, as text inside a JSON string
// and as a value outside of one, as fields in a form, as a cell in CSV, as text or an
// attribute's value in XML. Without a body template, the event's own JSON is sent.
// [Check] tells authors all that is wrong; docs/templates.md is their manual.
//
// # Signatures
//
// Each attempt is signed by itself, over the bytes that are sent. [HMAC] makes the
// header Signature that the platforms and PHP know, with the webhook's id, which is no
// secret, as its key; or another that its fields describe, as of [GitHub] and [Stripe].
// [StandardWebhooks] also covers id and time, and is recommended; [Ed25519] is the same
// with public keys. Of form-data PHP and others keep no raw body, so there they cannot
// verify. By its Webhook-Id receivers drop what comes a second time.
//
// # Retries
//
// A [Policy] says what counts as delivered, how long an attempt may take and when the
// next one follows: by default any 2xx (of voice events 200 and 202 only) within 3 s,
// and two more attempts, after 10 s and 100 s. All attempts send the same id and bytes.
// [Client.Send] holds its caller until the end; [Client.Try] is one attempt.
//
// # Security model
//
// The package trusts its embedder. Authors of webhooks are customers who may try to
// reach what is not theirs; events and receivers are hostile. It promises:
//
//   - No value changes the structure of a request: scheme, host, path depth, query
//     names, the number of headers, and the shape of the body are the template's.
//     Values are not scanned for placeholders.
//   - No request goes to loopback, private or other special addresses, judged as the
//     connection is made. Redirects are not followed, proxies of the environment not
//     used. See [Egress].
//   - What receivers send back is bounded in size and time.
//   - Empty keys neither sign nor verify, short ones only where they were asked for.
//   - Errors and logs hold no secret, no value of an event, no address and no URL
//     query.
package webhook
