// Package queue delivers messages asynchronously.
//
// A [Queue] is a [webhook.Sender] whose Send returns at once: it gives the message to
// an [Engine], which keeps it, and Run delivers it from there, with all the attempts
// that the message's policy allows.
//
//	engine, err := memory.New(memory.Config{})
//	...
//	q, err := queue.New(client, engine, queue.Config{})
//	...
//	go q.Run(ctx)            // until ctx ends; then attempts in flight are completed
//	err = q.Send(ctx, m)     // accepted
//	...
//	left := engine.Pending() // after Run: what was not delivered, for the next Resume
//
// [Queue.Drain] waits until everything has been delivered or given up.
//
// # Engines
//
// The engine decides what a message survives. Package queue/memory loses what it keeps
// when the process dies: it is for events that can be had again from elsewhere, and a
// million waiting retries take some 140 MB in addition to their messages. Packages
// durable/sqlite and durable/postgres keep them in a database. All pass package
// enginetest, and an engine of your own should. Messages to an endpoint that rests stay
// in the engine, so that a dead endpoint takes up room until it is disabled.
//
// A message is delivered at least once: it can arrive twice when a process dies between
// the receiver's answer and the engine's note of it, or when an attempt is cut off as a
// queue stops ([Config] Grace). The receiver drops duplicates by the Webhook-Id header,
// which is the same on each attempt.
//
// # Endpoints
//
// One bad endpoint must not hurt the others. An endpoint is a WebhookID; see [Key].
// Only [Config] Limit attempts are in flight to each, and optionally only so many to
// one host, or so many begun per second. An endpoint that fails thirty times in a row
// rests: after half a minute one message is tried, and if it is delivered, the others
// follow. One that answers 429, or a 5xx with Retry-After, gets no message for the time
// it asks for, or for five seconds. None of this waiting counts as an attempt.
//
// A failure of the outgoing proxy, [webhook.ClassProxy], is no attempt and not the
// endpoint's: the message is put off for 10 seconds, doubling to 5 minutes while the
// endpoint meets nothing else. Only after 24 hours it counts as any other failure.
//
// An endpoint that answers 410, or that has failed for five days, is disabled: messages
// that wait for it are dropped and reported to OnDrop, and Send refuses new ones, until
// [Queue.Enable]. [Queue.Disable] does the same by hand, and [Queue.Pause] holds what is
// sent until the endpoint is enabled. [Config] OnState is told of each such change, so
// that the customer can be: [StateChange.Event] is an event for another of his webhooks.
//
// An engine that is an [Endpoints], as those of module durable are, stores these
// decisions, and since when an endpoint fails: they outlive the process, and count in
// every process within a second, with nothing to wire. Package queue/memory keeps them
// in its process: there, call Disable again after a restart. Limits and rest are each
// process's own: N processes on one durable engine have N times as many attempts in
// flight.
//
// # Order
//
// Messages go out in no particular order: a retry comes later than what was sent after
// it. With [Config] Ordered, messages about one Subject (such as the statuses of one
// message) go one after another; with Supersede outdated ones are dropped.
package queue
