package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/internal/mac"
)

// All ways to compose the seed template give the same bytes, so that they are
// comparable.
func TestInside(t *testing.T) {
	t.Parallel()
	want := string(appendByHand(nil, &seedStatus))
	m, err := webhook.MustCompile(seedWebhook, seedStatus).Compose(&seedStatus)
	require.NoError(t, err)
	require.Equal(t, want, m.URL+m.Header.Get("X-Message")+string(m.Body))

	seeds, err := seedRenderings()
	require.NoError(t, err)
	for _, r := range seeds {
		ours, theirs := string(r.ours()), string(r.theirs())
		switch r.name {
		case "compose/html-template": // which writes a page
			require.Equal(t, want, ours)
			require.Contains(t, theirs, m.Header.Get("X-Message"))
			require.Contains(t, theirs, "<script>"+string(m.Body)+"</script>")
		case "compose/json":
			require.Equal(t, string(m.Body), ours)
			require.JSONEq(t, theirs, ours)
		case "compose/whole", "compose/whole-text-template":
			require.Equal(t, string(m.Body), ours, r.name)
			require.Equal(t, want, theirs, r.name)
		default:
			require.Equal(t, want, ours, r.name)
			require.Equal(t, want, theirs, r.name)
		}
	}
	for _, r := range append(values(), slope(1), slope(16), slope(webhook.MaxPlaceholders)) {
		ours := string(r.ours())
		require.True(t, json.Valid([]byte(ours)), r.name)
		require.Equal(t, strings.Trim(ours, `"`), strings.Trim(string(r.theirs()), `"`), r.name)
	}
	optional := leavingOut()
	require.NotContains(t, string(optional.ours()), "read_at")
	require.Equal(t, string(optional.theirs()), strings.TrimSuffix(string(optional.ours()), "\n    }")+",\n      \"read_at\": \"\"\n    }")
}

// What signs in two ways is one MAC.
func TestInside_sign(t *testing.T) {
	t.Parallel()
	key, body := []byte("0123456789abcdef0123456789abcdef"), []byte("body")
	require.Equal(t, string(appendNew(nil, key, body)), string(mac.New(key).AppendHex(nil, body)))
}
