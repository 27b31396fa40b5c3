// Package handshake asks the receiver of a webhook whether it wants the events, before
// anything is sent to it, so that nobody can aim a platform at a server that is not his.
// It has the two handshakes that platforms use, [Echo] and [Hub], each with both sides:
// Verify is the sender's, Handler the receiver's.
//
//	prover := handshake.Prover{Handshake: handshake.Echo{Key: key}}
//	err := prover.Prove(ctx, w.ID, w.URL) // when the webhook w is saved
//
// A receiver puts the Handler around the one that checks signatures, since a challenge
// is not signed:
//
//	http.Handle("/hook", handshake.Echo{Key: key}.Handler(verifier.Handler(events)))
package handshake

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/internal/http1"
	"github.com/ringhook/webhook/internal/request"
)

// ErrRefused is what the errors of Verify wrap: the receiver did not answer the
// challenge as it must. Their text says what it did instead. It is safe to show to the
// customer, and has no part of the URL, the answer or the key.
var ErrRefused = errors.New("the challenge was not answered")

const (
	timeout      = 10 * time.Second // for an answer; a deadline of the caller's ends it as well
	maxChallenge = 4 << 10          // bytes, of a request that may be one
)

// A Handshake is a way to ask. [Echo] and [Hub] are the known ones.
type Handshake interface {
	// Verify sends one challenge to the URL, over t or, if it is nil, over a
	// [webhook.NewTransport] of the zero Egress. It returns nil if the answer is right,
	// else an error that wraps ErrRefused, or the cause of ctx's end.
	Verify(ctx context.Context, t http.RoundTripper, url string) error
}

var (
	_ Handshake = Echo{}
	_ Handshake = Hub{}
)

// Echo is the handshake of telephony platforms: a POST of
//
//	{"validation_key": "9012000", "challenge": "a234qwe"}
//
// to the URL with the query token=9012000 added, which is answered with status 200 and
// {"challenge": "a234qwe"}. An answer with a validation_key in it is that of a server
// that sends back whatever it gets, and proves nothing.
type Echo struct {
	// Key is the validation key, by which the receiver knows who asks. Verify sends a
	// random one if it is empty; Handler answers no challenge then.
	Key string
}

// Verify is the sender's side; see [Handshake]. It can be called by several goroutines
// at once.
func (e Echo) Verify(ctx context.Context, t http.RoundTripper, rawURL string) error {
	u, err := parse(rawURL)
	if err != nil {
		return err
	}
	key, challenge := e.Key, rand.Text()
	if key == "" {
		key = rand.Text()
	}
	addQuery(u, "token", key)
	body, err := json.Marshal(echoRequest{key, challenge})
	if err != nil {
		return fmt.Errorf("handshake: %w", err)
	}
	m := &webhook.Message{Method: http.MethodPost, URL: u.String(), Header: http.Header{"Content-Type": {"application/json"}}, Body: body}
	answer, _, err := ask(ctx, t, m)
	if err != nil {
		return err
	}
	// As a map, in which names are told from each other by their case.
	var members map[string]json.RawMessage
	if json.Unmarshal(answer, &members) != nil || members == nil {
		return refused(`the answer is no JSON object such as {"challenge": "…"}`)
	}
	if _, ok := members["validation_key"]; ok {
		return refused("the answer has the validation_key in it: the server only sends back what it gets")
	}
	var got string
	if json.Unmarshal(members["challenge"], &got) != nil || !equal(got, challenge) {
		return refused("the member challenge of the answer is not the challenge")
	}
	return nil
}

type echoRequest struct {
	Key       string `json:"validation_key"`
	Challenge string `json:"challenge"`
}

// Handler is the receiver's side: it answers a challenge that has the Key, refuses one
// that has another with 403, and hands all other requests to next, as they came.
func (e Echo) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, ok := r.URL.Query()["token"]
		if r.Method != http.MethodPost || !ok {
			next.ServeHTTP(w, r)
			return
		}
		begin, err := io.ReadAll(io.LimitReader(r.Body, maxChallenge))
		var challenge echoRequest
		if err != nil || json.Unmarshal(begin, &challenge) != nil || challenge.Challenge == "" || challenge.Key == "" {
			r = withBody(r, begin, err)
			next.ServeHTTP(w, r)
			return
		}
		if e.Key == "" || !equal(challenge.Key, e.Key) || !equal(token[0], e.Key) {
			http.Error(w, "unknown validation key", http.StatusForbidden)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]string{"challenge": challenge.Challenge}) // who asked may be gone
	})
}

// withBody returns the request with what was read of its body put back.
func withBody(r *http.Request, begin []byte, err error) *http.Request {
	rest := io.Reader(r.Body)
	if err != nil {
		rest = failing{err}
	}
	clone := *r
	clone.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(begin), rest), r.Body}
	return &clone
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// Hub is the handshake of Meta and of WebSub: a GET of the URL with hub.mode=subscribe,
// hub.verify_token and hub.challenge added to its query, which is answered with status
// 200 and the challenge alone, as text/plain.
type Hub struct {
	// Token is the verify token, by which the receiver knows who asks. Verify sends none
	// if it is empty; Handler answers no challenge then.
	Token string
}

// Verify is the sender's side; see [Handshake]. It can be called by several goroutines
// at once.
func (h Hub) Verify(ctx context.Context, t http.RoundTripper, rawURL string) error {
	u, err := parse(rawURL)
	if err != nil {
		return err
	}
	challenge := rand.Text()
	addQuery(u, "hub.mode", "subscribe")
	addQuery(u, "hub.challenge", challenge)
	if h.Token != "" {
		addQuery(u, "hub.verify_token", h.Token)
	}
	answer, contentType, err := ask(ctx, t, &webhook.Message{Method: http.MethodGet, URL: u.String()})
	if err != nil {
		return err
	}
	if !equal(string(bytes.TrimSpace(answer)), challenge) {
		return refused("the body of the answer is not the challenge alone")
	}
	if media, _, err := mime.ParseMediaType(contentType); err != nil || media != "text/plain" {
		return refused("the Content-Type of the answer is not text/plain")
	}
	return nil
}

// Handler is the receiver's side: it answers a challenge that has the Token, refuses one
// that has another with 403, and hands all other requests to next.
func (h Hub) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		challenge := query.Get("hub.challenge")
		if r.Method != http.MethodGet || query.Get("hub.mode") != "subscribe" || challenge == "" {
			next.ServeHTTP(w, r)
			return
		}
		if h.Token == "" || !equal(query.Get("hub.verify_token"), h.Token) {
			http.Error(w, "unknown verify token", http.StatusForbidden)
			return
		}
		// Never as a page: who asks has the token, but not the right to write scripts.
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		_, _ = io.WriteString(w, challenge) //nolint:gosec // as text/plain; who asked may be gone
	})
}

// ask sends a challenge and returns the answer's body and Content-Type.
func ask(ctx context.Context, t http.RoundTripper, m *webhook.Message) (body []byte, contentType string, err error) {
	m.ID, m.WebhookID = rand.Text(), http1.OwnerOf(ctx)
	m.Policy = webhook.Policy{Success: []int{http.StatusOK}, Attempts: 1, Timeout: timeout}
	if t == nil {
		t = webhook.NewTransport(webhook.Egress{})
		defer (&webhook.Client{Transport: t}).CloseIdleConnections()
	}
	heard := &listener{base: t}
	a := (&webhook.Client{Transport: heard}).Try(ctx, m, 1)
	switch {
	case a.Outcome == webhook.OutcomeCanceled:
		return nil, "", fmt.Errorf("handshake: %w", context.Cause(ctx))
	case a.Class == webhook.ClassInvalid:
		return nil, "", fmt.Errorf("handshake: %w", a.Err)
	case a.Err != nil:
		return nil, "", fmt.Errorf("handshake: %w: %w", ErrRefused, a.Err)
	}
	return a.Body, heard.contentType, nil
}

// A listener keeps the Content-Type of one answer.
type listener struct {
	base        http.RoundTripper
	contentType string
}

func (l *listener) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := l.base.RoundTrip(req)
	if err == nil && resp != nil {
		l.contentType = resp.Header.Get("Content-Type")
	}
	return resp, err
}

func refused(text string) error { return fmt.Errorf("handshake: %w: %s", ErrRefused, text) }

// parse says no more than that a URL is none: what is wrong with it, the attempt says.
func parse(rawURL string) (*url.URL, error) {
	u, err := url.Parse(request.TrimURL(rawURL))
	if err != nil {
		return nil, errors.New("handshake: the URL cannot be parsed")
	}
	return u, nil
}

// addQuery leaves the query that is there as it is written, which may be signed.
func addQuery(u *url.URL, name, value string) {
	pair := url.QueryEscape(name) + "=" + url.QueryEscape(value)
	if u.RawQuery != "" && !strings.HasSuffix(u.RawQuery, "&") {
		pair = "&" + pair
	}
	u.RawQuery += pair
}

// equal takes the same time wherever two texts of one length differ.
func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
