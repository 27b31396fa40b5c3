package webhook_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
)

func TestClient_Request(t *testing.T) {
	t.Parallel()
	type request struct {
		method, uri, host, body string
		header                  http.Header
	}
	got := make(chan request, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- request{r.Method, r.RequestURI, r.Host, string(body), r.Header}
		_, _ = io.WriteString(w, "thanks")
	}))
	t.Cleanup(srv.Close)
	c := newClient(t, loopback)
	var at time.Time
	c.Signer = webhook.SignerFunc(func(_ context.Context, m *webhook.Message, signed time.Time, h http.Header) error {
		at = signed
		h["signature"] = []string{"of " + string(m.Body)}
		return nil
	})
	t.Run("POST", func(t *testing.T) { //nolint:paralleltest // shares the receiver
		m := message(srv.URL + "/a%2Fb/?q=%20x&q=y")
		m.Header["x-api-key"] = []string{"k"}
		m.Header["Accept"] = []string{"a", "b"}
		before := maps.Clone(m.Header)
		a := c.Try(t.Context(), m, 1)
		require.NoError(t, a.Err)
		require.Equal(t, request{"POST", "/a%2Fb/?q=%20x&q=y", strings.TrimPrefix(srv.URL, "http://"), `{"status":"sent"}`, http.Header{
			"Content-Type": {"application/json"}, "X-Api-Key": {"k"}, "Accept": {"a", "b"}, "Webhook-Id": {"msg_1"},
			"User-Agent": {"Ringhook"}, "Signature": {`of {"status":"sent"}`}, "Content-Length": {"17"},
		}}, <-got)
		require.Equal(t, before, m.Header, "the message is not changed")
		require.Equal(t, at, a.At, "signed with the attempt's time")
		require.Equal(t, webhook.Attempt{
			N: 1, At: a.At, Duration: a.Duration, Status: 200, MayHaveArrived: true, Requests: 1,
			Body: []byte("thanks"), Header: a.Header, Outcome: webhook.OutcomeDelivered,
		}, a)
		require.Len(t, a.Header, 2)
		require.Equal(t, []string{"text/plain; charset=utf-8"}, a.Header["Content-Type"])
		require.Len(t, a.Header["Date"], 1)
	})
	t.Run("GET", func(t *testing.T) { //nolint:paralleltest // shares the receiver
		m := message(srv.URL)
		m.Method, m.Body, m.Header = http.MethodGet, nil, http.Header{"user-agent": {"mine"}}
		require.NoError(t, c.Try(t.Context(), m, 1).Err)
		require.Equal(t, request{"GET", "/", strings.TrimPrefix(srv.URL, "http://"), "", http.Header{
			"Webhook-Id": {"msg_1"}, "User-Agent": {"mine"}, "Accept": {"*/*"}, "Signature": {"of"},
		}}, <-got)
	})
}

func TestClient_Body(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, 16<<10 - 1, 16 << 10, 16<<10 + 2} {
		var connections sync.Map
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			connections.Store(r.RemoteAddr, true)
			_, _ = w.Write(bytes.Repeat([]byte("x"), size))
		}))
		t.Cleanup(srv.Close)
		c := newClient(t, loopback)
		for range 5 {
			a := c.Try(t.Context(), message(srv.URL), 1)
			require.NoError(t, a.Err)
			require.Len(t, a.Body, min(size, 16<<10))
		}
		count := 0
		connections.Range(func(any, any) bool { count++; return true })
		if size <= 16<<10 {
			require.Equal(t, 1, count, "a body that ended frees the connection: %d bytes", size)
		} else {
			require.Equal(t, 5, count, "a longer one closes it")
		}
	}
}

func TestClient_InvalidMessage(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(m *webhook.Message)
		want   string
	}{
		{"no id", func(m *webhook.Message) { m.ID = "" }, "message id of 0 bytes, want 1 to 64"},
		{"dot in the id", func(m *webhook.Message) { m.ID = "a.b" }, "message id has a character other than letters, digits, _ and - at offset 1"},
		{"no method", func(m *webhook.Message) { m.Method = "" }, `unknown method "", want one of GET, POST, PUT, PATCH, DELETE`},
		{"CONNECT", func(m *webhook.Message) { m.Method = "CONNECT" }, `unknown method "CONNECT", want one of GET, POST, PUT, PATCH, DELETE`},
		{"GET with a body", func(m *webhook.Message) { m.Method = "GET" }, "a GET must not have a body"},
		{"no URL", func(m *webhook.Message) { m.URL = "" }, "URL must start with http:// or https://"},
		{"another scheme", func(m *webhook.Message) { m.URL = "file:///etc/passwd" }, "URL must start with http:// or https://"},
		{"user", func(m *webhook.Message) { m.URL = "http://u:p@receiver.test/" }, "URL must not have a user name or password; use a header"},
		{"fragment", func(m *webhook.Message) { m.URL = "http://receiver.test/#x" }, "URL must not have a fragment"},
		{"no host", func(m *webhook.Message) { m.URL = "http://:80/" }, "URL has no host"},
		{"angle bracket in the host", func(m *webhook.Message) { m.URL = "http://a<b>.test/" }, "URL has an invalid character in its host"},
		{"wide blank in the host", func(m *webhook.Message) { m.URL = "http://a\u3000b.test/" }, "URL has an invalid character in its host"},
		{"zone", func(m *webhook.Message) { m.URL = "http://[fe80::1%25lo]/" }, "URL must not have a zone in its host"},
		{"port", func(m *webhook.Message) { m.URL = "http://receiver.test:99999/" }, "URL has a port outside 1 to 65535"},
		{"line break", func(m *webhook.Message) { m.URL = "http://receiver.test/\r\n" }, "URL has a blank, a control character or a backslash at offset 21"},
		{"Host", func(m *webhook.Message) { m.Header.Set("Host", "x") }, "header Host must not be set"},
		{"framing in another case", func(m *webhook.Message) { m.Header["content-LENGTH"] = []string{"1"} }, "header Content-Length must not be set"},
		{"our signature", func(m *webhook.Message) { m.Header.Set("Signature", "x") }, "header Signature must not be set"},
		{"our id", func(m *webhook.Message) { m.Header.Set("Webhook-Id", "x") }, "header Webhook-Id must not be set"},
		{"name with a blank", func(m *webhook.Message) { m.Header["X Y"] = nil }, "invalid character in a header name at offset 1"},
		{"twice", func(m *webhook.Message) { m.Header["x-a"], m.Header["X-a"] = nil, nil }, "duplicate header X-A"},
		{"control character", func(m *webhook.Message) { m.Header.Set("X-A", "a\r\nB: c") }, "header X-A: header value has a control character at offset 1"},
		{"too many", func(m *webhook.Message) { m.Header["X-A"] = make([]string, 51) }, "more than 50 headers: over the limit"},
		{"backslash", func(m *webhook.Message) { m.URL = `http://receiver.test/\` }, "URL has a blank, a control character or a backslash at offset 21"},
		{"policy", func(m *webhook.Message) { m.Policy.Success = []int{302} }, "policy success: status 302 outside 200 to 299"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := message("http://receiver.test/")
			tt.change(m)
			told := 0
			c := &webhook.Client{
				Transport: unreachable(t),
				Retry:     func(*webhook.Message, webhook.Attempt) (time.Duration, bool) { t.Error("asked"); return 0, true },
				Signer: webhook.SignerFunc(func(context.Context, *webhook.Message, time.Time, http.Header) error {
					t.Error("signed")
					return nil
				}),
				OnAttempt: func(context.Context, *webhook.Message, webhook.Attempt) { told++ },
			}
			a := c.Try(t.Context(), m, 1)
			require.EqualError(t, a.Err, "webhook: invalid message: "+tt.want)
			require.Equal(t, webhook.ClassInvalid, a.Class)
			require.Equal(t, webhook.OutcomeFailed, a.Outcome)
			require.Zero(t, a.Requests)
			require.False(t, a.MayHaveArrived)
			require.Equal(t, 1, told)

			err := c.Send(t.Context(), m)
			require.ErrorContains(t, err, "not delivered after 1 attempt: invalid message: "+tt.want)
			require.Equal(t, 1, strings.Count(err.Error(), "webhook: "))
		})
	}
	t.Run("attempt 0", func(t *testing.T) {
		t.Parallel()
		a := (&webhook.Client{Transport: unreachable(t)}).Try(t.Context(), message("http://receiver.test/"), 0)
		require.EqualError(t, a.Err, "webhook: invalid message: attempt 0, want 1 or more")
	})
	t.Run("no message", func(t *testing.T) {
		t.Parallel()
		var c webhook.Client
		require.EqualError(t, c.Send(t.Context(), nil),
			"webhook: message not delivered after 1 attempt: invalid message: no message")
	})
}

// A sent is one request of a schedule.
type sent struct {
	after time.Duration
	id    string
	body  string
}

func TestClient_Send(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		codes    []int
		policy   webhook.Policy
		retry    webhook.RetryFunc
		times    []time.Duration
		err      string
		outcomes []webhook.Outcome
	}{
		{"at once", []int{200}, webhook.Policy{}, nil, []time.Duration{0}, "", []webhook.Outcome{"delivered"}},
		{
			"documented",
			[]int{500},
			webhook.Policy{},
			nil,
			[]time.Duration{0, 10 * time.Second, 110 * time.Second},
			"webhook: message msg_1 not delivered after 3 attempts: status 500",
			[]webhook.Outcome{"retrying", "retrying", "failed"},
		},
		{"second time", []int{500, 204}, webhook.Policy{}, nil, []time.Duration{0, 10 * time.Second}, "", []webhook.Outcome{"retrying", "delivered"}},
		{
			"gone",
			[]int{500, 410},
			webhook.Policy{},
			nil,
			[]time.Duration{0, 10 * time.Second},
			"webhook: message msg_1 not delivered after 2 attempts: status 410",
			[]webhook.Outcome{"retrying", "gone"},
		},
		{
			"one attempt",
			[]int{500},
			webhook.Policy{Attempts: 1},
			nil,
			[]time.Duration{0},
			"webhook: message msg_1 not delivered after 1 attempt: status 500",
			[]webhook.Outcome{"failed"},
		},
		{
			"the last wait repeats",
			[]int{500},
			webhook.Policy{Attempts: 4, Waits: []time.Duration{0, time.Minute}},
			nil,
			[]time.Duration{0, 0, time.Minute, 2 * time.Minute},
			"webhook: message msg_1 not delivered after 4 attempts: status 500", nil,
		},
		{"own success", []int{200, 204}, webhook.Policy{Success: []int{204}}, nil, []time.Duration{0, 10 * time.Second}, "", nil},
		{"own function", []int{500}, webhook.Policy{Attempts: 1}, webhook.FromBackOff(func() backoff.BackOff {
			return backoff.WithMaxRetries(backoff.NewConstantBackOff(time.Second), 2)
		}), []time.Duration{0, time.Second, 2 * time.Second}, "webhook: message msg_1 not delivered after 3 attempts: status 500", nil},
		{
			"negative wait",
			[]int{500, 200},
			webhook.Policy{},
			func(*webhook.Message, webhook.Attempt) (time.Duration, bool) { return -time.Hour, true },
			[]time.Duration{0, 0},
			"", nil,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				begin, codes := time.Now(), answer(tt.codes...)
				var requests []sent
				var attempts []webhook.Attempt
				var signed []time.Time
				c := &webhook.Client{
					Bounds: webhook.Bounds{MinWait: -1},
					Retry:  tt.retry,
					Signer: webhook.SignerFunc(func(_ context.Context, _ *webhook.Message, at time.Time, _ http.Header) error {
						signed = append(signed, at)
						return nil
					}),
					Transport: roundTripFunc(func(r *http.Request) (*http.Response, error) {
						body, err := io.ReadAll(r.Body)
						requests = append(requests, sent{time.Since(begin), r.Header.Get("Webhook-Id"), string(body)})
						require.NoError(t, err)
						return codes.RoundTrip(r)
					}),
					OnAttempt: func(_ context.Context, _ *webhook.Message, a webhook.Attempt) { attempts = append(attempts, a) },
				}
				m := message("http://receiver.test/")
				m.Policy = tt.policy
				err := c.Send(t.Context(), m)
				var want []sent
				for i, after := range tt.times {
					want = append(want, sent{after, "msg_1", `{"status":"sent"}`})
					require.Equal(t, after, signed[i].Sub(begin), "a fresh time each")
					require.Equal(t, i+1, attempts[i].N)
				}
				require.Equal(t, want, requests)
				for i, outcome := range tt.outcomes {
					require.Equal(t, outcome, attempts[i].Outcome)
				}
				if tt.err == "" {
					require.NoError(t, err)
					return
				}
				require.EqualError(t, err, tt.err)
				var delivery *webhook.DeliveryError
				require.ErrorAs(t, err, &delivery)
				require.Equal(t, webhook.DeliveryError{
					MessageID: "msg_1", Attempts: len(tt.times), Last: attempts[len(attempts)-1],
					Err: attempts[len(attempts)-1].Err,
				}, *delivery)
			})
		})
	}
}

func TestClient_SendDeadline(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		deadline time.Duration
		attempts int
		took     time.Duration
	}{
		{"before the first wait ends", 9 * time.Second, 1, 0},
		{"just as it ends", 10 * time.Second, 1, 0},
		{"before the second one ends", 60 * time.Second, 2, 10 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), tt.deadline)
				defer cancel()
				begin := time.Now()
				err := (&webhook.Client{Transport: answer(500)}).Send(ctx, message("http://receiver.test/"))
				require.Equal(t, tt.took, time.Since(begin), "at once")
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.ErrorContains(t, err, "context deadline exceeded (status 500)")
				var delivery *webhook.DeliveryError
				require.ErrorAs(t, err, &delivery)
				require.Equal(t, tt.attempts, delivery.Attempts)
				require.Equal(t, webhook.OutcomeRetrying, delivery.Last.Outcome, "can go on later")
				require.Positive(t, delivery.Last.Wait)
			})
		})
	}
}

func TestFault_PanicHook(t *testing.T) { //nolint:paralleltest // row "panic-hook"; logs to slog's default
	var logged bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&logged, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	boom := func() { panic("+49170123456") }
	m := message("http://receiver.test/")
	t.Run("Signer", func(t *testing.T) { //nolint:paralleltest // as its parent
		sign := func(context.Context, *webhook.Message, time.Time, http.Header) error { boom(); return nil }
		c := &webhook.Client{Transport: unreachable(t), Signer: webhook.SignerFunc(sign)}
		a := c.Try(t.Context(), m, 1)
		requireFailed(t, a, webhook.ClassSign, "not signed")
		require.EqualError(t, unwrapAll(a.Err), "panic in Signer: string", "what it panics with may be personal data")
	})
	t.Run("Transport", func(t *testing.T) { //nolint:paralleltest // as its parent
		c := &webhook.Client{Transport: roundTripFunc(func(*http.Request) (*http.Response, error) { boom(); return nil, nil })}
		requireFailed(t, c.Try(t.Context(), m, 1), webhook.ClassProtocol, "malformed answer")
		c.Transport = roundTripFunc(func(*http.Request) (*http.Response, error) { return nil, nil }) //nolint:nilnil // a broken one
		requireFailed(t, c.Try(t.Context(), m, 1), webhook.ClassProtocol, "malformed answer")
	})
	t.Run("body", func(t *testing.T) { //nolint:paralleltest // as its parent
		c := &webhook.Client{Transport: roundTripFunc(func(*http.Request) (*http.Response, error) {
			body := readerFunc(func([]byte) (int, error) { boom(); return 0, nil })
			return &http.Response{StatusCode: 200, Body: io.NopCloser(body)}, nil
		})}
		require.NoError(t, c.Try(t.Context(), m, 1).Err, "the status was seen")
	})
	t.Run("Retry", func(t *testing.T) { //nolint:paralleltest // as its parent
		retry := func(*webhook.Message, webhook.Attempt) (time.Duration, bool) { boom(); return 0, false }
		c := &webhook.Client{Transport: answer(500), Retry: retry}
		requireFailed(t, c.Try(t.Context(), m, 1), webhook.ClassStatus, "status 500")
		require.Equal(t, webhook.OutcomeFailed, c.Try(t.Context(), m, 3).Outcome, "as the policy says")
	})
	t.Run("OnAttempt", func(t *testing.T) { //nolint:paralleltest // as its parent
		onAttempt := func(context.Context, *webhook.Message, webhook.Attempt) { boom() }
		c := &webhook.Client{Transport: answer(200), OnAttempt: onAttempt}
		require.NoError(t, c.Send(t.Context(), m), "the result stays")
		require.Contains(t, logged.String(), "panic in OnAttempt")
		require.NotContains(t, logged.String(), "49170")
	})
}

func TestClient_Signer(t *testing.T) {
	t.Parallel()
	errNoKMS := errors.New("key service at 10.0.0.7 is down")
	tests := []struct {
		name string
		sign webhook.SignerFunc
	}{
		{"error", func(context.Context, *webhook.Message, time.Time, http.Header) error { return errNoKMS }},
		{"hangs", func(ctx context.Context, _ *webhook.Message, _ time.Time, _ http.Header) error {
			<-ctx.Done()
			return ctx.Err()
		}},
		{"line break", func(_ context.Context, _ *webhook.Message, _ time.Time, h http.Header) error {
			h.Set("Signature", "a\r\nb")
			return nil
		}},
		{"no name", func(_ context.Context, _ *webhook.Message, _ time.Time, h http.Header) error {
			h[""] = []string{"a"}
			return nil
		}},
		{"two spellings of a name", func(_ context.Context, _ *webhook.Message, _ time.Time, h http.Header) error {
			h["x-sig"], h["X-Sig"] = []string{"a"}, []string{"b"}
			return nil
		}},
		{"another Webhook-Id", func(_ context.Context, _ *webhook.Message, _ time.Time, h http.Header) error {
			h.Set("webhook-id", "msg_2")
			return nil
		}},
		{"no Webhook-Id", func(_ context.Context, _ *webhook.Message, _ time.Time, h http.Header) error {
			h["Webhook-Id"] = nil
			return nil
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := &webhook.Client{Transport: unreachable(t), Signer: tt.sign}
				a := c.Try(t.Context(), message("http://receiver.test/"), 1)
				requireFailed(t, a, webhook.ClassSign, "not signed")
				require.False(t, a.MayHaveArrived)
				require.LessOrEqual(t, a.Duration, 3*time.Second)
			})
		})
	}
	t.Run("no key", func(t *testing.T) {
		t.Parallel()
		m := message("http://receiver.test/")
		m.WebhookID = ""
		a := (&webhook.Client{Transport: unreachable(t), Signer: webhook.HMAC{}}).Try(t.Context(), m, 1)
		requireFailed(t, a, webhook.ClassSign, "not signed: no key")
		require.ErrorIs(t, a.Err, webhook.ErrNoKey)
	})
}

// What a Signer does to its header after it has returned reaches no other attempt.
func TestClient_SignerKeepsHeader(t *testing.T) {
	t.Parallel()
	var kept http.Header
	c := &webhook.Client{Transport: answer(200), Signer: webhook.SignerFunc(
		func(_ context.Context, _ *webhook.Message, _ time.Time, h http.Header) error {
			if kept != nil {
				kept.Set("X-Secret", "of the first")
			}
			kept = h
			return nil
		})}
	require.NoError(t, c.Send(t.Context(), message("http://receiver.test/")))
	c.Transport = roundTripFunc(func(r *http.Request) (*http.Response, error) {
		require.Empty(t, r.Header.Get("X-Secret"))
		return answer(200).RoundTrip(r)
	})
	require.NoError(t, c.Send(t.Context(), message("http://receiver.test/")))
}

func TestDeliveryError(t *testing.T) {
	t.Parallel()
	errCause := errors.New("webhook: queue closed")
	tests := []struct {
		name string
		err  webhook.DeliveryError
		want string
	}{
		{"zero", webhook.DeliveryError{}, "webhook: message not delivered after 0 attempts"},
		{"an invalid id", webhook.DeliveryError{MessageID: "a\nb", Attempts: 1, Err: errCause}, "webhook: message not delivered after 1 attempt: queue closed"},
		{"both", webhook.DeliveryError{MessageID: "a", Attempts: 2, Err: errCause, Last: webhook.Attempt{Err: io.EOF}}, "webhook: message a not delivered after 2 attempts: queue closed (EOF)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.EqualError(t, &tt.err, tt.want)
			if tt.err.Err != nil {
				require.ErrorIs(t, &tt.err, errCause)
			}
			require.Equal(t, tt.err.Last.Err != nil, errors.Is(&tt.err, io.EOF))
		})
	}
}

// One Client may be used by many goroutines, also the zero Client.
func TestClient_Concurrent(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(srv.Close)
	good, m := newClient(t, loopback), message(srv.URL)
	var zero webhook.Client
	var wg sync.WaitGroup
	errs := make(chan error, 32)
	for range 16 {
		wg.Go(func() {
			errs <- good.Send(t.Context(), m)
			if a := zero.Try(t.Context(), m, 1); a.Class != webhook.ClassUnreachable {
				errs <- a.Err
			}
			zero.CloseIdleConnections()
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
}
