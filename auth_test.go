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
	"strings"
	"testing"

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
// A thousand messages that need one token ask for it once, and the first one's end is not
// that of the others.
// Tokens are kept by webhook and by all of the credentials.
// Servers lie about expiry: what they say is held to bounds.
// A token that the receiver refuses is got anew, once within an attempt.
// A token server that fails: no request is sent, and the customer is told what of it he
// could find out himself.
// After a failure the token server is left alone for a moment, and then asked again.
// A token server at a private address is refused as a receiver there is, in the same words
// and not sooner than a name that is not found.
// A proxy that is down is what it is for all requests, also for those for a token.
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
