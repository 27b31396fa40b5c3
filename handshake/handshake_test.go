package handshake_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/handshake"
	"github.com/ringhook/webhook/webhooktest"
)

const key = "9012000"

// serve starts a receiver that answers as f does.
func serve(t *testing.T, f http.HandlerFunc) (url string, transport http.RoundTripper) {
	t.Helper()
	r := webhooktest.NewReceiver(webhooktest.Func(f))
	t.Cleanup(r.Close)
	return r.URL, r.Client().Transport
}

func reply(code int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

// echoes answers a challenge of the platform with format, in which CHALLENGE is it.
func echoes(code int, format string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var asked struct{ Challenge string }
		_ = json.NewDecoder(r.Body).Decode(&asked)
		reply(code, "application/json", strings.ReplaceAll(format, "CHALLENGE", asked.Challenge))(w, r)
	}
}

func hubs(code int, contentType, format string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		reply(code, contentType, strings.ReplaceAll(format, "CHALLENGE", r.URL.Query().Get("hub.challenge")))(w, r)
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	var echo, hub handshake.Handshake = handshake.Echo{Key: key}, handshake.Hub{Token: "t"}
	for _, test := range []struct {
		name   string
		by     handshake.Handshake
		answer http.HandlerFunc
		want   string // of the error; empty if the proof is good
	}{
		{"echo: documented", echo, echoes(200, `{"challenge": "CHALLENGE"}`), ""},
		{"echo: with more in it", echo, echoes(200, `{"ok": true, "challenge": "CHALLENGE"}`+"\n"), ""},
		{"echo: without a key", handshake.Echo{}, echoes(200, `{"challenge": "CHALLENGE"}`), ""},
		{"echo: 201", echo, echoes(201, `{"challenge": "CHALLENGE"}`), "status 201, want 200"},
		{"echo: 404", echo, reply(404, "text/html", "no"), "status 404, want 200"},
		{"echo: a redirect", echo, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://elsewhere.example/?q=1", http.StatusTemporaryRedirect)
		}, "status 307: redirects are not followed; it points to another host"},
		{"echo: the request itself", echo, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(w, r.Body)
		}, "the server only sends back what it gets"},
		{"echo: the request among others", echo, echoes(200, `{"challenge": "CHALLENGE", "validation_key": null}`), "the server only sends back what it gets"},
		{"echo: another challenge", echo, echoes(200, `{"challenge": "a234qwe"}`), "is not the challenge"},
		{"echo: in other letters", echo, echoes(200, `{"Challenge": "CHALLENGE"}`), "is not the challenge"},
		{"echo: a part", echo, echoes(200, `{"challenge": " CHALLENGE"}`), "is not the challenge"},
		{"echo: a list", echo, echoes(200, `["CHALLENGE"]`), "no JSON object"},
		{"echo: null", echo, echoes(200, `null`), "no JSON object"},
		{"echo: plain text", echo, echoes(200, `CHALLENGE`), "no JSON object"},
		{"echo: nothing", echo, reply(200, "application/json", ""), "no JSON object"},
		{"echo: two", echo, echoes(200, `{"challenge": "CHALLENGE"} {}`), "no JSON object"},

		{"hub: documented", hub, hubs(200, "text/plain", "CHALLENGE"), ""},
		{"hub: with a line break", hub, hubs(200, "text/plain; charset=UTF-8", "CHALLENGE\r\n"), ""},
		{"hub: without a token", handshake.Hub{}, hubs(200, "text/plain", "CHALLENGE"), ""},
		{"hub: 404", hub, hubs(404, "text/plain", "CHALLENGE"), "status 404, want 200"},
		{"hub: a page", hub, hubs(200, "text/html", "CHALLENGE"), "the Content-Type of the answer is not text/plain"},
		{"hub: no type", hub, hubs(200, "", "CHALLENGE"), "the Content-Type of the answer is not text/plain"},
		{"hub: quoted", hub, hubs(200, "text/plain", `"CHALLENGE"`), "the body of the answer is not the challenge alone"},
		{"hub: the query itself", hub, func(w http.ResponseWriter, r *http.Request) {
			reply(200, "text/plain", r.URL.RawQuery)(w, r)
		}, "the body of the answer is not the challenge alone"},
		{"hub: nothing", hub, reply(200, "text/plain", ""), "the body of the answer is not the challenge alone"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			target, transport := serve(t, test.answer)
			err := test.by.Verify(t.Context(), transport, target+"/hook")
			if test.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, handshake.ErrRefused)
			require.ErrorContains(t, err, test.want)
			require.NotContains(t, err.Error(), key)
			require.NotContains(t, err.Error(), "127.0.0.1")
		})
	}
}

// What arrives, byte for byte but for the random part.
func TestRequests(t *testing.T) {
	t.Parallel()
	receiver := webhooktest.NewReceiver(webhooktest.Status(500))
	defer receiver.Close()
	transport := receiver.Client().Transport
	require.Error(t, handshake.Echo{Key: "k&1"}.Verify(t.Context(), transport, receiver.URL+"/hook?a=%2f&b"))
	require.Error(t, handshake.Hub{Token: "t"}.Verify(t.Context(), transport, receiver.URL))
	require.Error(t, handshake.Hub{}.Verify(t.Context(), transport, receiver.URL))

	got := receiver.Requests()
	require.Len(t, got, 3)
	require.Equal(t, "POST /hook?a=%2f&b&token=k%261", got[0].Method+" "+got[0].URL)
	require.Equal(t, "application/json", got[0].Header.Get("Content-Type"))
	var body map[string]string
	require.NoError(t, json.Unmarshal(got[0].Body, &body))
	challenge := body["challenge"]
	require.Equal(t, map[string]string{"validation_key": "k&1", "challenge": challenge}, body)
	require.GreaterOrEqual(t, len(challenge), 26, "128 bits in base 32")

	require.Equal(t, "GET", got[1].Method)
	u, err := url.Parse(got[1].URL)
	require.NoError(t, err)
	query := u.Query()
	require.Equal(t, url.Values{"hub.mode": {"subscribe"}, "hub.challenge": query["hub.challenge"], "hub.verify_token": {"t"}}, query)
	require.GreaterOrEqual(t, len(query.Get("hub.challenge")), 26)
	require.NotContains(t, got[2].URL, "verify_token")
	require.NotContains(t, got[2].URL, query.Get("hub.challenge"), "a challenge is used once")
}

func TestVerifyNowhere(t *testing.T) {
	t.Parallel()
	echo := handshake.Echo{Key: key}
	err := echo.Verify(t.Context(), nil, "http://127.0.0.1/hook")
	require.ErrorIs(t, err, handshake.ErrRefused, "the default reaches no private address")

	for _, target := range []string{"", "hook", "ftp://host.example/", "http://", "http://host.example:99999/", "http://h\x00/", "https://u:p@host.example/"} {
		err := echo.Verify(t.Context(), nil, target)
		require.Error(t, err, "%q", target)
		require.NotErrorIs(t, err, handshake.ErrRefused, "%q: nobody was asked", target)
		require.NotContains(t, err.Error(), "host.example")
	}

	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	target, transport := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel(cause)
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	})
	require.ErrorIs(t, echo.Verify(ctx, transport, target), cause)
}

func TestVerifyLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		silent := roundTripper(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		begun := time.Now()
		err := handshake.Hub{}.Verify(t.Context(), silent, "https://host.example/")
		require.ErrorIs(t, err, handshake.ErrRefused)
		require.ErrorContains(t, err, "no answer in time")
		require.Equal(t, 10*time.Second, time.Since(begun))
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Both sides of each, and what is no challenge reaches the next handler as it came.
func TestHandler(t *testing.T) {
	t.Parallel()
	next := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusTeapot)
		_, _ = w.Write(body)
	})
	for _, test := range []struct {
		name                 string
		handler              http.Handler
		method, target, body string
		code                 int
		want                 string
	}{
		{
			"echo", handshake.Echo{Key: key}.Handler(next), "POST", "/?token=9012000",
			`{"validation_key":"9012000","challenge":"a234qwe"}`, 200, `{"challenge":"a234qwe"}` + "\n",
		},
		{
			"another key", handshake.Echo{Key: key}.Handler(next), "POST", "/?token=9012001",
			`{"validation_key":"9012001","challenge":"a"}`, 403, "unknown validation key\n",
		},
		{
			"another key in the body", handshake.Echo{Key: key}.Handler(next), "POST", "/?token=9012000",
			`{"validation_key":"1","challenge":"a"}`, 403, "unknown validation key\n",
		},
		{
			"no key to compare with", handshake.Echo{}.Handler(next), "POST", "/?token=",
			`{"validation_key":"x","challenge":"a"}`, 403, "unknown validation key\n",
		},
		{"an event", handshake.Echo{Key: key}.Handler(next), "POST", "/?token=9012000", `{"id":"1"}`, 418, `{"id":"1"}`},
		{"an event without a token", handshake.Echo{Key: key}.Handler(next), "POST", "/", `{"validation_key":"x","challenge":"a"}`, 418, `{"validation_key":"x","challenge":"a"}`},
		{"a GET", handshake.Echo{Key: key}.Handler(next), "GET", "/?token=9012000", "", 418, ""},
		{"a large event", handshake.Echo{Key: key}.Handler(next), "POST", "/?token=1", strings.Repeat("large ", 10_000), 418, strings.Repeat("large ", 10_000)},

		{"hub", handshake.Hub{Token: "t"}.Handler(next), "GET", "/?hub.mode=subscribe&hub.verify_token=t&hub.challenge=%3Cb%3E", "", 200, "<b>"},
		{"another token", handshake.Hub{Token: "t"}.Handler(next), "GET", "/?hub.mode=subscribe&hub.verify_token=u&hub.challenge=1", "", 403, "unknown verify token\n"},
		{"no token to compare with", handshake.Hub{}.Handler(next), "GET", "/?hub.mode=subscribe&hub.challenge=1", "", 403, "unknown verify token\n"},
		{"a POST", handshake.Hub{Token: "t"}.Handler(next), "POST", "/?hub.mode=subscribe&hub.verify_token=t&hub.challenge=1", "x", 418, "x"},
		{"no challenge", handshake.Hub{Token: "t"}.Handler(next), "GET", "/?hub.mode=subscribe", "", 418, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := httptest.NewRecorder()
			test.handler.ServeHTTP(w, httptest.NewRequest(test.method, test.target, strings.NewReader(test.body)))
			require.Equal(t, test.code, w.Code)
			require.Equal(t, test.want, w.Body.String())
			if strings.Contains(test.want, "<b>") {
				require.Equal(t, "text/plain; charset=utf-8", w.Header().Get("Content-Type"))
				require.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
			}
		})
	}

	t.Run("a body that breaks", func(t *testing.T) {
		w := httptest.NewRecorder()
		body := io.MultiReader(strings.NewReader(`{"validation_key":"9012000",`), failing{})
		handshake.Echo{Key: key}.Handler(next).ServeHTTP(w, httptest.NewRequest("POST", "/?token=9012000", body))
		require.Equal(t, http.StatusBadRequest, w.Code)
	})
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("broken") }

func TestBothSides(t *testing.T) {
	t.Parallel()
	none := http.NotFoundHandler()
	for _, side := range []interface {
		handshake.Handshake
		Handler(http.Handler) http.Handler
	}{handshake.Echo{Key: key}, handshake.Hub{Token: "t o&k"}} {
		target, transport := serve(t, side.Handler(none).ServeHTTP)
		require.NoError(t, side.Verify(t.Context(), transport, target+"/hook?a=b"))
	}
	target, transport := serve(t, handshake.Echo{Key: key}.Handler(none).ServeHTTP)
	require.ErrorContains(t, handshake.Echo{Key: "1"}.Verify(t.Context(), transport, target), "status 403, want 200")
}
