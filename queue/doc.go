// Package queue delivers messages asynchronously.
//
// A [Queue] is a [webhook.Sender] whose Send returns at once: it gives the message to an [Engine], which keeps it, and Run
// delivers it from there, over all the attempts that the message's policy allows.
//
//	engine, err := memory.New(memory.Config{})
//	...
//	q, err := queue.New(client, engine, queue.Config{})
//	...
//	go q.Run(ctx)            // until ctx ends; then what is in flight comes to its end
//	err = q.Send(ctx, m)     // accepted
//	...
//	left := engine.Pending() // after Run: what was not delivered, to be stored, and given to Resume later
//
// # Engines
//
// The engine is what a message survives by. That of package memory loses what it keeps when the process dies: it is for events that can be
// had again from elsewhere, and a million waiting retries take some 140 MB beside their messages. The modules
// durable/sqlite and durable/postgres keep them in a database. All pass package enginetest, and one of your own should.
// What waits for an endpoint that rests stays in the engine, so a dead one takes room until it is disabled.
//
// A message is delivered at least once: it can arrive twice when a process dies between the receiver's answer and the
// engine's note of it, or when [Config] Grace cuts an attempt off as a queue stops. The receiver drops duplicates by the Webhook-Id header, which is the same on each attempt.
//
// # Endpoints
//
// One bad endpoint must not hurt the others. An endpoint is a WebhookID; see [Key]. Of each only [Config] Limit attempts are
// in flight, and optionally so many of one host, or begun per second. One that fails thirty times in a row rests: after half a
// minute one message is tried, and if that one is delivered, the others follow. One that answers 429, or 503 with
// Retry-After, is left alone for the time it asks for, or five seconds, by all its messages. None of this waiting counts as an attempt.
//
// An endpoint that answers 410, or that has failed for five days, is disabled: OnDisable is told once, what waits for it is
// dropped and reported through OnDrop, and Send refuses more, until [Queue.Enable]. What a queue knows of endpoints lives in
// its process: store in your own table that a webhook is disabled, and call [Queue.Disable] after a restart, or do not
// dispatch to it any more. With several processes on one durable engine each has its own limits: N processes have N times
// as many attempts in flight.
//
// # Order
//
// Messages go out in no particular order: a retry comes later than what was sent after it. With [Config] Ordered, messages
// about one Subject (a message's statuses) go one after another; with Supersede what is old news is dropped.
package queue
