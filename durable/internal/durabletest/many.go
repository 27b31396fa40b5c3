package durabletest

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/durable"
)

// testMany looks for more than are read at once, and counts more than are counted.
func testMany[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	Fill(t, 25_000, db.Exec)
	pagePopular(t, db, e)
	countMany(t, db, e)
}

// pagePopular pages through what thousands of deliveries have, every second one of those
// of Fill, of which few match: no page reads all of them.
func pagePopular[T any](t *testing.T, db Database[T], e *durable.Engine[T]) {
	db.Exec(t, `UPDATE @delivery SET subject = 'popular' WHERE seq % 2 = 0`)
	pages := func(f durable.Filter) (ids []string, empty int) {
		for {
			page, err := e.List(t.Context(), f)
			require.NoError(t, err)
			for _, d := range page.Deliveries {
				ids = append(ids, d.ID)
			}
			if len(page.Deliveries) == 0 {
				empty++
			}
			if f.After = page.Next; page.Next == "" {
				return ids, empty
			}
		}
	}
	want := []string{"id-20", "id-18", "id-16", "id-14", "id-12", "id-10", "id-8", "id-6", "id-4", "id-2"}
	for _, f := range []durable.Filter{{Ref: "popular"}, {Subject: "popular"}, {Ref: "popular", Subject: "popular"}} {
		f.Event = "whatsapp:message:in" // of the oldest
		for _, f.Limit = range []int{100, 10, 3} {
			ids, empty := pages(f)
			require.Equal(t, want, ids, "%+v", f)
			require.Equal(t, 2, empty, "of 5,000 each")
		}
		f.Limit = 0
		got, err := e.Count(t.Context(), f)
		require.NoError(t, err)
		require.Equal(t, map[durable.State]durable.Number{
			"pending": {More: true}, "delivered": {More: true}, "failed": {More: true}, "dropped": {More: true}, "canceled": {More: true},
		}, got.States, "of the newest 10,000")
		var lines strings.Builder
		n, err := e.Export(t.Context(), f, &lines)
		require.NoError(t, err)
		require.EqualValues(t, len(want), n, "all of them")
		f.State = durable.StateDelivered
		ids, _ := pages(f)
		require.Equal(t, want[:5], ids)
		f = durable.Filter{Ref: f.Ref, Subject: f.Subject, From: time.Now().Add(-time.Hour), Event: "dialer:cdr", Limit: 1000}
		ids, empty := pages(f) // of the last hour are 520, a third of another type
		require.Zero(t, empty)
		require.InDelta(t, 347, len(ids), 5)
	}
	// Many of one time are not parted.
	db.Exec(t, `UPDATE @ref SET at = 1700000000000000`)
	db.Exec(t, `UPDATE @delivery SET created = 1700000000000000`)
	ids, empty := pages(durable.Filter{Ref: "popular", Event: "whatsapp:message:in"})
	require.Equal(t, want, ids)
	require.LessOrEqual(t, empty, 1)
}
