package webhooktest_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/handshake"
	"github.com/ringhook/webhook/webhooktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newReceiver is NewReceiver that is closed when the test ends.
func newReceiver(t *testing.T, script ...webhooktest.Answer) *webhooktest.Receiver {
	t.Helper()
	rcv := webhooktest.NewReceiver(script...)
	t.Cleanup(rcv.Close)
	return rcv
}

// do sends a request through the transport of the receiver's own client.
func do(t *testing.T, rcv *webhooktest.Receiver, method, target, body string) (*http.Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, rcv.URL+target, strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set(webhook.HeaderID, "msg_1")
	return rcv.Client().Transport.RoundTrip(req)
}

// post returns the status and the body of an answer that has an end.
func post(t *testing.T, rcv *webhooktest.Receiver) (*http.Response, string) {
	t.Helper()
	resp, err := do(t, rcv, http.MethodPost, "/", "hello")
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp, string(body)
}

func TestReceiver_Requests(t *testing.T) {
	t.Parallel()

	rcv := newReceiver(t)
	before := time.Now()
	resp, err := do(t, rcv, http.MethodPut, "/a%2Fb?x=1&y=%20", "\x00hello\xff")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, 200, resp.StatusCode)

	got := rcv.Requests()
	require.Len(t, got, 1)
	require.Equal(t, "msg_1", got[0].ID)
	require.Equal(t, http.MethodPut, got[0].Method)
	require.Equal(t, "/a%2Fb?x=1&y=%20", got[0].URL)
	require.Equal(t, []string{"msg_1"}, got[0].Header[webhook.HeaderID])
	require.Equal(t, []byte("\x00hello\xff"), got[0].Body)
	require.WithinRange(t, got[0].At, before, time.Now())
	require.NoError(t, got[0].Err)

	got[0].ID = "changed"
	require.Equal(t, "msg_1", rcv.Requests()[0].ID)
	rcv.Close()
	require.Len(t, rcv.Requests(), 1)
}

func TestReceiver_Script(t *testing.T) {
	t.Parallel()

	tests := []struct {
		name   string
		script []webhooktest.Answer
		want   []int
	}{
		{"Empty", nil, []int{200, 200}},
		{"Zero", []webhooktest.Answer{{}}, []int{200, 200}},
		{"One", []webhooktest.Answer{webhooktest.Status(204)}, []int{204, 204, 204}},
		{
			"LastRepeats",
			[]webhooktest.Answer{webhooktest.Status(500), webhooktest.Status(410)},
			[]int{500, 410, 410, 410},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			rcv := newReceiver(t, tt.script...)
			for _, want := range tt.want {
				resp, _ := post(t, rcv)
				require.Equal(t, want, resp.StatusCode)
			}
			require.Len(t, rcv.Requests(), len(tt.want))
		})
	}
}

func TestReply(t *testing.T) {
	t.Parallel()

	tests := []struct {
		name   string
		answer webhooktest.Answer
		status int
		header http.Header
		body   string
	}{
		{
			"Reply", webhooktest.Reply(422, http.Header{"X-Y": {"a", "b"}}, "no"), 422,
			http.Header{"X-Y": {"a", "b"}},
			"no",
		},
		{"RetryAfter", webhooktest.RetryAfter(429, "120"), 429, http.Header{"Retry-After": {"120"}}, ""},
		{"Redirect", webhooktest.Redirect(307, "/elsewhere"), 307, http.Header{"Location": {"/elsewhere"}}, ""},
		{"Func", webhooktest.Func(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(202)
			_, _ = io.Copy(w, r.Body)
		}), 202, nil, "hello"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			resp, body := post(t, newReceiver(t, tt.answer))
			require.Equal(t, tt.status, resp.StatusCode)
			for name, values := range tt.header {
				require.Equal(t, values, resp.Header[name])
			}
			require.Equal(t, tt.body, body)
		})
	}
}

func TestHandshake(t *testing.T) {
	t.Parallel()

	rcv := newReceiver(t, webhooktest.Handshake("k", webhooktest.Status(202)))
	transport := rcv.Client().Transport
	for _, h := range []handshake.Handshake{handshake.Echo{Key: "k"}, handshake.Hub{Token: "k"}} {
		require.NoError(t, h.Verify(t.Context(), transport, rcv.URL))
	}
	for _, h := range []handshake.Handshake{handshake.Echo{Key: "l"}, handshake.Hub{Token: "l"}} {
		require.ErrorIs(t, h.Verify(t.Context(), transport, rcv.URL), handshake.ErrRefused)
	}
	resp, _ := post(t, rcv)
	require.Equal(t, 202, resp.StatusCode)
}

func TestStatus_Panics(t *testing.T) {
	t.Parallel()

	for _, code := range []int{-1, 0, 103, 1000} {
		require.Panics(t, func() { webhooktest.Status(code) })
		require.Panics(t, func() { webhooktest.Drip(code, time.Second) })
		require.Panics(t, func() { webhooktest.Endless(code) })
	}
}

func TestReset(t *testing.T) {
	t.Parallel()

	rcv := newReceiver(t, webhooktest.Reset())
	_, err := do(t, rcv, http.MethodPost, "/", "hello")
	require.ErrorIs(t, err, syscall.ECONNRESET)
	require.Len(t, rcv.Requests(), 1)
}

func TestRefuse(t *testing.T) {
	t.Parallel()

	t.Run("Client", func(t *testing.T) {
		t.Parallel()
		rcv := newReceiver(t, webhooktest.Refuse(), webhooktest.Status(204), webhooktest.Refuse())
		_, err := do(t, rcv, http.MethodPost, "/", "hello")
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
		require.Empty(t, rcv.Requests())
		resp, _ := post(t, rcv)
		require.Equal(t, 204, resp.StatusCode)
		for range 2 {
			_, err = do(t, rcv, http.MethodPost, "/", "hello")
			require.ErrorIs(t, err, syscall.ECONNREFUSED)
		}
		require.Len(t, rcv.Requests(), 1)
	})
	t.Run("OtherReceiver", func(t *testing.T) {
		t.Parallel()
		rcv, other := newReceiver(t, webhooktest.Refuse()), newReceiver(t)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, other.URL, nil)
		require.NoError(t, err)
		resp, err := rcv.Client().Transport.RoundTrip(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Len(t, other.Requests(), 1)
	})
	t.Run("OtherClient", func(t *testing.T) {
		t.Parallel()
		rcv := newReceiver(t, webhooktest.Refuse(), webhooktest.Status(204))
		transport := &http.Transport{}
		defer transport.CloseIdleConnections()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, rcv.URL, strings.NewReader("hello"))
		require.NoError(t, err)
		_, err = transport.RoundTrip(req)
		require.ErrorIs(t, err, syscall.ECONNRESET)
		require.Empty(t, rcv.Requests())
		resp, _ := post(t, rcv)
		require.Equal(t, 204, resp.StatusCode)
	})
}

// TestReceiver_Unending closes the receiver, or lets the sender go, while an answer is
// going on.
func TestReceiver_Unending(t *testing.T) {
	t.Parallel()

	tests := []struct {
		name   string
		answer webhooktest.Answer
		hangs  bool // no status line comes
		atOnce int  // bytes of body that come
	}{
		{"Hang", webhooktest.Hang(), true, 0},
		{"Drip", webhooktest.Drip(200, time.Millisecond), false, 3},
		{"Endless", webhooktest.Endless(500), false, 1 << 20},
		{"SlowDrip", webhooktest.Drip(200, time.Hour), false, 0},
		{"EndlessUnread", webhooktest.Endless(200), false, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, end := range []string{"Close", "SenderGoes"} {
				t.Run(end, func(t *testing.T) {
					t.Parallel()
					returned := make(chan struct{})
					rcv := newReceiver(t, webhooktest.Func(func(w http.ResponseWriter, r *http.Request) {
						defer close(returned)
						webhooktest.Play(tt.answer, w, r)
					}))
					ctx, leave := context.WithCancel(t.Context())
					defer leave()
					sent := make(chan error, 1)
					go func() { sent <- receive(ctx, rcv, tt.atOnce) }()
					_, err := rcv.Wait(t.Context(), 1)
					require.NoError(t, err)
					if !tt.hangs {
						require.NoError(t, <-sent)
					}
					if end == "Close" {
						rcv.Close()
					} else {
						leave()
					}
					<-returned
					if tt.hangs {
						require.Error(t, <-sent)
					}
				})
			}
		})
	}
}

// receive posts something and reads n bytes of the answer, and no more. What is left
// goes when ctx ends.
func receive(ctx context.Context, rcv *webhooktest.Receiver, n int) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, rcv.URL, strings.NewReader("hello"))
	if err != nil {
		return err
	}
	resp, err := rcv.Client().Transport.RoundTrip(req)
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { resp.Body.Close() })
	_, err = io.CopyN(io.Discard, resp.Body, int64(n))
	return err
}

func TestReceiver_Close(t *testing.T) {
	t.Parallel()

	rcv := webhooktest.NewReceiver()
	// A connection on which nothing was sent must not hold Close up, nor half a request.
	idle, err := net.Dial("tcp", strings.TrimPrefix(rcv.URL, "http://"))
	require.NoError(t, err)
	defer idle.Close()
	half, err := net.Dial("tcp", strings.TrimPrefix(rcv.URL, "http://"))
	require.NoError(t, err)
	defer half.Close()
	_, err = io.WriteString(half, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhel")
	require.NoError(t, err)
	post(t, rcv)

	rcv.Close()
	rcv.Close()
	_, err = do(t, rcv, http.MethodPost, "/", "hello")
	require.Error(t, err)
	require.Len(t, rcv.Requests(), 1)
}

func TestReceiver_Wait(t *testing.T) {
	t.Parallel()

	t.Run("Arrives", func(t *testing.T) {
		t.Parallel()
		rcv := newReceiver(t)
		go func() {
			for range 3 {
				_ = receive(t.Context(), rcv, 0)
			}
		}()
		got, err := rcv.Wait(t.Context(), 3)
		require.NoError(t, err)
		require.Len(t, got, 3)
		got, err = rcv.Wait(t.Context(), 2)
		require.NoError(t, err)
		require.Len(t, got, 3)
	})
	t.Run("ContextEnds", func(t *testing.T) {
		t.Parallel()
		rcv := newReceiver(t)
		post(t, rcv)
		cause := errors.New("had enough")
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(cause)
		got, err := rcv.Wait(ctx, 2)
		require.ErrorIs(t, err, cause)
		require.EqualError(t, err, "webhooktest: 1 of 2 requests arrived: had enough")
		require.Len(t, got, 1)
	})
	t.Run("Closed", func(t *testing.T) {
		t.Parallel()
		rcv := newReceiver(t)
		rcv.Close()
		_, err := rcv.Wait(t.Context(), 1)
		require.EqualError(t, err, "webhooktest: 0 of 1 requests arrived before Close")
	})
}

func TestNewReceiverAt(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	rcv := webhooktest.NewReceiverAt(l, webhooktest.Status(204))
	require.Equal(t, "http://"+l.Addr().String(), rcv.URL)
	m := &webhook.Message{ID: "msg_1", Method: "POST", URL: rcv.URL + "/x"}
	require.Equal(t, 204, rcv.Client().Try(t.Context(), m, 1).Status)
	rcv.Close()
	require.ErrorIs(t, l.Close(), net.ErrClosed)
	require.Len(t, rcv.Requests(), 1)
}

func TestReceiver_Verifier(t *testing.T) {
	t.Parallel()

	secret, other := webhook.GenerateSecret(), webhook.GenerateSecret()
	key := func(s webhook.Secret) webhook.Keyring {
		return func(context.Context, string) ([]webhook.Secret, error) { return []webhook.Secret{s}, nil }
	}
	known := func(context.Context, string) (bool, error) { return true, nil }
	tests := []struct {
		name     string
		signer   webhook.Signer
		verifier webhook.Verifier
		method   string
		want     error
		status   int
	}{
		{"Good", webhook.StandardWebhooks{Keys: key(secret)}, webhook.Verifier{}, "POST", nil, 202},
		{
			"OtherKey",
			webhook.StandardWebhooks{Keys: key(other)},
			webhook.Verifier{},
			"POST",
			webhook.ErrBadSignature, 401,
		},
		{"Unsigned", nil, webhook.Verifier{}, "POST", webhook.ErrNoSignature, 401},
		{
			"Known",
			webhook.StandardWebhooks{Keys: key(secret)},
			webhook.Verifier{Seen: known},
			"POST",
			webhook.ErrReplayed, 200,
		},
		{"HMAC", webhook.HMAC{Keys: key(secret)}, webhook.Verifier{Header: "Signature"}, "POST", nil, 202},
		{"HMACOfGET", webhook.HMAC{Keys: key(secret)}, webhook.Verifier{Header: "Signature"}, "GET", nil, 202},
		{"DescribedHMACOfGET", webhook.Shopify(key(secret)), webhook.Verifier{HMAC: new(webhook.Shopify(nil))}, "GET", nil, 202},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			rcv := newReceiver(t, webhooktest.Status(202), webhooktest.Status(204))
			tt.verifier.Secrets = []webhook.Secret{secret}
			rcv.Verifier = &tt.verifier
			client := rcv.Client()
			client.Signer = tt.signer
			m := &webhook.Message{ID: "msg_1", Method: tt.method, URL: rcv.URL + "/?a=b&c=%20"}
			if tt.method != http.MethodGet {
				m.Body = []byte("hello")
			}
			require.Equal(t, tt.status, client.Try(t.Context(), m, 1).Status)
			require.ErrorIs(t, rcv.Requests()[0].Err, tt.want)
		})
	}

	t.Run("TakesTheStep", func(t *testing.T) {
		t.Parallel()
		rcv := newReceiver(t, webhooktest.Status(202), webhooktest.Status(204))
		rcv.Verifier = &webhook.Verifier{Secrets: []webhook.Secret{secret}}
		m := &webhook.Message{ID: "msg_1", Method: "POST", URL: rcv.URL, Body: []byte("hello")}
		require.Equal(t, 401, rcv.Client().Try(t.Context(), m, 1).Status)
		client := rcv.Client()
		client.Signer = webhook.StandardWebhooks{Keys: key(secret)}
		require.Equal(t, 204, client.Try(t.Context(), m, 2).Status)
	})
}

// Next hands out each request once, to whoever waits, and keeps none of them.
func TestReceiver_Next(t *testing.T) {
	t.Parallel()
	rcv := newReceiver(t)
	const requests = 20
	taken := make(chan string, requests)
	for range requests {
		go func() {
			next, err := rcv.Next(t.Context())
			if err != nil {
				next.URL = err.Error()
			}
			taken <- next.URL
		}()
	}
	var sent, got []string
	for n := range requests {
		sent = append(sent, "/"+strconv.Itoa(n))
		resp, err := do(t, rcv, http.MethodPost, sent[n], "hello")
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
	}
	for range requests {
		got = append(got, <-taken)
	}
	require.ElementsMatch(t, sent, got)
	require.Empty(t, rcv.Requests())

	post(t, rcv)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("enough"))
	_, err := rcv.Next(ctx)
	require.NoError(t, err, "what is there comes first")
	_, err = rcv.Next(ctx)
	require.ErrorContains(t, err, "enough")
}
