// Package durable keeps messages in a database until they are delivered: nothing that was accepted is lost, whatever process
// dies when. It is a [queue.Engine] on River (riverqueue.com). Package sqlite opens one on a file, for one machine; package
// postgres on a pool of connections, for many.
//
//	engine, err := sqlite.Open("webhooks.db", durable.Config{})
//	...
//	defer engine.Close()
//	q, err := queue.New(&webhook.Client{}, engine, queue.Config{})
//
// # The promise
//
// When Enqueue returns nil, the message is on disk. It is then delivered at least once, or kept as failed with the history of
// its attempts. A process that dies in the middle of an attempt may have been heard by the receiver: the attempt is made again,
// with the same ID and the same bytes, and is not counted.
//
// EnqueueTx enqueues in a transaction of the caller's own: the message leaves if and only if that transaction commits.
//
// # Webhooks by ID
//
// [Webhooks] keeps the definitions of webhooks in the same database. Its Dispatch looks one up, composes the message and
// enqueues it; DispatchTx does so in a transaction of the caller's own. A change counts from the moment it has committed, for
// every process; each delivery keeps the version it was composed with. An event that cannot be composed is in the history as a
// failed delivery, and holds up no other.
//
// # Several processes
//
// Any number of processes may share a database. Each hands out what is due to its own workers. When one dies, the others take
// its deliveries over after [Config] MaxTimeout and up to 40 seconds. Each process holds its own limits: N processes together
// send an endpoint N times what one does at most.
//
// Their clocks may differ by a few seconds, no more: one that is ahead takes deliveries over too early, which are then sent
// twice. A process that was stopped for longer than that, as a virtual machine can be, may find that others have done its work;
// what it was sending goes out late, and what it says of it no longer counts.
//
// # History
//
// What became of a message can be asked for as long as [Retention] says: List pages through the deliveries of a webhook, an
// endpoint, a type of event, a state, a time; Get, Message and Attempts tell of one. Resend sends one again, ResendFailed all
// that failed at a webhook since its receiver broke, and Cancel ends one.
//
// # How it is kept
//
// The tables delivery and attempt, written by this package, are the truth: what is to be sent, what was tried, how it ended. A
// job of River's is only the clock that wakes a delivery: it holds the delivery's number, and where both differ, the tables
// win. So it does no harm when River runs a job twice, and its attempts are not ours. Times are in microseconds since 1970.
package durable
