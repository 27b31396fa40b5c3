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
// # The promise
//
// When Enqueue returns nil, the message is on disk. It is then delivered at least once,
// or kept as failed with the history of its attempts. When a process dies in the middle
// of an attempt, the receiver may have the message: the attempt is made again, with the
// same ID and the same bytes, and is not counted.
//
// EnqueueTx enqueues in a transaction of the caller's own: the message leaves if and
// only if that transaction commits.
//
// # Webhooks by ID
//
// [Webhooks] keeps the definitions of webhooks in the same database. Its Dispatch looks
// one up, composes the message and enqueues it; DispatchTx does so in a transaction of
// the caller's own. A change takes effect in every process as soon as it is committed;
// each delivery keeps the number of the version that it was composed with. An event
// that cannot be composed is in the history as a failed delivery.
//
// # Enabled, paused, disabled
//
// [Webhooks] Disable, Pause and Enable decide whether a webhook gets what is dispatched
// to it; so does the queue, for one that answers 410 or fails for too long. All of them
// change the same row, which [Definition] shows, and which counts in every process within
// a second; [Engine.EndpointChanges] tells who has decided what, when and why, with the
// names that [WithActor] was given. What is sent to a paused webhook is held, and counted
// as Held by Stats; when it is enabled, it goes out, the oldest first.
//
// # Several processes
//
// Any number of processes may share a database. Each hands out what is due to its own
// workers. When one dies, the others take over its deliveries, after [Config]
// MaxTimeout and up to 40 seconds. Each process has its own limits: N processes
// together send an endpoint at most N times what one does.
//
// Their clocks may differ by a few seconds, no more: a process whose clock is ahead
// takes deliveries over too early, and they are sent twice. When a process was stopped
// for longer than that, as a virtual machine can be, others have its deliveries: what it
// was sending goes out late, and its results are ignored.
//
// # Upgrades
//
// Migrate brings the tables of an older version up to date, and loses nothing in them.
// Check, Run and Migrate return an error for tables of a newer version of this module or
// of River. Processes of an older version that go on beside a newer one do not hear of
// what it decides about webhooks. Before a file of SQLite is migrated, stop the processes
// of older versions: River's older drivers cannot read what the newer one writes.
//
// # History
//
// Deliveries are kept after their end for as long as [Retention] says. List pages
// through those of a webhook, an endpoint, a type of event, a state, a time; Get,
// Message and Attempts return one with its details. Resend sends one again, ResendFailed
// all that failed at a webhook since a time, and Cancel ends one.
//
// # How it is kept
//
// The tables delivery and attempt, which this package writes, say what is to be sent,
// what was tried, and how it ended. A job of River's is only the timer of a delivery: it
// holds the delivery's number, and where both differ, the tables count. So it does no
// harm when River runs a job twice, and River's attempts are not those of a delivery.
// Times are in microseconds since 1970, and so in no time zone.
package durable
