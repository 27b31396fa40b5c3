package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
)

// All ways to compose the seed template give the same bytes, so that they are comparable.
func TestInside(t *testing.T) {
	t.Parallel()
	in := open(webhook.MustCompile(seedWebhook, seedStatus))
	want := string(appendByHand(nil, &seedStatus))
	got, err := in.appendRequest(nil, &seedStatus)
	require.NoError(t, err)
	require.Equal(t, want, string(got))
	require.Equal(t, want, string(appendByHandTime(nil, &seedStatus, readAt)))

	got, err = open(webhook.MustCompile(seedWebhook, seedOwn)).appendRequest(nil, &seedOwn)
	require.NoError(t, err)
	require.Equal(t, want, string(got))

	m, err := in.c.Compose(&seedStatus)
	require.NoError(t, err)
	require.Equal(t, want, m.URL+m.Header.Get("X-Message")+string(m.Body))

	engines, err := newEngines()
	require.NoError(t, err)
	for _, e := range engines {
		got := e.output()
		if e.name == "html-template" { // which writes a page
			require.Contains(t, got, m.Header.Get("X-Message"))
			require.Contains(t, got, "<script>"+string(m.Body)+"</script>")
			continue
		}
		require.Equal(t, want, got, e.name)
	}
}
