package durabletest

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/queue"
)

// ends waits until a delivery has ended, and returns its attempts.
func ends[T any](t testing.TB, e *durable.Engine[T], id string, state durable.State) []durable.Attempt {
	finally(t, e, id, state)
	attempts, err := e.Attempts(t.Context(), id)
	require.NoError(t, err)
	require.NotEmpty(t, attempts)
	return attempts
}

// testAnswer keeps what a receiver says, through a queue: why a 204 is a failure, where a
// redirect points, and the body, but not the credentials that it repeats.
func testAnswer[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{KeepAnswer: 100})
	secret := webhook.GenerateSecret()
	keys := func(context.Context, string) ([]webhook.Secret, error) { return []webhook.Secret{secret}, nil }
	client := &webhook.Client{
		Signer: webhook.Signers{webhook.HMAC{}, webhook.StandardWebhooks{Keys: keys}},
		Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			status, body, header := http.StatusOK, "", http.Header{}
			switch r.Header.Get(webhook.HeaderID) {
			case "no-content":
				status = http.StatusNoContent
			case "redirect":
				status = http.StatusTemporaryRedirect
				header.Set("Location", "https://other.example/"+url.PathEscape(r.Header.Get("X-Api-Key"))+"?to=919")
			case "unprocessable":
				status, body = 422, `{"error":"field lead_id is required"}`
				header.Set("Content-Type", "application/json")
				header.Set("Set-Cookie", "session=1")
			case "echo":
				basic := base64.StdEncoding.EncodeToString([]byte(r.Header.Get("X-Api-Key")))
				body = strings.Join([]string{
					r.Header.Get("Authorization"), url.QueryEscape(r.Header.Get("X-Api-Key")), basic,
					r.Header.Get(webhook.HeaderSignature), r.Header.Get(webhook.HeaderWebhookSignature),
					secret.Reveal(), r.Header.Get("Content-Type"),
				}, " ")
				header.Set("X-Request-Id", "of "+r.Header.Get("X-Api-Key"))
				header.Set("Server", "made up: "+r.Header.Get(webhook.HeaderSignature))
			case "long":
				body = "\xff\x00" + strings.Repeat("é", 5000)
			case "no-answer":
				return nil, errors.New("secret detail")
			}
			return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body))}, nil
		}),
		Retry: func(*webhook.Message, webhook.Attempt) (time.Duration, bool) { return 0, false },
	}
	q, err := queue.New(client, e, queue.Config{})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- q.Run(ctx) }()
	for _, id := range []string{"no-content", "redirect", "unprocessable", "echo", "long", "no-answer"} {
		m := Task(id).Message
		m.Header.Set("Authorization", "Bearer s3cr3t-token")
		m.Header.Set("X-Api-Key", "key/of customer")
		require.NoError(t, q.Send(t.Context(), m))
	}
	tests := []struct {
		id    string
		state durable.State
		want  durable.Attempt
	}{
		{"no-content", durable.StateFailed, durable.Attempt{
			Status: 204, Class: webhook.ClassStatus, Error: "webhook: status 204, want 200 or 202", Want: []int{200, 202},
			Code: "delivery-status-unwanted", Args: []string{"204", "200 or 202"},
		}},
		{"redirect", durable.StateFailed, durable.Attempt{
			Status: 307, Class: webhook.ClassStatus, Want: []int{200, 202}, Location: "https://other.example/***",
			Error: "webhook: status 307: redirects are not followed; it points to another host",
			Code:  "delivery-redirect", Args: []string{"307", "another host"},
		}},
		{"unprocessable", durable.StateFailed, durable.Attempt{
			Status: 422, Class: webhook.ClassStatus, Error: "webhook: status 422, want 200 or 202", Want: []int{200, 202},
			Answer: `{"error":"field lead_id is required"}`, Header: http.Header{"Content-Type": {"application/json"}},
			Code: "delivery-status-unwanted", Args: []string{"422", "200 or 202"},
		}},
		{"echo", durable.StateDelivered, durable.Attempt{
			Status: 200, Answer: "*** *** *** *** *** whsec_*** application/json",
			Header: http.Header{"X-Request-Id": {"of ***"}, "Server": {"made up: ***"}},
		}},
		{"long", durable.StateDelivered, durable.Attempt{
			Status: 200, Answer: "\uFFFD\uFFFD" + strings.Repeat("é", 47),
		}},
	}
	for _, tt := range tests {
		got := ends(t, e, tt.id, tt.state)[0]
		tt.want.N, tt.want.At, tt.want.Duration = 1, got.At, got.Duration
		tt.want.Requests, tt.want.MayHaveArrived = 1, true
		require.Equal(t, tt.want, got, tt.id)
		require.True(t, utf8.ValidString(got.Answer))
		require.LessOrEqual(t, len(got.Answer), 100)
	}
	got := ends(t, e, "no-answer", durable.StateFailed)[0]
	require.False(t, got.MayHaveArrived)
	require.Zero(t, got.Requests)
	require.Empty(t, got.Answer)
	require.Nil(t, got.Header)
	require.Equal(t, "delivery-protocol", got.Code)
	require.Empty(t, got.Args)
	cancel()
	require.NoError(t, <-done)
	for _, column := range []string{"answer", "location", "header", "problem", "error"} {
		for _, secret := range []string{"s3cr3t", "customer", "detail"} {
			var n int
			db.Row(t, `SELECT count(*) FROM @attempt WHERE `+column+` LIKE '%`+secret+`%'`, &n)
			require.Zero(t, n, "%s in %s", secret, column)
		}
	}
}

// testKeepHeader has headers that no client makes, and a signer that fails.
func testKeepHeader[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	redacts := queue.Handler{
		Handle: record(func(d queue.Delivery) queue.Verdict {
			return queue.Verdict{Kind: queue.KindDead, Attempt: &webhook.Attempt{
				Status: 500, Body: []byte("one\ntwo"), Location: "/a\nb", Code: "made-up", Args: []string{"", "é\xff\x00\n"},
				Header: http.Header{
					"X-Trace-Id": {"a\nb", "c: d"}, "Server": {""}, "Location": {"/a"}, "X-Request-Id": {strings.Repeat("é", 3000)},
				},
			}}
		}).handle,
		Redact: func(ctx context.Context, m *webhook.Message, a webhook.Attempt, text []byte) []byte {
			if m.ID == "hidden" {
				return []byte(webhook.Mask)
			}
			return new(webhook.Client).Redact(ctx, m, a, text)
		},
	}
	runHandler(t, e, redacts)
	require.NoError(t, e.Enqueue(t.Context(), Task("shown"), Task("hidden")))
	got := ends(t, e, "shown", durable.StateFailed)[0]
	require.Equal(t, "one\ntwo", got.Answer)
	require.Equal(t, "/a b", got.Location)
	require.Equal(t, []string{"", "é\uFFFD\x00\n"}, got.Args)
	long := got.Header["X-Request-Id"]
	require.Len(t, long, 1)
	require.Equal(t, strings.Repeat("é", len(long[0])/2), long[0])
	require.Equal(t, http.Header{"Server": {""}, "X-Request-Id": long}, got.Header, "of 4 KiB")
	got = ends(t, e, "hidden", durable.StateFailed)[0]
	require.Equal(t, webhook.Mask, got.Answer)
	require.Empty(t, got.Location)
	require.Nil(t, got.Header)
}

// testKeepAnswer has handlers of one's own, which know no client.
func testKeepAnswer[T any](t *testing.T, db Database[T]) {
	body := []byte(strings.Repeat("a", 3000))
	for keep, want := range map[int]int{0: 2048, -1: 0, 10: 10, 1 << 20: 3000} {
		e := db.Open(t, durable.Config{KeepAnswer: keep})
		stop := Run(t, e, record(func(queue.Delivery) queue.Verdict {
			return queue.Verdict{Kind: queue.KindDone, Attempt: &webhook.Attempt{
				Status: 200, Body: body, Location: "/a%20b/value of two: " + strings.Repeat("é", 500), Requests: 2,
			}}
		}).handle)
		task := Task("keep-" + strconv.Itoa(want))
		task.Message.Header.Set("X-Key", "value of two")
		require.NoError(t, e.Enqueue(t.Context(), task))
		got := ends(t, e, task.ID, durable.StateDelivered)[0]
		require.Len(t, got.Answer, want)
		require.Equal(t, "/a%20b/***: "+strings.Repeat("é", 250), got.Location)
		require.Equal(t, 2, got.Requests)
		require.False(t, got.MayHaveArrived)
		stop()
	}
}

// testGoexit has a handler that ends its goroutine, as t.FailNow does: that is an attempt,
// and Run returns.
func testGoexit[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{Workers: 1, Logger: slog.New(slog.DiscardHandler)})
	stop := Run(t, e, record(func(d queue.Delivery) queue.Verdict {
		if d.ID == "a" || d.ID == "o1" {
			runtime.Goexit()
		}
		return queue.Verdict{Kind: queue.KindDone}
	}).handle)
	require.NoError(t, e.Enqueue(t.Context(), append(ordered("o1", "o2"), Task("a"), Task("b"))...))
	finally(t, e, "b", durable.StateDelivered) // it has its place again
	eventually(t, db, 2, `SELECT count(*) FROM @delivery WHERE state = 'pending' AND attempts = 1 AND held = 0`)
	eventually(t, db, 1, `SELECT count(*) FROM @delivery WHERE id = 'o2' AND state = 'pending' AND attempts = 0`)
	stop()
}

// testGoexitHook has a queue's hook do so.
func testGoexitHook[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{Logger: slog.New(slog.DiscardHandler)})
	client := &webhook.Client{
		Transport: roundTripper(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Body: http.NoBody}, nil
		}),
		OnAttempt: func(context.Context, *webhook.Message, webhook.Attempt) { runtime.Goexit() },
	}
	q, err := queue.New(client, e, queue.Config{})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- q.Run(ctx) }()
	require.NoError(t, q.Send(t.Context(), Task("a").Message))
	eventually(t, db, 1, `SELECT count(*) FROM @delivery WHERE state = 'pending' AND attempts = 1`)
	cancel()
	select {
	case err := <-done:
		require.NoError(t, err)
	case <-time.After(30 * time.Second):
		require.FailNow(t, "Run did not return")
	}
}

func testPanic[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{Logger: slog.New(slog.DiscardHandler)})
	Run(t, e, record(func(queue.Delivery) queue.Verdict { panic("a value of an event") }).handle)
	require.NoError(t, e.Enqueue(t.Context(), Task("a")))
	eventually(t, db, 1, `SELECT count(*) FROM @delivery WHERE state = 'pending' AND attempts = 1`)
}

// testOutOfTime has a handler that takes longer than any attempt may: its context ends
// before the lease does.
func testOutOfTime[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{MaxTimeout: time.Nanosecond})
	task := Task("a")
	task.Message.Policy.Timeout = time.Nanosecond
	ended := make(chan time.Duration, 1)
	Run(t, e, func(ctx context.Context, d queue.Delivery) queue.Verdict {
		if d.N > 1 {
			return queue.Verdict{Kind: queue.KindDone}
		}
		started := time.Now()
		<-ctx.Done()
		ended <- time.Since(started)
		return queue.Verdict{Kind: queue.KindRetry}
	})
	require.NoError(t, e.Enqueue(t.Context(), task))
	took := <-ended
	require.Greater(t, took, 2*time.Second)
	require.Less(t, took, 5*time.Second)
	eventually(t, db, 1, `SELECT count(*) FROM @delivery WHERE state = 'delivered' AND attempts = 2`)
}
