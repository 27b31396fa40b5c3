package webhook_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
)

const receiver, tokenURL = "https://example.com", "https://login.example.org/token"

var oauth2 = webhook.Auth{
	Type: webhook.AuthOAuth2, Origin: receiver, TokenURL: tokenURL,
	ClientID: "id of/us", Secret: "s3cret:+", Scope: "calls messages",
}

// authClient sends with the credentials, by two servers in the process.
func authClient(a *webhook.Auth, tokens, receiver http.HandlerFunc) *webhook.Client {
	return &webhook.Client{
		Auth: func(context.Context, string) (*webhook.Auth, error) { return a, nil },
		Transport: roundTripFunc(func(r *http.Request) (*http.Response, error) {
			w := httptest.NewRecorder()
			handler := receiver
			if r.URL.Host == "login.example.org" {
				handler = tokens
			}
			served := make(chan struct{})
			go func() {
				defer close(served)
				handler(w, r)
			}()
			select {
			case <-served:
				return w.Result(), nil
			case <-r.Context().Done():
				<-served
				return nil, r.Context().Err()
			}
		}),
	}
}

func noServer(http.ResponseWriter, *http.Request) { panic("nobody asks this one") }

func tokenAnswer(token string, expires any) string {
	b, _ := json.Marshal(map[string]any{"access_token": token, "token_type": "bearer", "expires_in": expires})
	return string(b)
}

func answerText(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }
}

// The header that receivers see.
func TestAuth_Header(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		auth *webhook.Auth
		want []string
	}{
		"none": {nil, nil},
		// of RFC 7617, section 2
		"basic":        {&webhook.Auth{Type: webhook.AuthBasic, User: "Aladdin", Password: "open sesame"}, []string{"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="}},
		"basic, UTF-8": {&webhook.Auth{Type: webhook.AuthBasic, User: "test", Password: "123£"}, []string{"Basic dGVzdDoxMjPCow=="}},
		"no user":      {&webhook.Auth{Type: webhook.AuthBasic, Password: "key"}, []string{"Basic OmtleQ=="}},
		"bearer":       {&webhook.Auth{Type: webhook.AuthBearer, Token: "mF_9.B5f-4.1JqM"}, []string{"Bearer mF_9.B5f-4.1JqM"}},
	}
	for name, test := range tests {
		if test.auth != nil {
			test.auth.Origin = "https://EXAMPLE.com:443"
		}
		var got []string
		c := authClient(test.auth, noServer, func(_ http.ResponseWriter, r *http.Request) { got = r.Header["Authorization"] })
		a := c.Try(t.Context(), message(receiver+"/hook"), 1)
		require.NoError(t, a.Err, name)
		require.Equal(t, test.want, got, name)
		require.Equal(t, 1, a.Requests, name)
	}
}

// What a token server is asked, and what comes of its token.
func TestAuth_Token(t *testing.T) {
	t.Parallel()
	var asked, got []string
	c := authClient(&oauth2, func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		body, _ := io.ReadAll(r.Body)
		asked = append(asked, r.Header.Get("Signature"), r.UserAgent(), r.Method, r.URL.String(), r.Header.Get("Content-Type"), user, password, string(body))
		_, _ = io.WriteString(w, tokenAnswer("t0ken", 3600))
	}, func(_ http.ResponseWriter, r *http.Request) { got = append(got, r.Header.Get("Authorization")) })
	c.Signer = webhook.HMAC{}
	for range 2 {
		require.NoError(t, c.Send(t.Context(), message(receiver)))
	}
	require.Equal(t, []string{
		"", "Ringhook", "POST", tokenURL, "application/x-www-form-urlencoded", "id+of%2Fus", "s3cret%3A%2B",
		"grant_type=client_credentials&scope=calls+messages",
	}, asked, "once, as RFC 6749 has it")
	require.Equal(t, []string{"Bearer t0ken", "Bearer t0ken"}, got)
}

// A thousand messages that need one token ask for it once, and the first one's end is not
// that of the others.
func TestAuth_OneRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var asked, received atomic.Int64
		c := authClient(&oauth2, func(w http.ResponseWriter, _ *http.Request) {
			asked.Add(1)
			time.Sleep(time.Second)
			_, _ = io.WriteString(w, tokenAnswer("t0ken", 3600))
		}, func(http.ResponseWriter, *http.Request) { received.Add(1) })
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() {
			require.Equal(t, webhook.OutcomeCanceled, c.Try(ctx, message(receiver), 1).Outcome)
		})
		synctest.Wait()
		for range 1000 {
			all.Go(func() { require.NoError(t, c.Try(t.Context(), message(receiver), 1).Err) })
		}
		synctest.Wait()
		cancel()
		all.Wait()
		require.EqualValues(t, 1, asked.Load())
		require.EqualValues(t, 1000, received.Load())
	})
}

// Tokens are kept by webhook and by all of the credentials.
func TestAuth_Kept(t *testing.T) {
	t.Parallel()
	var asked int
	auth := oauth2
	c := authClient(&auth, func(w http.ResponseWriter, _ *http.Request) {
		asked++
		_, _ = io.WriteString(w, tokenAnswer(fmt.Sprint("t", asked), 3600))
	}, func(http.ResponseWriter, *http.Request) {})
	for _, change := range []func(m *webhook.Message){
		func(*webhook.Message) {},
		func(m *webhook.Message) { m.WebhookID = "wh_2" },
		func(*webhook.Message) { auth.Secret = "another" },
		func(*webhook.Message) { auth.Scope = "" },
		func(*webhook.Message) { auth.ClientID = "another" },
		func(*webhook.Message) { auth.TokenURL += "/2" },
	} {
		before, m := asked, message(receiver)
		change(m)
		require.NoError(t, c.Send(t.Context(), m))
		require.NoError(t, c.Send(t.Context(), m))
		require.Equal(t, before+1, asked)
	}
}

// Servers lie about expiry: what they say is held to bounds.
func TestAuth_Expiry(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		expires   any
		kept, new time.Duration
	}{
		"an hour":    {3600, 53 * time.Minute, 55 * time.Minute},
		"as a text":  {"3600", 53 * time.Minute, 55 * time.Minute},
		"zero":       {0, 8 * time.Second, 10 * time.Second},
		"negative":   {-5, 8 * time.Second, 10 * time.Second},
		"for ever":   {1e18, 21 * time.Hour, 24 * time.Hour},
		"not said":   {nil, 4 * time.Minute, 5 * time.Minute},
		"no number":  {"soon", 4 * time.Minute, 5 * time.Minute},
		"NaN":        {"NaN", 4 * time.Minute, 5 * time.Minute},
		"infinite":   {"+Inf", 21 * time.Hour, 24 * time.Hour},
		"in a list":  {[]int{1}, 4 * time.Minute, 5 * time.Minute},
		"fractional": {100.5, 89 * time.Second, 91 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				asked := 0
				c := authClient(&oauth2, func(w http.ResponseWriter, _ *http.Request) {
					asked++
					_, _ = io.WriteString(w, tokenAnswer("t0ken", test.expires))
				}, func(http.ResponseWriter, *http.Request) {})
				begin := time.Now()
				for _, step := range []struct {
					at   time.Duration
					want int
				}{{0, 1}, {test.kept, 1}, {test.new, 2}} {
					time.Sleep(time.Until(begin.Add(step.at)))
					require.NoError(t, c.Try(t.Context(), message(receiver), 1).Err)
					require.Equal(t, step.want, asked, "after %s", step.at)
				}
			})
		})
	}
}

// A token that the receiver refuses is got anew, once within an attempt.
func TestAuth_Refused(t *testing.T) {
	t.Parallel()
	var tokens, requests int
	serve := func(accepts func(token string) bool, fresh func() string) (*webhook.Client, *webhook.Message) {
		tokens, requests = 0, 0
		c := authClient(&oauth2, func(w http.ResponseWriter, _ *http.Request) {
			tokens++
			_, _ = io.WriteString(w, tokenAnswer(fresh(), 3600))
		}, func(w http.ResponseWriter, r *http.Request) {
			requests++
			if !accepts(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")) {
				w.WriteHeader(http.StatusUnauthorized)
			}
		})
		return c, message(receiver)
	}
	counted := func() string { return fmt.Sprint("t", tokens) }

	c, m := serve(func(token string) bool { return requests == 1 || token == "t2" }, counted)
	require.NoError(t, c.Try(t.Context(), m, 1).Err)
	a := c.Try(t.Context(), m, 1) // t1 has been revoked
	require.NoError(t, a.Err)
	require.Equal(t, []int{2, 2, 3}, []int{a.Requests, tokens, requests})

	c, m = serve(func(string) bool { return false }, counted) // for ever
	a = c.Try(t.Context(), m, 1)
	requireFailed(t, a, webhook.ClassStatus, "status 401")
	require.Equal(t, []int{1, 1, 1}, []int{a.Requests, tokens, requests}, "a fresh token is not got anew")
	a = c.Try(t.Context(), m, 2)
	requireFailed(t, a, webhook.ClassStatus, "status 401")
	require.Equal(t, []int{2, 2, 3}, []int{a.Requests, tokens, requests})

	// Others may have got another token meanwhile: it is once all the same.
	c, m = serve(func(string) bool { return requests == 1 }, counted)
	require.NoError(t, c.Try(t.Context(), m, 1).Err)
	base := c.Transport
	c.Transport = roundTripFunc(func(r *http.Request) (*http.Response, error) {
		resp, err := base.RoundTrip(r)
		if r.URL.Host == "example.com" && r.Header.Get("Other") == "" {
			other := message(receiver) // which renews it, too
			other.Header["Other"] = []string{"x"}
			c.Try(t.Context(), other, 1)
		}
		return resp, err
	})
	a = c.Try(t.Context(), m, 1)
	requireFailed(t, a, webhook.ClassStatus, "status 401")
	require.Equal(t, 2, a.Requests)

	c, m = serve(func(string) bool { return requests == 1 }, func() string { return "the-same" })
	require.NoError(t, c.Try(t.Context(), m, 1).Err)
	a = c.Try(t.Context(), m, 1)
	requireFailed(t, a, webhook.ClassStatus, "status 401")
	require.Equal(t, []int{1, 2, 2}, []int{a.Requests, tokens, requests}, "it would be refused again")
}

// A token server that fails: no request is sent, and the customer is told what of it he
// could find out himself.
func TestAuth_TokenServer(t *testing.T) {
	t.Parallel()
	status := func(code int, text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "https://elsewhere.test/s3cret")
			w.WriteHeader(code)
			_, _ = io.WriteString(w, text)
		}
	}
	answered := "the token server: not the answer of a token server"
	for name, test := range map[string]struct {
		tokens     http.HandlerFunc
		text, code string
	}{
		"refuses":           {status(401, "s3cret"), "the token server answered with status 401", "delivery-auth-token-status"},
		"fails":             {status(500, tokenAnswer("t", 60)), "the token server answered with status 500", "delivery-auth-token-status"},
		"redirects":         {status(302, ""), "the token server answered with status 302", "delivery-auth-token-status"},
		"another success":   {status(204, ""), "the token server answered with status 204", "delivery-auth-token-status"},
		"no JSON":           {answerText("s3cret"), answered + ": not JSON", "delivery-auth-token"},
		"no token":          {answerText(`{"access_token":"","error":"s3cret"}`), answered + ": no access_token", "delivery-auth-token"},
		"another type":      {answerText(`{"access_token":"t","token_type":"mac"}`), answered + ": the token is not a bearer's", "delivery-auth-token"},
		"a line end":        {answerText(tokenAnswer("t\r\nX: y", 60)), answered + ": the token is over 4096 bytes, or not visible ASCII", "delivery-auth-token"},
		"a long token":      {answerText(tokenAnswer(strings.Repeat("t", 4097), 60)), answered + ": the token is over 4096 bytes, or not visible ASCII", "delivery-auth-token"},
		"a long answer":     {answerText(`{"access_token":"t"}` + strings.Repeat(" ", 64<<10)), answered + ": over 64 KiB", "delivery-auth-token"},
		"a panic in there":  {nil, "the token server: malformed answer", "delivery-auth-token"},
		"silent for an age": {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "the token server: no answer in time", "delivery-auth-token"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := authClient(&oauth2, test.tokens, noServer)
				if test.tokens == nil {
					c.Transport = roundTripFunc(func(*http.Request) (*http.Response, error) { panic("s3cret") })
				}
				m := message(receiver)
				m.Policy.Timeout = 3 * time.Second
				for range 2 { // the second one hears of the first one's failure
					a := c.Try(t.Context(), m, 1)
					requireFailed(t, a, webhook.ClassAuth, test.text)
					require.Equal(t, test.code, a.Code)
					require.Zero(t, a.Requests)
					require.False(t, a.MayHaveArrived)
					require.NotContains(t, unwrapAll(a.Err).Error(), "s3cret")
					require.LessOrEqual(t, a.Duration, m.Policy.Timeout)
				}
				time.Sleep(time.Minute) // for the request that has no attempt any more
			})
		})
	}
}

// After a failure the token server is left alone for a moment, and then asked again.
func TestAuth_TokenServerRecovers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		c := authClient(&oauth2, func(w http.ResponseWriter, _ *http.Request) {
			if asked++; asked == 1 {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			_, _ = io.WriteString(w, tokenAnswer("t0ken", 60))
		}, func(http.ResponseWriter, *http.Request) {})
		for range 100 {
			require.Error(t, c.Try(t.Context(), message(receiver), 1).Err)
		}
		require.Equal(t, 1, asked)
		time.Sleep(2 * time.Second)
		require.NoError(t, c.Try(t.Context(), message(receiver), 1).Err)
	})
}

// A token server at a private address is refused as a receiver there is, in the same words
// and not sooner than a name that is not found.
func TestAuth_TokenServerPrivate(t *testing.T) {
	t.Parallel()
	auth := oauth2
	c := newClient(t, webhook.Egress{})
	c.Auth = func(context.Context, string) (*webhook.Auth, error) { return &auth, nil }
	for _, at := range []string{"https://127.0.0.1/", "https://[fd00::1]/", "https://169.254.169.254/latest/"} {
		auth.TokenURL = at
		a := c.Try(t.Context(), message(receiver), 1)
		requireFailed(t, a, webhook.ClassAuth, "the token server: host not found or not allowed")
		require.GreaterOrEqual(t, a.Duration, 250*time.Millisecond)
	}
}

// A proxy that is down is what it is for all requests, also for those for a token.
func TestAuth_Proxy(t *testing.T) {
	t.Parallel()
	c := newClient(t, webhook.Egress{Proxy: &url.URL{Scheme: "http", Host: "127.0.0.1:1"}})
	c.Auth = func(context.Context, string) (*webhook.Auth, error) { return &oauth2, nil }
	requireFailed(t, c.Try(t.Context(), message(receiver), 1), webhook.ClassProxy, "our outgoing proxy failed")
}

// Over real connections, by our own transport.
func TestAuth_TLS(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, k carrier) {
		mux := http.NewServeMux()
		mux.HandleFunc("POST /token", answerText(tokenAnswer("t0ken", 60)))
		mux.HandleFunc("POST /hook", func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "Bearer t0ken" {
				w.WriteHeader(http.StatusForbidden)
			}
		})
		server := httptest.NewTLSServer(mux)
		t.Cleanup(server.Close)
		egress := loopback
		egress.TLS = server.Client().Transport.(*http.Transport).TLSClientConfig
		c := k.client(t, egress)
		c.Auth = func(context.Context, string) (*webhook.Auth, error) {
			auth := oauth2
			auth.TokenURL, auth.Origin = server.URL+"/token", server.URL
			return &auth, nil
		}
		a := c.Try(t.Context(), message(server.URL+"/hook"), 1)
		require.NoError(t, a.Err)
		require.Equal(t, 1, a.Requests)
	})
}

// What keeps credentials from being sent to somebody else.
func TestAuth_Unsent(t *testing.T) {
	t.Parallel()
	bearer := webhook.Auth{Type: webhook.AuthBearer, Token: "t0ken-s3cret", Origin: receiver}
	for name, test := range map[string]struct {
		url        string
		change     func(*webhook.Auth)
		text, code string
	}{
		"http":         {url: "http://example.com/", text: "credentials are sent over https only", code: "auth-http"},
		"another host": {url: "https://example.org/", text: "the credentials are for another host", code: "delivery-auth-origin"},
		"another port": {url: "https://example.com:8443/", text: "the credentials are for another host", code: "delivery-auth-origin"},
		"a sub-domain": {url: "https://x.example.com/", text: "the credentials are for another host", code: "delivery-auth-origin"},
		"no origin": {
			url: receiver, change: func(a *webhook.Auth) { a.Origin = "" },
			text: "credentials: origin: missing", code: "auth-field",
		},
		"an http origin": {
			url: "http://example.com/", change: func(a *webhook.Auth) { a.Origin = "http://example.com" },
			text: "credentials: origin: credentials are sent over https only", code: "auth-field",
		},
	} {
		auth := bearer
		if test.change != nil {
			test.change(&auth)
		}
		c := authClient(&auth, noServer, noServer)
		a := c.Try(t.Context(), message(test.url), 1)
		requireFailed(t, a, webhook.ClassAuth, test.text)
		require.Equal(t, test.code, a.Code, name)
		require.NotContains(t, unwrapAll(a.Err).Error(), "s3cret", name)
	}

	c, m := authClient(&bearer, noServer, noServer), message(receiver)
	m.Header["authorization"] = []string{"Bearer of the template"}
	requireFailed(t, c.Try(t.Context(), m, 1), webhook.ClassAuth, "the webhook has a header Authorization of its own")

	for name, auth := range map[string]func(context.Context, string) (*webhook.Auth, error){
		"fails": func(context.Context, string) (*webhook.Auth, error) {
			return &bearer, errors.New("database of 10.0.0.1")
		},
		"panics": func(context.Context, string) (*webhook.Auth, error) { panic("s3cret") },
	} {
		c.Auth = auth
		a := c.Try(t.Context(), message(receiver), 1)
		requireFailed(t, a, webhook.ClassAuth, "no credentials")
		require.Equal(t, "delivery-auth", a.Code, name)
	}
}

func TestAuth_Check(t *testing.T) {
	t.Parallel()
	bearer := webhook.Auth{Type: webhook.AuthBearer, Token: "t", Origin: receiver}
	basic := webhook.Auth{Type: webhook.AuthBasic, User: "u", Origin: receiver}
	require.NoError(t, bearer.Check())
	require.NoError(t, basic.Check())
	require.NoError(t, oauth2.Check())
	for _, test := range []struct {
		of     webhook.Auth
		change func(*webhook.Auth)
		want   string
	}{
		{bearer, func(a *webhook.Auth) { a.Type = "" }, "type: want basic, bearer or oauth2"},
		{bearer, func(a *webhook.Auth) { a.Type = "digest" }, "type: want basic, bearer or oauth2"},
		{bearer, func(a *webhook.Auth) { a.Origin = "example.com" }, "origin: URL must start with http:// or https://"},
		{bearer, func(a *webhook.Auth) { a.Token = "" }, "token: want 1 to 4096 characters of visible ASCII"},
		{bearer, func(a *webhook.Auth) { a.Token = "a b" }, "token: want 1 to 4096 characters of visible ASCII"},
		{basic, func(a *webhook.Auth) { a.User = "" }, "user: missing"},
		{basic, func(a *webhook.Auth) { a.User = "a:b" }, "user: a colon cannot be part of it"},
		{basic, func(a *webhook.Auth) { a.Password = "p\n" }, "password: a control character at offset 1"},
		{basic, func(a *webhook.Auth) { a.Password = strings.Repeat("p", 1025) }, "password: 1025 bytes, at most 1024"},
		{oauth2, func(a *webhook.Auth) { a.TokenURL = "http://example.com/" }, "token_url: want https://"},
		{oauth2, func(a *webhook.Auth) { a.TokenURL = "https://u:p@example.com/" }, "token_url: URL must not have a user name or password; use a header"},
		{oauth2, func(a *webhook.Auth) { a.TokenURL += "?client_secret=s3cret" }, "token_url: credentials belong in client_id and secret, not in the query"},
		{oauth2, func(a *webhook.Auth) { a.ClientID = "" }, "client_id: missing"},
		{oauth2, func(a *webhook.Auth) { a.Secret = "" }, "secret: missing"},
		{oauth2, func(a *webhook.Auth) { a.Scope = "\x00" }, "scope: a control character at offset 0"},
	} {
		auth := test.of
		test.change(&auth)
		require.EqualError(t, auth.Check(), "webhook: auth: "+test.want)
	}
}

func TestOrigin(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"https://example.com":                               receiver,
		" https://EXAMPLE.com:443/a/{{payload.x}}?b={{y}}#": receiver,
		"http://example.com:80?x":                           "http://example.com",
		"https://example.com:8443/":                         "https://example.com:8443",
		"https://[::1]:443/":                                "https://[::1]",
		"https://bücher.example/":                           "https://xn--bcher-kva.example",
		"\u200bhttps://example.com/x\ufeff":                 receiver, // as Compile takes it
		"https://example.com\u2060":                         receiver,
	} {
		got, err := webhook.Origin(raw)
		require.NoError(t, err, raw)
		require.Equal(t, want, got, raw)
	}
	for _, raw := range []string{"", "/x", "ftp://example.com/", "https:///x", "https://u:s3cret@example.com/"} {
		_, err := webhook.Origin(raw)
		require.Error(t, err, raw)
		require.NotContains(t, err.Error(), "s3cret")
	}
}

// Receivers repeat what they were sent.
func TestAuth_Redact(t *testing.T) {
	t.Parallel()
	n := 0
	c := authClient(&oauth2, func(w http.ResponseWriter, _ *http.Request) {
		n++
		_, _ = io.WriteString(w, tokenAnswer(fmt.Sprintf("t0ken-%d", n), 60))
	}, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "Bearer t0ken-1" && n == 1 {
			n = 10
			return
		}
		w.WriteHeader(http.StatusUnauthorized)
	})
	m := message(receiver)
	require.NoError(t, c.Try(t.Context(), m, 1).Err)
	a := c.Try(t.Context(), m, 2)
	require.Error(t, a.Err)
	got := c.Redact(t.Context(), m, a, []byte("not t0ken-1, not t0ken-11 and not s3cret:+ but id of/us"))
	require.Equal(t, "not ***, not *** and not *** but id of/us", string(got))

	basic := webhook.Auth{Type: webhook.AuthBasic, User: "Aladdin", Password: "open sesame", Origin: receiver}
	c = authClient(&basic, noServer, noServer)
	got = c.Redact(t.Context(), m, a, []byte("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ== or open%20sesame"))
	require.Equal(t, "Basic *** or ***", string(got))

	c.Auth = func(context.Context, string) (*webhook.Auth, error) { return nil, errors.New("away") }
	require.Equal(t, "***", string(c.Redact(t.Context(), m, a, []byte("who knows what"))))
}

func TestAuth_Print(t *testing.T) {
	t.Parallel()
	auth := oauth2
	auth.User, auth.Password, auth.Token = "s3cret-user", "s3cret-password", "s3cret-token"
	var logged strings.Builder
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "a", auth, "b", &auth)
	text := fmt.Sprintf("%v %+v %#v %s %q %v %v", auth, auth, auth, auth, auth, &auth, []webhook.Auth{auth}) + logged.String()
	require.NotContains(t, text, "s3cret")
	require.NotContains(t, text, "login")
	require.Contains(t, text, "auth: oauth2")

	require.Equal(t, webhook.Auth{
		Type: webhook.AuthOAuth2, Origin: receiver, User: "s3cret-user", Password: "***", Token: "***",
		TokenURL: tokenURL, ClientID: "id of/us", Secret: "***", Scope: "calls messages",
	}, *auth.Masked())
	require.Equal(t, webhook.Auth{Type: webhook.AuthBasic}, *(&webhook.Auth{Type: webhook.AuthBasic}).Masked())
	require.Nil(t, (*webhook.Auth)(nil).Masked())
	b, err := json.Marshal(auth)
	require.NoError(t, err)
	var back webhook.Auth
	require.NoError(t, json.Unmarshal(b, &back))
	require.Equal(t, auth, back)
}

// A webhook with credentials that cannot be sent is not saved.
func TestWebhook_Auth(t *testing.T) {
	t.Parallel()
	good := webhook.Webhook{URL: receiver + "/{{payload.id}}", Auth: &webhook.Auth{Type: webhook.AuthBearer, Token: "s3cret"}}
	require.Empty(t, webhook.Check(good))
	c, err := webhook.Compile(good)
	require.NoError(t, err)
	m, err := c.Compose(raw(`{"id":1}`))
	require.NoError(t, err)
	b, err := json.Marshal(m)
	require.NoError(t, err)
	require.NotContains(t, string(b), "s3cret", "no message has credentials")
	require.NotContains(t, fmt.Sprintf("%v %+v %#v", good, good, m), "s3cret")

	credentials := good.Credentials()
	require.Equal(t, &webhook.Auth{Type: webhook.AuthBearer, Token: "s3cret", Origin: receiver}, credentials)
	require.Empty(t, good.Auth.Origin)
	require.Nil(t, webhook.Webhook{}.Credentials())
	var back webhook.Webhook
	b, err = json.Marshal(good)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, &back))
	require.Equal(t, good, back)

	for _, test := range []struct {
		change     func(*webhook.Webhook)
		text, code string
	}{
		{func(w *webhook.Webhook) { w.URL = "http://example.com/" }, "credentials are sent over https only", "auth-http"},
		{func(w *webhook.Webhook) { w.Headers = map[string]string{"authorization": "x"} }, "the webhook has a header Authorization of its own", "auth-header"},
		{func(w *webhook.Webhook) { w.Auth.Token = "" }, "token: want 1 to 4096 characters of visible ASCII", "auth-field"},
		{func(w *webhook.Webhook) { w.Auth.Type = "" }, "type: want basic, bearer or oauth2", "auth-field"},
		{func(w *webhook.Webhook) { w.Auth = &oauth2 }, "token_url: no such address", "auth-field"},
	} {
		w := good
		auth := *good.Auth
		w.Auth = &auth
		test.change(&w)
		bounds := webhook.Bounds{}
		if w.Auth.Type == webhook.AuthOAuth2 {
			bounds.CheckURL = func(raw string) error {
				if raw == tokenURL {
					return errors.New("webhook: no such address")
				}
				return nil
			}
		} else {
			_, err := webhook.Compile(w)
			require.EqualError(t, err, "webhook: auth: "+test.text)
		}
		problems := bounds.Check(w)
		require.NotEmpty(t, problems, test.text)
		require.Equal(t, webhook.Problem{
			Field: "auth", Code: test.code, Args: problems[0].Args, Message: test.text, Severity: webhook.SeverityError,
		}, problems[0])
	}
}
