// Package durable keeps messages in a database until they are delivered: nothing that
// was accepted is lost, whatever process dies when. It is a [queue.Engine] on River
// (riverqueue.com). Package sqlite opens one on a file, for one machine; package
// postgres on a pool of connections, for many.
//
//	engine, err := sqlite.Open("webhooks.db", durable.Config{})
//	...
//	defer engine.Close()
//	q, err := queue.New(&webhook.Client{}, engine, queue.Config{})
//
// What is stored is in the clear, with phone numbers, texts, credentials and secrets,
// unless [Config] has a Sealer: see "Sealing" below.
//
// # The promise
//
// When Enqueue returns nil, the message is on disk. It is then delivered at least once,
// or kept as failed with the history of its attempts. When a process dies in the middle
// of an attempt, the receiver may have the message: the attempt is made again, with the
// same ID and the same bytes, and is not counted.
//
// Its [webhook.Policy] says when it is given up: by default after 3 attempts, 1 min 50 s
// after the first, which is too soon for a receiver that is down for an hour. 6 attempts
// take the documented waits to 30 h 51 min 50 s, the last of them alone 27 h 46 min 40 s.
// [Config] Defaults says so for all webhooks that leave it open; its example also has the
// schedule of Standard Webhooks. While an endpoint rests or is paused, nothing is tried
// and nothing is given up.
//
// cmd/prove shows on your own database that nothing is lost: it kills processes, cuts
// connections, has endpoints hang, and compares.
//
// EnqueueTx enqueues in a transaction of the caller's own: the message leaves if and
// only if that transaction commits.
//
// # Webhooks by ID
//
// [Webhooks] keeps the definitions of webhooks in the same database. Its Dispatch looks
// one up, composes the message and enqueues it; DispatchTx does so in a transaction of
// the caller's own. A change takes effect in every process as soon as it is committed;
// each delivery keeps the number of the version that it was composed with. [Config] has
// Bounds for what customers may ask for, and Defaults for what they leave open. CreateTx
// and UpdateTx change webhooks together with the caller's own rows.
//
// An ID names one message: one event to one webhook. For an event that may be reported
// twice, [Webhooks.ContentID] makes one of all that tells messages apart. The id of
// what is reported on is none, as a message that was sent, delivered and read has three
// reports:
//
//	id, err := hooks.ContentID(webhookID, status)
//	...
//	err = hooks.DispatchID(ctx, webhookID, id, status)
//
// The event is kept beside its message, unless [Config] has DiscardEvents. An event
// that cannot be composed is kept always, with a failed delivery that says why. When
// the webhook is mended, [Webhooks.Recompose] and RecomposeMatching compose the event
// again and send it; [Webhooks.Compare] shows what a change would make of the last
// events before it is saved.
//
// # One event, many webhooks
//
// [Webhooks.Subscribe] says which events a webhook gets, by their types and by what they
// came from. Publish reports an event to all that are subscribed to it, of one tenant, in
// one transaction; PublishTx does so in one of the caller's own:
//
//	err := hooks.Subscribe(ctx, webhook.Subscription{
//		WebhookID: id, Events: []string{"whatsapp:*"}, Identities: []string{"number:919019120120"},
//	})
//	...
//	published, err := hooks.Publish(ctx, durable.Publication{
//		ID: callID + " answered", Tenant: customer, Identities: []string{"number:919019120120"},
//	}, event)
//
// Each webhook has a delivery of its own, with its own template and state, and what goes
// wrong with one is in published and hurts no other. Published once more with the same
// ID, the event goes to nobody who has had it.
//
// # Enabled, paused, disabled
//
// [Webhooks] Disable, Pause and Enable decide whether a webhook gets what is dispatched
// to it; so does the queue, for one that answers 410 or fails for too long. All of them
// change the same row, which [Definition] shows, and which counts in every process
// within a second; [Engine.EndpointChanges] tells who has decided what, when and why,
// with the names that [WithActor] was given. What is sent to a paused webhook is held,
// and counted as Held by Stats; when it is enabled, it goes out, the oldest first.
//
// With a [Config] Verify, no URL gets an event before its receiver has proved that he wants
// them: a webhook that is new, or whose URL leads elsewhere than before, is paused until
// Enable has asked him. Package handshake has the questions.
//
// [Webhooks.Delete] is for good: what is pending is canceled, the definition goes, and
// with it the URLs and the values of headers in the history, whose rows stay. The ID is
// never free again.
//
// # Tenants
//
// A service with customers gives each the webhooks and the history that are its own:
// what is another's does not exist there. They are not generic, so that an HTTP API need
// not know the database:
//
//	hooks, err := allHooks.Tenant(customer)     // a *Hooks
//	history, err := engine.Tenant(customer)     // a *History
//	...
//	hook, err := hooks.Create(ctx, hook)        // which is the customer's for good
//	page, err := history.List(ctx, durable.Filter{State: durable.StateFailed})
//
// All returns the same of everything, for the operator. A delivery is of the tenant that
// its webhook is of, however it was enqueued; [Definition] and [Delivery] say which.
// [Webhooks.SetTenant] gives a tenant to a webhook of before there were any.
//
// # Several processes
//
// Any number of processes may share a database. Each hands out what is due to its own
// workers. When one dies, the others take over its deliveries, after [Config]
// MaxTimeout and up to 40 seconds. Each process has its own limits: N processes
// together send an endpoint at most N times what one does. Only a Rate is shared by those
// that were there in the last 10 seconds.
//
// Their clocks may differ: the database's counts, which each process compares its own
// with every few seconds. When a process was stopped for longer than MaxTimeout, as a
// virtual machine can be, others have its deliveries: what it was sending goes out late,
// and its results are ignored.
//
// What waits for one webhook does not hold up another. Deliveries go out the sooner, the
// fewer of their type of event wait before them at their endpoint, so that neither a
// burst, nor the backlog of a receiver that is down, stands before all others, nor a
// campaign's statuses before a conversation. Endpoints that are seen to take longer
// than a second have half of [Config] Workers, all of them together, and no tenant has all
// of them; see there.
//
// # Upgrades
//
// Migrate brings the tables of an older version up to date, and loses nothing in them.
// Check, Run and Migrate return an error for tables of a newer version of this module
// or of River. Processes of an older version that go on beside a newer one do not hear
// of what it decides about webhooks. Before a file of SQLite is migrated, stop the
// processes of older versions: River's older drivers cannot read what the newer one
// writes.
//
// # History
//
// Deliveries are kept after their end for as long as [Retention] says. List pages
// through those of a webhook, an endpoint, a type of event, a state, a time, and finds
// those of a subject or of a ref, such as a number or the id of a call. Count counts
// them, and Tallies has figures by the hour. Get, Message, Event and Attempts return one
// with its details: what the receiver answered, and why that was no success. Resend sends
// one again, ResendMatching all that failed of those that match, RetryNow does not wait
// for the next attempt, and Cancel ends one. Export writes all that match as lines of
// JSON.
//
// # Erasing
//
// [Engine.Erase] removes what is kept of a person, and leaves the rows; so does
// [Retention] Bodies of all that ended some time ago. Backups are not changed by it. The
// log beside the file of SQLite, and Postgres until VACUUM, have copies for a while:
// docs/operations.md says what to do about them, and how to back up, upgrade, size and
// watch an engine.
//
// # Secrets
//
// Each webhook has secrets, for signatures. [Webhooks.Secrets] shows them to their owner,
// Rotate makes a new one, and SetSecret takes one that a receiver has already. A client
// signs with them:
//
//	client := &webhook.Client{Signer: webhook.StandardWebhooks{Keys: hooks.Keyring()}}
//
// The Webhooks of a Keyring need no queue: engine.Webhooks(nil) makes one before the
// client and the queue are there.
//
// # Sealing
//
// With a Sealer in [Config], such as [AESGCM], and an IndexKey, what is stored is sealed:
// definitions of webhooks (URL, headers, body, policy), subscriptions, messages, events,
// answers with their headers, and secrets, each for its own row. Refs, subjects, orderings,
// the identities of subscriptions, and by what a message is known again are MACs. These stay clear:
//
//   - of webhooks: id, tenant, name, scheme and host of the URL, times, state, its reasons
//     and actors, the types of events that they are subscribed to, and when each secret
//     was made and ends
//   - of deliveries: the tenant, the ID, the webhook's id and version, the endpoint (its host, for
//     messages without a webhook), the type of the event, rank, state, times, numbers of
//     attempts, the ID of which it was recomposed
//   - of attempts: times, status, class, the error's text, its code with the arguments,
//     what was wanted, how many requests were sent and whether one may have arrived
//   - of tallies: the webhook or the tenant, the hour, the outcome, the number
//   - sizes, and which deliveries have equal refs, subjects or orderings, and which
//     subscriptions equal identities
//   - IDs that a producer makes, so make none of a number: [Webhooks.ContentID] is keyed
//
// What cannot be opened, since its key is not there, stays as it is: its delivery is
// tried again every minute and says so, and all others work. In an ordering, those behind
// it go before it. A Sealer that fails is the
// error of Enqueue. To begin with a Sealer, give it to all processes, and call
// [Engine.Reseal] until it returns 0; until then, deliveries of before are not found by
// refs and subjects, and those that wait in an ordering do not hold up newer ones.
//
// # Errors
//
// Errors wrap these; an HTTP API may answer with the status beside them.
//
//	400  ErrFilter, ErrID, ErrPublication, ErrSecret, ErrTenant
//	404  webhook.ErrNotFound     no such delivery or webhook
//	409  ErrExists, ErrConflict  a webhook has the id; it was changed since
//	409  ErrPending, ErrEnded    the delivery has not ended; it has
//	409  ErrNoMessage            it was never composed: Recompose sends it; or it was
//	                             erased, or its webhook deleted: nothing does
//	409  ErrNoEvent              no event is kept with it, or it was erased
//	409  webhook.ErrUnwanted     today's When does not want the event: it stays as it is
//	409  queue.ErrTaken          another message has the ID
//	409  queue.ErrDisabled       the webhook is disabled
//	409  ErrUnverified           Verify does not accept its URL: it stays as it was
//	413  queue.ErrTooLarge
//	422  *webhook.TemplateError  what Create and Update refuse
//	422  ErrTimeout              longer than MaxTimeout
//	422  ErrSubscription         events or identities that are none, or too many
//	422  ErrNotComposed          the event is kept as failed: do not report it again
//	500  ErrSealed               the Sealer has no key for what is stored, or cannot be asked
//	503  queue.ErrStopped        the service stops
//
// # How it is kept
//
// The tables delivery and attempt, which this package writes, say what is to be sent,
// what was tried, and how it ended; the table event has what messages were made of, and
// shared_event that of what was published to several webhooks. A
// job of River's is only the timer of a delivery: it holds the delivery's number, and
// where both differ, the tables count. So it does no harm when River runs a job twice,
// and River's attempts are not those of a delivery. Times are in microseconds since
// 1970, and so in no time zone.
package durable
