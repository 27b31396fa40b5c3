package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
)

// received is what came of a way, without what each request has of its own.
type received struct {
	target, body string
	header       http.Header
}

// All ways of a row deliver the same, but for what is said here, and notice when it was
// not accepted.
func TestMatchups(t *testing.T) {
	t.Parallel()
	var last atomic.Pointer[received]
	var code atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(err)
		}
		for _, name := range []string{webhook.HeaderID, webhook.HeaderSignature} { // random
			if v := r.Header.Get(name); v != "" {
				r.Header.Set(name, strings.Repeat("x", len(v)))
			}
		}
		last.Store(&received{r.Method + " " + r.URL.String(), string(body), r.Header})
		w.WriteHeader(int(code.Load()))
		_, _ = w.Write([]byte("ok"))
	}))
	t.Cleanup(server.Close)
	all, err := matchups(strings.TrimPrefix(server.URL, "http://"))
	require.NoError(t, err)
	sent := func(w way) received {
		code.Store(http.StatusOK)
		require.NoError(t, w.send(0), w.what)
		return *last.Load()
	}
	extra := map[string][]string{ // of its own accord
		"resty v3":                           {"Accept-Encoding"},
		"go-retryablehttp with its defaults": {"Accept-Encoding"},
	}
	for _, m := range all {
		ours, theirs := sent(m.ours), sent(m.theirs)
		code.Store(http.StatusBadRequest) // which none of them tries again, but ours
		require.Error(t, m.theirs.send(0), m.name)
		require.Equal(t, ours.target, theirs.target, m.name)
		require.Equal(t, ours.body, theirs.body, m.name)
		require.NotEmpty(t, ours.header.Get(webhook.HeaderSignature), m.name)
		for _, name := range extra[m.theirs.what] {
			require.NotContains(t, ours.header, name, m.name)
			require.Contains(t, theirs.header, name, m.name)
			delete(theirs.header, name)
		}
		if m.name == "deliver/naive" { // which knows no message id
			delete(ours.header, webhook.HeaderID)
			delete(ours.header, "User-Agent")
			delete(ours.header, "Accept")
			delete(theirs.header, "User-Agent")
		}
		require.Equal(t, ours.header, theirs.header, m.name)
	}
}
