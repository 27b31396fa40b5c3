package webhook_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
)

func TestVerifierHandler(t *testing.T) {
	t.Parallel()
	m, at, _ := rustMessage()
	body := string(m.Body)
	hexSecret := webhook.WebhookIDSecret(signWebhookID)
	hexSign := func(method, url, body string) http.Header {
		m := &webhook.Message{WebhookID: signWebhookID, Method: method, URL: url, Body: []byte(body)}
		header, err := sign(t, webhook.HMAC{}, m, at)
		require.NoError(t, err)
		return header
	}
	hexScheme := func(v *webhook.Verifier) {
		v.Header, v.Secrets = "Signature", []webhook.Secret{hexSecret}
	}
	const getURL = "http://example.com/hook?status=sent&name=a%20b"

	tests := []struct {
		name   string
		change func(v *webhook.Verifier)
		method string
		url    string
		body   io.Reader
		header http.Header
		want   int // if 0, next is called
	}{
		{name: "genuine", body: strings.NewReader(body)},
		{name: "genuine, of unknown length", body: io.MultiReader(strings.NewReader(body))},
		{name: "body at the limit", change: func(v *webhook.Verifier) { v.MaxBody = int64(len(body)) }, body: strings.NewReader(body)},
		{name: "body over the limit", change: func(v *webhook.Verifier) { v.MaxBody = int64(len(body)) - 1 }, body: strings.NewReader(body), want: 413},
		{name: "body over the default limit", body: io.LimitReader(zeros{}, 1<<20+1), want: 413},
		{name: "no limit", change: func(v *webhook.Verifier) { v.MaxBody = -1 }, body: io.LimitReader(zeros{}, 1<<20+1), want: 401},
		{name: "body breaks off", body: iotest.ErrReader(io.ErrUnexpectedEOF), want: 400},
		{name: "forged", body: strings.NewReader("{}"), want: 401},
		{name: "unsigned", body: strings.NewReader(body), header: http.Header{}, want: 401},
		{name: "no secret", change: func(v *webhook.Verifier) { v.Secrets = nil }, body: strings.NewReader(body), want: 401},
		{name: "expired", change: func(v *webhook.Verifier) { v.Now = time.Now }, body: strings.NewReader(body), want: 401},
		{name: "seen", change: func(v *webhook.Verifier) {
			v.Seen = func(context.Context, string) (bool, error) { return true, nil }
		}, body: strings.NewReader(body), want: 200},
		{name: "seen fails", change: func(v *webhook.Verifier) {
			v.Seen = func(context.Context, string) (bool, error) { return false, webhook.ErrBadSignature }
		}, body: strings.NewReader(body), want: 500},
		{name: "hmac", change: hexScheme, body: strings.NewReader(body), header: hexSign("POST", "", body)},
		{name: "hmac of a get", change: hexScheme, method: "GET", url: getURL, header: hexSign("GET", getURL, "")},
		{name: "hmac of a get, query changed", change: hexScheme, method: "GET", url: getURL + "c", header: hexSign("GET", getURL, ""), want: 401},
		{
			name: "hmac of a get, body added", change: hexScheme, method: "GET", url: getURL,
			body: strings.NewReader("x"), header: hexSign("GET", getURL, ""), want: 401,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v := rustVerifier(t, at)
			if tt.change != nil {
				tt.change(&v)
			}
			var (
				called   bool
				got      []byte
				readErr  error
				length   int64
				encoding []string
			)
			handler := v.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				called = true
				got, readErr = io.ReadAll(r.Body)
				length, encoding = r.ContentLength, r.TransferEncoding
				w.WriteHeader(http.StatusNoContent)
			}))
			method, url := tt.method, tt.url
			if method == "" {
				method, url = http.MethodPost, "http://example.com/hook"
			}
			r := httptest.NewRequestWithContext(t.Context(), method, url, tt.body)
			r.Header = tt.header
			if r.Header == nil {
				r.Header = rustHeader()
			}
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)

			require.Equal(t, tt.want == 0, called)
			if tt.want == 0 {
				require.Equal(t, http.StatusNoContent, w.Code)
				require.NoError(t, readErr)
				require.Equal(t, int64(len(got)), length)
				require.Empty(t, encoding)
				if method != http.MethodGet {
					require.Equal(t, body, string(got))
				}
				return
			}
			require.Equal(t, tt.want, w.Code)
			require.Equal(t, http.StatusText(tt.want)+"\n", w.Body.String(), "no reason")
		})
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// A request over a real connection: chunked, with the request's context handed to Seen.
func TestVerifierHandlerServed(t *testing.T) {
	t.Parallel()
	m, at, _ := rustMessage()
	type ctxKey struct{}
	v := rustVerifier(t, at)
	v.Seen = func(ctx context.Context, _ string) (bool, error) { return ctx.Value(ctxKey{}) == nil, nil }
	verified := v.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.TransferEncoding) > 0 || r.ContentLength != int64(len(m.Body)) {
			// The handler must get the length of the body.
			w.WriteHeader(http.StatusTeapot)
			return
		}
		_, _ = io.Copy(w, r.Body)
	}))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		verified.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), ctxKey{}, true)))
	}))
	defer server.Close()

	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, io.MultiReader(bytes.NewReader(m.Body)))
	require.NoError(t, err)
	r.Header = rustHeader()
	response, err := server.Client().Do(r)
	require.NoError(t, err)
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, string(m.Body), string(got))
}

func TestVerifierHandlerNilBody(t *testing.T) {
	t.Parallel()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://example.com", nil)
	require.NoError(t, err)
	w := httptest.NewRecorder()
	webhook.Verifier{}.Handler(http.NotFoundHandler()).ServeHTTP(w, r)
	require.Equal(t, http.StatusUnauthorized, w.Code)
}
