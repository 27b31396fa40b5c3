// Package webhook composes, signs and delivers outgoing webhooks.
//
//	c, err := webhook.Compile(w, payload.MessageStatus{}) // when a customer saves a webhook
//	...
//	m, err := c.Compose(event) // when something happened
//	...
//	client := &webhook.Client{Signer: webhook.HMAC{}}
//	err = client.Send(ctx, m) // signs, posts, and tries again on the documented schedule
//
// A [Webhook] says where and in which form a customer wants events reported, a [Message] is one request made of it, and a
// [Sender] delivers messages. The events of telephony and WhatsApp platforms are in package payload; any struct or map with
// an EventType method is one too. Receivers use [Verifier] and payload.Parse.
//
// # Placeholders
//
// URL, header values and body of a Webhook are templates. A placeholder is written {{payload.status}}, @{{payload.status}} or
// @<<payload.status>>; the three mean the same, blanks inside are allowed, and of two @ in front one is kept. Its name is a
// dotted path of JSON names and list indexes; filters may follow, as in {{payload.to | slice: -10}}. The names event,
// webhook_id, message_id and payload (all of it) are reserved; then come the event's own members, then their aliases. In an
// event with an object member payload, x means payload.x where there is no x beside it; in one without, payload.x means x.
// A known name that is absent, null or empty is empty in text and null in JSON; an unknown name is an error.
//
// [Check] tells authors all that is wrong at once, [Variables] lists the names of an event, [Message.Curl] shows what would
// be sent, and docs/templates.md is the manual for people who write templates.
//
// Where a placeholder stands decides how its value is escaped: percent-encoded in a URL's path and query, without
// controls in a header, as JSON text inside a JSON string and as a JSON value outside of one, as fields in a form. A body
// without a template is the event's own JSON; a GET has no body, and the template's fields join its query.
//
// # Signatures
//
// Each attempt is signed anew, over the very bytes that are sent. [HMAC] makes the header Signature that the platforms and
// PHP know; its default key, the webhook's id, is no secret. [StandardWebhooks] with a secret from [GenerateSecret] also
// covers the message's id and the time, and is recommended. Every request carries Webhook-Id, by which receivers drop
// duplicates.
//
// # Retries
//
// A [Policy] says what counts as delivered, how long an attempt may take and when the next one is due: by default any
// 2xx (of voice events 200 and 202 only) within 3 s, and two more tries after 10 s and 100 s. The same id and the same bytes are sent on every attempt.
// [Client.Send] holds its caller until the end; [Client.Try] is one attempt, for those who keep the schedule themselves.
//
// # Costs
//
// In round figures, of a server processor at 2 GHz; bench/RESULTS.md in the repository has what was measured, beside what one
// would use instead:
//
//   - Composing grows with the number of placeholders, 20 ns for each, and with the length of the values: 0.15 ns for each
//     further byte, 2 to 4 ns where many need escapes. Compose takes 0.8 µs besides, and 5 allocations, or a few more for a
//     webhook with more than a handful of headers.
//   - A signature takes 0.6 µs, and 0.7 ns for each further byte of the body.
//   - A delivery takes 30 to 50 µs of CPU, three quarters of it net/http's, and 3 µs more for each further KB, the signature
//     included. To a thousand hosts it takes a fifth longer than to one, while the connections to them are kept.
//   - A retry that waits in queue/memory takes 0.13 KB beyond its message and id, whatever their number, and time that grows
//     with the logarithm of it.
//
// # Security model
//
// The package assumes that its embedder is trusted, that authors of webhooks are customers who may try to reach what is not
// theirs, and that events and receivers are hostile. It promises:
//
//   - No value changes the structure of a request: scheme, host, path depth, query names, the number of headers, and the
//     shape of the JSON or form around it are the template's, whatever an event holds. Values are not scanned for placeholders.
//   - No request goes to loopback, private or other special addresses, judged when the connection is made, after the name
//     was resolved; redirects are not followed; proxies of the environment are not used. See [Egress].
//   - What receivers send back is bounded in size and time, and cannot undo a status that was seen.
//   - Empty and short keys neither sign nor verify.
//   - Errors and logs hold no secret, no value of an event, no address and no URL query.
package webhook
