// Package oauth gets access tokens by OAuth 2.0's client credentials grant, RFC 6749
// section 4.4, and keeps them until shortly before they expire.
package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	fetchTime   = 10 * time.Second // of one request for a token
	failureTime = 2 * time.Second  // how long a failure is everybody's
	maxAnswer   = 64 << 10         // bytes
	maxToken    = 4 << 10          // bytes

	minLifetime     = 10 * time.Second
	maxLifetime     = 24 * time.Hour
	defaultLifetime = 5 * time.Minute // of an answer that tells none
)

// A Grant is what a token is asked for with. It can be compared.
type Grant struct{ URL, ClientID, Secret, Scope string }

// Tokens keeps tokens by who they are for and their grant. Its zero value is ready, and
// it is safe for concurrent use.
type Tokens struct {
	mu      sync.Mutex // guards what follows, and all entries
	entries map[key]*entry
	sweep   int // of so many entries the expired ones are dropped
}

type key struct {
	owner string
	grant Grant
}

// An entry is a token, or that one could not be had, or the wait for one of these.
type entry struct {
	done     chan struct{} // closed when the rest is set
	token    string
	previous string // the one before, which a receiver may still repeat
	err      error
	until    time.Time
}

// Get returns a token for an owner, and whether it was kept from before. All who need the
// same one wait for one request, which is bound to the context of none of them.
func (t *Tokens) Get(ctx context.Context, by http.RoundTripper, agent, owner string, g Grant) (token string, kept bool, err error) {
	k := key{owner, g}
	t.mu.Lock()
	e := t.entries[k]
	kept = e != nil
	if e == nil || e.isOver(time.Now()) {
		kept = false
		e = t.startLocked(by, agent, k, e)
	}
	t.mu.Unlock()
	select {
	case <-e.done:
		return e.token, kept, e.err
	case <-ctx.Done():
		return "", false, ctx.Err()
	}
}

// isOver reports whether what an entry has does not count any longer.
func (e *entry) isOver(now time.Time) bool {
	select {
	case <-e.done:
		return !now.Before(e.until)
	default:
		return false
	}
}

// startLocked asks for a token in place of an old one, if there was one.
func (t *Tokens) startLocked(by http.RoundTripper, agent string, k key, old *entry) *entry {
	e := &entry{done: make(chan struct{})}
	if old != nil {
		if e.previous = old.token; e.previous == "" {
			e.previous = old.previous
		}
	}
	if t.entries == nil {
		t.entries = map[key]*entry{}
	}
	t.entries[k] = e
	t.dropExpiredLocked()
	go func() {
		token, lifetime, err := fetch(by, agent, k.grant)
		t.mu.Lock()
		defer t.mu.Unlock()
		e.token, e.err = token, err
		e.until = time.Now().Add(lifetime)
		close(e.done)
	}()
	return e
}

// dropExpiredLocked keeps the memory in proportion to the tokens that count.
func (t *Tokens) dropExpiredLocked() {
	if len(t.entries) < max(t.sweep, 64) {
		return
	}
	now := time.Now()
	for k, e := range t.entries {
		if e.isOver(now) {
			delete(t.entries, k)
		}
	}
	t.sweep = 2 * len(t.entries)
}

// Drop forgets a token that was not accepted, unless another one is there already.
func (t *Tokens) Drop(owner string, g Grant, token string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.entries[key{owner, g}]
	if e != nil && e.token == token && token != "" { // it is written before the lock is free
		e.until = time.Time{}
	}
}

// Known returns the tokens that there are of a grant, also those that count no more: what
// must not be shown.
func (t *Tokens) Known(owner string, g Grant) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var tokens []string
	if e := t.entries[key{owner, g}]; e != nil {
		for _, token := range []string{e.token, e.previous} {
			if token != "" {
				tokens = append(tokens, token)
			}
		}
	}
	return tokens
}

// A StatusError is an answer of a token server that is not 200.
type StatusError struct{ Status int }

func (e *StatusError) Error() string { return "status " + strconv.Itoa(e.Status) }

// ErrAnswer is wrapped by what is wrong with an answer that has the status 200. It quotes
// nothing of it.
var ErrAnswer = errors.New("not the answer of a token server")

// fetch asks for a token, and says how long it, or the failure, counts.
func fetch(by http.RoundTripper, agent string, g Grant) (token string, lifetime time.Duration, err error) {
	defer func() {
		if v := recover(); v != nil {
			token, lifetime, err = "", failureTime, fmt.Errorf("panic in Transport: %T", v)
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), fetchTime)
	defer cancel()
	form := url.Values{"grant_type": {"client_credentials"}}
	if g.Scope != "" {
		form.Set("scope", g.Scope)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, g.URL, strings.NewReader(form.Encode()))
	if err != nil {
		return "", failureTime, errors.New("the token URL is none") // its own text quotes it
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", agent)
	req.SetBasicAuth(url.QueryEscape(g.ClientID), url.QueryEscape(g.Secret)) // RFC 6749, 2.3.1
	resp, err := by.RoundTrip(req)
	if err != nil {
		return "", failureTime, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", failureTime, &StatusError{resp.StatusCode}
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return "", failureTime, err
	}
	if token, lifetime, err = read(text); err != nil {
		return "", failureTime, err
	}
	return token, lifetime, nil
}

// read takes the token out of an answer, RFC 6749 section 5.1.
func read(text []byte) (token string, lifetime time.Duration, err error) {
	if len(text) > maxAnswer {
		return "", 0, fmt.Errorf("%w: over %d KiB", ErrAnswer, maxAnswer>>10)
	}
	var answer struct {
		Token   string          `json:"access_token"`
		Type    string          `json:"token_type"`
		Expires json.RawMessage `json:"expires_in"`
	}
	switch err := json.Unmarshal(text, &answer); {
	case err != nil:
		return "", 0, fmt.Errorf("%w: not JSON", ErrAnswer)
	case answer.Type != "" && !strings.EqualFold(answer.Type, "Bearer"):
		return "", 0, fmt.Errorf("%w: the token is not a bearer's", ErrAnswer)
	case answer.Token == "":
		return "", 0, fmt.Errorf("%w: no access_token", ErrAnswer)
	case !IsToken(answer.Token):
		return "", 0, fmt.Errorf("%w: the token is over %d bytes, or not visible ASCII", ErrAnswer, maxToken)
	}
	return answer.Token, lifetimeOf(answer.Expires), nil
}

// IsToken reports whether a text can be a bearer's token.
func IsToken(s string) bool {
	return s != "" && len(s) <= maxToken &&
		strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}

// lifetimeOf is how long a token is used whose server says that it expires in so many
// seconds, as a number or, as some write it, a text: a tenth less, so that none expires on
// the way.
func lifetimeOf(expires json.RawMessage) time.Duration {
	seconds, err := strconv.ParseFloat(strings.Trim(string(expires), `"`), 64)
	if err != nil || math.IsNaN(seconds) {
		return defaultLifetime
	}
	seconds = min(max(seconds, minLifetime.Seconds()), maxLifetime.Seconds())
	return time.Duration(seconds * 0.9 * float64(time.Second))
}
