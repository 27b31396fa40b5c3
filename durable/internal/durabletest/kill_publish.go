package durabletest

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/queue"
)

// hundred is how many webhooks KillPublish publishes to.
const hundred = 100

// KillPublish kills a process that publishes event after event to a hundred webhooks. The
// next one begins with the last event that the dead one has reported, and goes on with the
// one that it may have kept without saying so: each webhook has each event once in the end, and before that all or none.
func KillPublish[T any](t *testing.T, place Place, db Database[T]) {
	e := db.Open(t, place.config(durable.Config{}))
	subscribers(t, e.Webhooks(nil), hundred)
	l := newLedger(t)
	s := settings{Place: place, URL: l.receiver.URL, Publishes: 1}
	const perEvent = `SELECT count(*) FROM (SELECT count(*) AS n FROM @delivery GROUP BY subject) AS d`
	var partly, kept, sharedEvents, atKill int
	for range 6 {
		s.Number++
		p := start(t, l, s)
		<-p.begun
		p.runFor(between(20*time.Millisecond, 500*time.Millisecond))
		p.kill()
		reported := l.acceptedSoFar()
		db.Row(t, perEvent+` WHERE n <> `+strconv.Itoa(hundred), &partly)
		require.Zero(t, partly)
		db.Row(t, perEvent, &kept)
		require.Contains(t, []int{reported, reported + 1}, kept)
		atKill += kept - reported
		s.Publishes = max(reported, 1) // once more, as one that does not know
	}
	t.Logf("%d events, %d of them kept by a process that died before it said so", kept, atKill)
	p := start(t, l, s)
	<-p.begun
	finish(p)
	require.Equal(t, l.acceptedSoFar()*hundred, rows(t, db, "@delivery"))
	db.Row(t, perEvent+` WHERE n <> `+strconv.Itoa(hundred), &partly)
	require.Zero(t, partly)
	db.Row(t, `SELECT count(*) FROM @shared_event`, &sharedEvents)
	require.Equal(t, l.acceptedSoFar(), sharedEvents)
}

// publishAll publishes events until the standard input ends, and says the number of each
// once it is kept.
func publishAll[T any](e *durable.Engine[T], from int) error {
	ended := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(ended)
	}()
	q, err := queue.New(&webhook.Client{}, e, queue.Config{})
	if err != nil {
		return err
	}
	hooks := e.Webhooks(q)
	for n := from; ; n++ {
		id := strconv.Itoa(n)
		got, err := hooks.Publish(context.Background(), durable.Publication{ID: id}, status(id))
		if err == nil && len(got) != hundred {
			err = fmt.Errorf("published to %d", len(got))
		}
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintln(os.Stdout, id); err != nil {
			return err
		}
		select {
		case <-ended:
			return nil
		default:
		}
	}
}
