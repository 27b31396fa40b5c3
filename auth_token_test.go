package webhook_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
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

func TestAuth_Proxy(t *testing.T) {
	t.Parallel()
	c := newClient(t, webhook.Egress{Proxy: &url.URL{Scheme: "http", Host: "127.0.0.1:1"}})
	c.Auth = func(context.Context, string) (*webhook.Auth, error) { return &oauth2, nil }
	requireFailed(t, c.Try(t.Context(), message(receiver), 1), webhook.ClassProxy, "our outgoing proxy failed")
}
