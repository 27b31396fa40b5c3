package webhook_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
)

func TestFault_Status(t *testing.T) {
	t.Parallel()
	anyOf := map[int]bool{}
	for code := 200; code <= 299; code++ {
		anyOf[code] = true
	}
	profiles := []struct {
		event   string
		success map[int]bool
	}{
		{status, anyOf},
		{"voice:message:out", map[int]bool{200: true, 202: true}},
	}
	for _, profile := range profiles {
		t.Run(profile.event, func(t *testing.T) {
			t.Parallel()
			for code := 200; code <= 599; code++ {
				m := message("http://receiver.test/")
				m.Event = profile.event
				a := (&webhook.Client{Transport: answer(code)}).Try(t.Context(), m, 1)
				require.Equal(t, code, a.Status)
				require.True(t, a.MayHaveArrived)
				switch {
				case profile.success[code]:
					require.NoError(t, a.Err)
					require.Equal(t, webhook.OutcomeDelivered, a.Outcome)
				case code == 410:
					require.EqualError(t, a.Err, "webhook: "+statusText(code, profile.event))
					require.Equal(t, webhook.OutcomeGone, a.Outcome)
					require.Zero(t, a.Wait)
				default:
					requireFailed(t, a, webhook.ClassStatus, statusText(code, profile.event))
				}
				want := webhook.PolicyFor(profile.event).Success
				if profile.success[code] {
					want = nil
				}
				require.Equal(t, want, a.Want)
			}
		})
	}
	t.Run("204 with a stray body", func(t *testing.T) {
		t.Parallel()
		url := rawServer(t, func(conn net.Conn) {
			readRequest(bufio.NewReader(conn))
			_, _ = io.WriteString(conn, "HTTP/1.1 204 x\r\nConnection: close\r\n\r\nstray")
		})
		a := newClient(t, loopback).Try(t.Context(), message(url), 1)
		require.NoError(t, a.Err)
		require.Empty(t, a.Body)
	})
}

// statusText is what an attempt says of a status without a Location.
func statusText(code int, event string) string {
	text := "status " + strconv.Itoa(code)
	switch {
	case code == 301, code == 302, code == 303, code == 307, code == 308:
		return text + ": redirects are not followed"
	case event == "voice:message:out":
		return text + ", want 200 or 202"
	}
	return text
}

func TestFault_3xx(t *testing.T) {
	t.Parallel()
	forEach(t, test3xx)
}

func test3xx(t *testing.T, k carrier) {
	for _, code := range []int{301, 302, 303, 304, 307, 308} {
		t.Run(strconv.Itoa(code), func(t *testing.T) {
			t.Parallel()
			target := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("followed") }))
			t.Cleanup(target.Close)
			for _, location := range []string{target.URL, "/self", ""} {
				var requests atomic.Int32
				srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					requests.Add(1)
					if location != "" {
						w.Header().Set("Location", location)
					}
					w.WriteHeader(code)
				}))
				t.Cleanup(srv.Close)
				a := k.client(t, loopback).Try(t.Context(), message(srv.URL), 1)
				text := statusText(code, "")
				if code != 304 {
					text += map[string]string{
						target.URL: "; it points to another port of the same host",
						"/self":    "; it points to another path of the same host",
					}[location]
				}
				requireFailed(t, a, webhook.ClassStatus, text)
				require.Equal(t, location, a.Location)
				require.EqualValues(t, 1, requests.Load(), "requests on the wire")
				require.Equal(t, 1, a.Requests)
			}
		})
	}
}

func TestFault_RetryAfter(t *testing.T) {
	t.Parallel()
	tests := []struct {
		id, value string
		code      int
		wait      time.Duration
	}{
		{"429-seconds", "120", 429, 2 * time.Minute},
		{"429-date", "Sat, 01 Jan 2000 00:02:00 GMT", 429, 2 * time.Minute},
		{"429-hostile seconds", "99999999999", 429, time.Hour},
		{"429-hostile negative", "-1", 429, 10 * time.Second},
		{"429-hostile NaN", "NaN", 429, 10 * time.Second},
		{"429-hostile date", "Fri, 31 Dec 9999 00:00:00 GMT", 429, time.Hour},
		{"503-retry-after", "120", 503, 2 * time.Minute},
		{"never shorter", "1", 503, 10 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.id, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := &webhook.Client{Transport: roundTripFunc(func(*http.Request) (*http.Response, error) {
					return &http.Response{
						StatusCode: tt.code, Header: http.Header{"Retry-After": {tt.value}},
						Body: http.NoBody,
					}, nil
				})}
				a := c.Try(t.Context(), message("http://receiver.test/"), 1)
				requireFailed(t, a, webhook.ClassStatus, "status "+strconv.Itoa(tt.code))
				require.Equal(t, tt.wait, c.Try(t.Context(), message("http://receiver.test/"), 1).Wait)

				c.Retry = func(*webhook.Message, webhook.Attempt) (time.Duration, bool) { return 3 * time.Hour, true }
				require.Equal(t, 3*time.Hour, c.Try(t.Context(), message("http://receiver.test/"), 9).Wait,
					"a RetryFunc's wait is lengthened only")
			})
		})
	}
}

var errShutdown = errors.New("shutting down")

func TestFault_Cancel(t *testing.T) {
	t.Parallel()
	forEach(t, testCancel)
}

func testCancel(t *testing.T, k carrier) {
	blocked := roundTripFunc(func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	})
	t.Run("cancel-before", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errShutdown)
		onAttempt := func(context.Context, *webhook.Message, webhook.Attempt) { t.Error("told") }
		c := &webhook.Client{Transport: unreachable(t), OnAttempt: onAttempt}
		err := c.Send(ctx, message("http://receiver.test/"))
		require.EqualError(t, err, "webhook: message msg_1 not delivered after 0 attempts: shutting down")
		require.ErrorIs(t, err, errShutdown)
		var delivery *webhook.DeliveryError
		require.ErrorAs(t, err, &delivery)
		require.Zero(t, delivery.Attempts)
		require.Equal(t, webhook.OutcomeCanceled, delivery.Last.Outcome)
	})
	for _, id := range []string{"cancel-dial", "cancel-headers"} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				release := make(chan struct{}) // for net/http, which goes on dialling
				defer close(release)
				c := &webhook.Client{Transport: k.dial(pipeDialer(release, id == "cancel-dial"))}
				c.OnAttempt = func(context.Context, *webhook.Message, webhook.Attempt) { t.Error("told") }
				ctx, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(time.Second, func() { cancel(errShutdown) })
				err := c.Send(ctx, message("http://receiver.test/"))
				require.Equal(t, errShutdown, err.(*webhook.DeliveryError).Err) //nolint:errorlint // this very one
				require.ErrorIs(t, err, errShutdown)
				last := err.(*webhook.DeliveryError).Last //nolint:errorlint // this very one
				require.Equal(t, time.Second, last.Duration)
				require.Equal(t, webhook.ClassCanceled, last.Class)
				require.Equal(t, webhook.OutcomeCanceled, last.Outcome)
				require.Equal(t, id == "cancel-headers", last.MayHaveArrived)
			})
		})
	}
	t.Run("cancel-body-200", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			c := &webhook.Client{Transport: roundTripFunc(func(r *http.Request) (*http.Response, error) {
				body := readerFunc(func([]byte) (int, error) {
					cancel()
					<-r.Context().Done()
					return 0, r.Context().Err()
				})
				return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(body)}, nil
			})}
			require.NoError(t, c.Send(ctx, message("http://receiver.test/")))
			require.Error(t, ctx.Err())
		})
	})
	t.Run("cancel-backoff", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(15*time.Second, func() { cancel(errShutdown) })
			begin := time.Now()
			err := (&webhook.Client{Transport: answer(500)}).Send(ctx, message("http://receiver.test/"))
			require.EqualError(t, err, "webhook: message msg_1 not delivered after 2 attempts: shutting down (status 500)")
			require.Equal(t, 15*time.Second, time.Since(begin), "at once")
			require.ErrorIs(t, err, errShutdown)
			require.NotErrorIs(t, err, context.Canceled)
			last := err.(*webhook.DeliveryError).Last //nolint:errorlint // this very one
			require.Equal(t, webhook.OutcomeRetrying, last.Outcome)
			require.Equal(t, 100*time.Second, last.Wait)
		})
	})
	t.Run("deadline within an attempt", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			a := (&webhook.Client{Transport: blocked}).Try(ctx, message("http://receiver.test/"), 1)
			require.Equal(t, webhook.OutcomeCanceled, a.Outcome)
			require.ErrorIs(t, a.Err, context.DeadlineExceeded)
			require.EqualError(t, a.Err, "webhook: canceled")
		})
	})
	t.Run("the attempt's own timeout is not a cancellation", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			a := (&webhook.Client{Transport: blocked}).Try(t.Context(), message("http://receiver.test/"), 1)
			requireFailed(t, a, webhook.ClassTimeout, "no answer in time")
			require.Equal(t, 3*time.Second, a.Duration)
		})
	})
	t.Run("a transport's deadline is not a cancellation", func(t *testing.T) {
		t.Parallel()
		c := &webhook.Client{Transport: roundTripFunc(func(*http.Request) (*http.Response, error) {
			return nil, context.DeadlineExceeded
		})}
		requireFailed(t, c.Try(t.Context(), message("http://receiver.test/"), 1), webhook.ClassTimeout, "no answer in time")
	})
}

// pipeDialer connects to a receiver that reads and never answers. If hangs, it does not
// even connect.
func pipeDialer(release <-chan struct{}, hangs bool) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		if hangs {
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-release:
				return nil, net.ErrClosed
			}
		}
		client, server := net.Pipe()
		go func() { _, _ = io.Copy(io.Discard, server) }()
		return client, nil
	}
}

// readerFunc is a function that is an io.Reader.
type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }
