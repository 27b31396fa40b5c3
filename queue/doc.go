// Package queue delivers messages asynchronously: [Queue] is a [webhook.Sender] that returns when an [Engine] has the message.
package queue
