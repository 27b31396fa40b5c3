package enginetest

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/internal/http1"
	"github.com/ringhook/webhook/queue"
)

// checkProxy has a queue send through a proxy that is down at first, and shortens what it
// says: what it puts off comes again as the first attempt.
func checkProxy(tr *trial) {
	var asked atomic.Int64
	client := &webhook.Client{Transport: roundTripperFunc(func(*http.Request) (*http.Response, error) {
		if asked.Add(1) <= 3 {
			return nil, &http1.ProxyError{Err: errors.New("down")}
		}
		return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(""))}, nil
	})}
	q, err := queue.New(client, shortened{tr.engine, tr}, queue.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		tr.Fatalf("queue.New: %v", err)
	}
	t := tr.task("task", "key")
	t.Message = &webhook.Message{
		ID: t.ID, Method: http.MethodPost, URL: "https://hooks.example.com/", Policy: webhook.Policy{Attempts: 1},
	}
	tr.startRun(q.Run)
	tr.enqueue(t)
	tr.awaitEnd(t, 1, 1, 1, 1)
}

// shortened is an engine whose queue says to wait a hundred times as long as it does.
type shortened struct {
	queue.Engine
	tr *trial
}

func (s shortened) Run(ctx context.Context, h queue.Handler) error {
	return s.Engine.Run(ctx, queue.Handler{Handle: func(ctx context.Context, d queue.Delivery) queue.Verdict {
		t, _ := s.tr.begin(ctx, d)
		if t == nil {
			return queue.Verdict{Kind: queue.KindDead}
		}
		v := h.Handle(ctx, d)
		v.After /= 100
		s.tr.note(ctx, t, v)
		return v
	}})
}

type roundTripperFunc func(*http.Request) (*http.Response, error)

func (f roundTripperFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
