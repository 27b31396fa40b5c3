package webhooktest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/webhooktest"
)

func TestTestSender(t *testing.T) {
	t.Parallel()

	t.Run("Client", func(t *testing.T) {
		t.Parallel()
		webhooktest.TestSender(t, func(_ testing.TB, c *webhook.Client) (webhook.Sender, func()) {
			return c, func() {}
		})
	})
	t.Run("Asynchronous", func(t *testing.T) {
		t.Parallel()
		webhooktest.TestSender(t, background(loop{}))
	})
}

// TestTestSender_Teeth breaks a sender in one way at a time, and sees that the suite
// notices.
func TestTestSender_Teeth(t *testing.T) {
	t.Parallel()

	tests := []struct {
		name   string
		broken webhooktest.StartFunc
		check  string // the one that must fail
		says   string // a part of what it must say
	}{
		{
			name: "changes the bytes on retry",
			broken: background(loop{edit: onRetry(func(m *webhook.Message) {
				m.Body = append(slices.Clone(m.Body), ' ')
			})}),
			check: "delivered after failures", says: "request has the body",
		},
		{
			name: "changes the URL on retry",
			broken: background(loop{edit: onRetry(func(m *webhook.Message) {
				m.URL = strings.Replace(m.URL, "%2F", "/", 1)
			})}),
			check: "connection reset", says: "request is POST",
		},
		{
			name: "loses a header value",
			broken: background(loop{edit: always(func(m *webhook.Message) {
				m.Header = http.Header{"X-Api-Key": m.Header["X-Api-Key"][:1]}
			})}),
			check: "delivered at the first attempt", says: "request has X-Api-Key",
		},
		{
			name:   "makes a new id on retry",
			broken: background(loop{edit: onRetry(func(m *webhook.Message) { m.ID += "_2" })}),
			check:  "delivered after failures", says: "1 requests arrived under the message's id, want 3",
		},
		{
			name: "signs once",
			broken: with(loop{}, func(c *webhook.Client) {
				c.Signer = signOnce(c.Signer)
			}),
			check: "delivered after failures", says: "not signed afresh",
		},
		{
			name: "follows redirects",
			broken: with(loop{}, func(c *webhook.Client) {
				c.Transport = followRedirects(c.Transport)
			}),
			check: "redirects are not followed", says: "arrived at the redirect's target",
		},
		{
			name: "goes on after 410",
			broken: background(loop{again: func(a webhook.Attempt) bool {
				return a.Outcome == webhook.OutcomeRetrying || a.Outcome == webhook.OutcomeGone && a.N < 4
			}}),
			check: "410 ends it", says: "4 requests arrived",
		},
		{
			name:   "never tries again",
			broken: background(loop{again: func(webhook.Attempt) bool { return false }}),
			check:  "delivered after failures", says: "1 requests arrived",
		},
		{
			name:   "never gives up",
			broken: background(loop{again: func(a webhook.Attempt) bool { return a.Err != nil && a.N < 20 }}),
			check:  "given up", says: "20 requests arrived",
		},
		{
			name:   "does not wait",
			broken: background(loop{wait: func(time.Duration) {}}),
			check:  "Retry-After is honoured", says: "after the one before it, want at least 1s",
		},
		{
			name:   "takes any 2xx for success",
			broken: background(loop{edit: always(func(m *webhook.Message) { m.Policy.Success = nil })}),
			check:  "2xx outside Success", says: "1 requests arrived",
		},
		{
			name: "changes the message",
			broken: func(_ testing.TB, c *webhook.Client) (webhook.Sender, func()) {
				return webhook.SenderFunc(func(ctx context.Context, m *webhook.Message) error {
					m.Header.Set("X-Sent", "yes")
					return c.Send(ctx, m)
				}), func() {}
			},
			check: "delivered at the first attempt", says: "the sender has changed a message",
		},
		{
			name: "drops messages",
			broken: func(testing.TB, *webhook.Client) (webhook.Sender, func()) {
				return webhook.SenderFunc(func(context.Context, *webhook.Message) error { return nil }), func() {}
			},
			check: "delivered at the first attempt", says: "0 requests arrived",
		},
		{
			name: "sends twice",
			broken: func(_ testing.TB, c *webhook.Client) (webhook.Sender, func()) {
				return webhook.SenderFunc(func(ctx context.Context, m *webhook.Message) error {
					return errors.Join(c.Send(ctx, m), c.Send(ctx, m))
				}), func() {}
			},
			check: "many at once", says: "requests arrived, want 75",
		},
		{
			name:   "does not look at the context",
			broken: background(loop{ignoreContext: true}),
			check:  "a context that has ended", says: "returned nil",
		},
		{
			name:   "mends invalid messages",
			broken: background(loop{edit: always(func(m *webhook.Message) { m.Method, m.ID = "POST", "mended" })}),
			check:  "invalid messages are not sent", says: "requests arrived, want 0",
		},
		{
			name: "sends unsigned",
			broken: with(loop{}, func(c *webhook.Client) {
				c.Signer = nil
			}),
			check: "nothing is sent unsigned", says: "1 requests arrived, want 0",
		},
		{
			name: "has its own schedule",
			broken: with(loop{}, func(c *webhook.Client) {
				c.Retry = nil
			}),
			check: "RetryFunc decides", says: "2 requests arrived",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			said := run(t, tt.check, tt.broken)
			require.Contains(t, said, tt.says)
		})
	}
}

// run returns what a check of the suite says against a sender.
func run(t *testing.T, check string, start webhooktest.StartFunc) string {
	tb := &complaints{TB: t}
	webhooktest.CheckSender(tb, check, start)
	tb.mu.Lock()
	defer tb.mu.Unlock()
	return tb.said.String()
}

// complaints takes down the errors of a check instead of failing the test. No check
// uses Fatal or Fail.
type complaints struct {
	testing.TB
	mu   sync.Mutex
	said strings.Builder
}

func (c *complaints) Errorf(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	fmt.Fprintf(&c.said, format+"\n", args...)
}

// A loop is what a sender does over Client.Try, done right if it is zero. Each field
// lets it do one thing otherwise.
type loop struct {
	edit          func(m *webhook.Message, n int)
	again         func(a webhook.Attempt) bool
	wait          func(d time.Duration)
	ignoreContext bool
}

func (l loop) deliver(ctx context.Context, c *webhook.Client, m *webhook.Message) {
	for n := 1; ; n++ {
		sent := *m
		if l.edit != nil {
			l.edit(&sent, n)
		}
		a := c.Try(ctx, &sent, n)
		again := a.Outcome == webhook.OutcomeRetrying
		if l.again != nil {
			again = l.again(a)
		}
		if !again {
			return
		}
		if l.wait != nil {
			l.wait(a.Wait)
		} else {
			<-time.After(a.Wait)
		}
	}
}

// background starts a sender that accepts a message and delivers it from a goroutine.
func background(l loop) webhooktest.StartFunc { return with(l, func(*webhook.Client) {}) }

// with changes the client first.
func with(l loop, change func(c *webhook.Client)) webhooktest.StartFunc {
	return func(_ testing.TB, c *webhook.Client) (webhook.Sender, func()) {
		change(c)
		var running sync.WaitGroup
		return webhook.SenderFunc(func(ctx context.Context, m *webhook.Message) error {
			if ctx.Err() != nil && !l.ignoreContext {
				return context.Cause(ctx)
			}
			running.Go(func() { l.deliver(context.WithoutCancel(ctx), c, m) })
			return nil
		}), running.Wait
	}
}

func always(edit func(m *webhook.Message)) func(*webhook.Message, int) {
	return func(m *webhook.Message, _ int) { edit(m) }
}

func onRetry(edit func(m *webhook.Message)) func(*webhook.Message, int) {
	return func(m *webhook.Message, n int) {
		if n > 1 {
			edit(m)
		}
	}
}

func signOnce(s webhook.Signer) webhook.Signer {
	var (
		once   sync.Once
		header http.Header
		err    error
	)
	return webhook.SignerFunc(func(ctx context.Context, m *webhook.Message, at time.Time, h http.Header) error {
		once.Do(func() {
			header = http.Header{}
			err = s.Sign(ctx, m, at, header)
		})
		maps.Copy(h, header)
		return err
	})
}

type roundTripperFunc func(*http.Request) (*http.Response, error)

func (f roundTripperFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// followRedirects does what an http.Client would.
func followRedirects(base http.RoundTripper) http.RoundTripper {
	return roundTripperFunc(func(r *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		client := &http.Client{Transport: base}
		again, err := http.NewRequestWithContext(r.Context(), r.Method, r.URL.String(), bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		again.Header = r.Header.Clone()
		return client.Do(again)
	})
}
