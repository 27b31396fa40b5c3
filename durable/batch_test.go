package durable_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/durable/internal/store"
)

func TestBatcher(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var batches [][]int
	working, gate := make(chan struct{}), make(chan struct{})
	bad := errors.New("bad")
	do := durable.NewBatcher(2, func(batch []int) error {
		working <- struct{}{}
		<-gate
		mu.Lock()
		defer mu.Unlock()
		batches = append(batches, batch)
		if batch[0] < 0 || batch[len(batch)-1] < 0 {
			return errors.New("the batch has failed")
		}
		return nil
	}, func(_ context.Context, v int) error {
		if v < 0 {
			return bad
		}
		return nil
	})
	errs := make([]chan error, 7)
	begin := func(ctx context.Context, i, v int) {
		errs[i] = make(chan error, 1)
		queued := make(chan struct{})
		go func() {
			close(queued)
			errs[i] <- do(ctx, v)
		}()
		<-queued
	}
	begin(t.Context(), 0, 10)
	<-working // alone, and the others wait

	gone, leave := context.WithCancelCause(t.Context())
	begin(gone, 1, 11)
	begin(gone, 2, 12)
	leave(bad)
	require.ErrorIs(t, <-errs[1], bad)
	require.ErrorIs(t, <-errs[2], bad)
	gate <- struct{}{}
	require.NoError(t, <-errs[0])

	begin(t.Context(), 3, -13) // whatever it is in a batch with: only this one fails
	<-working
	begin(t.Context(), 4, 14)
	gate <- struct{}{}
	require.ErrorIs(t, <-errs[3], bad)
	<-working
	gate <- struct{}{}
	require.NoError(t, <-errs[4])

	mu.Lock()
	defer mu.Unlock()
	require.Equal(t, [][]int{{10}, {-13}, {14}}, batches, "who has left is in no batch")
}

// A batch that has waited for as long as it may is not tried once more.
func TestBatcher_Waited(t *testing.T) {
	t.Parallel()
	do := durable.NewBatcher(2, func([]int) error { return fmt.Errorf("begin: %w", store.ErrWaited) },
		func(context.Context, int) error { return nil })
	require.ErrorIs(t, do(t.Context(), 1), store.ErrWaited)
}
