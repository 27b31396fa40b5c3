package webhook_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/internal/race"
	"github.com/ringhook/webhook/payload"
)

// What costs how much beside something else is measured by the module bench. Here is what a
// change must not make worse, and what bench has no row for.

// seedWebhook is the template of the documents: a URL with two placeholders, a header with
// one, a JSON body with four.
var seedWebhook = webhook.Webhook{
	ID:      "dd4b91af-167d-48e6-901d-ae181ff6e80d",
	URL:     "https://www.domain.com/ack/receive?id=@{{payload.id}}&status=@{{payload.status}}",
	Headers: map[string]string{"X-Message": "message @{{payload.id}}"},
	Body: `{"id": "@{{payload.id}}", "mobile": "@{{payload.mobile}}", "message_status": "@{{payload.status}}",` +
		` "read_at": "@{{payload.read_at}}"}`,
}

// filteredWebhook is seedWebhook with a filter on each placeholder.
var filteredWebhook = webhook.Webhook{
	ID:      seedWebhook.ID,
	URL:     "https://www.domain.com/ack/receive?id=@{{payload.id | slice: -10}}&status=@{{payload.status | upcase}}",
	Headers: map[string]string{"X-Message": "message @{{payload.id | slice: -10}}"},
	Body: `{"id": "@{{payload.id | slice: -10}}", "mobile": "@{{payload.mobile | slice: -10}}",` +
		` "message_status": "@{{payload.status | upcase}}", "read_at": "@{{payload.read_at | default: 'x'}}"}`,
}

var seedStatus = payload.MessageStatus{
	Event:   "whatsapp:message:status",
	ID:      "a418d672-9781-4d97-b517-a56f7d95ad8a",
	Channel: payload.ChannelWhatsApp,
	To:      payload.PhoneString("919019912345"),
	Status:  payload.StatusRead,
	ReadAt:  payload.TimeInstant(time.Date(2021, 6, 18, 14, 48, 6, 886358000, time.UTC)),
}

// BenchmarkComposer_Compose shows what filters add.
func BenchmarkComposer_Compose(b *testing.B) {
	for _, bb := range []struct {
		name    string
		webhook webhook.Webhook
	}{{"plain", seedWebhook}, {"filters", filteredWebhook}} {
		b.Run(bb.name, func(b *testing.B) {
			c := webhook.MustCompile(bb.webhook, seedStatus)
			var event webhook.Event = &seedStatus
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Compose(event); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A body is rendered into a buffer without an allocation, and a message has no more than six.
func TestComposer_Allocations(t *testing.T) { //nolint:paralleltest // counts the allocations of the process
	if race.Enabled {
		t.Skip("the race detector makes pools drop what they hold")
	}
	c := webhook.MustCompile(seedWebhook, seedStatus)
	const want = `{"id": "a418d672-9781-4d97-b517-a56f7d95ad8a", "mobile": "919019912345", "message_status": "read",` +
		` "read_at": "2021-06-18T14:48:06.886358Z"}`
	for name, event := range map[string]webhook.Event{"pointer": &seedStatus, "value": seedStatus} {
		buf := make([]byte, 0, 4096)
		var err error
		body := testing.AllocsPerRun(1000, func() { buf, err = webhook.AppendBody(c, buf[:0], event) })
		require.NoError(t, err, name)
		require.Equal(t, want, string(buf), name)
		require.Zero(t, body, name)
		whole := testing.AllocsPerRun(1000, func() { _, err = c.Compose(event) })
		require.NoError(t, err, name)
		require.LessOrEqual(t, whole, 6.0, name)
	}
}

// Filters allocate what they produce, here the two texts in upper case: what slice returns is
// part of the value.
func TestComposer_FilterAllocations(t *testing.T) { //nolint:paralleltest // counts the allocations of the process
	if race.Enabled {
		t.Skip("the race detector makes pools drop what they hold")
	}
	c := webhook.MustCompile(filteredWebhook, seedStatus)
	var event webhook.Event = &seedStatus
	buf, err := webhook.AppendRequest(c, nil, event)
	require.NoError(t, err)
	require.Equal(t, "https://www.domain.com/ack/receive?id=6f7d95ad8a&status=READmessage 6f7d95ad8a"+
		`{"id": "6f7d95ad8a", "mobile": "9019912345", "message_status": "READ", "read_at": "2021-06-18T14:48:06.886358Z"}`,
		string(buf))
	allocs := testing.AllocsPerRun(1000, func() { buf, err = webhook.AppendRequest(c, buf[:0], event) })
	require.NoError(t, err)
	require.LessOrEqual(t, allocs, 2.0)
}

// A kept Secret signs without allocating.
func TestSecret_Allocations(t *testing.T) { //nolint:paralleltest // counts the allocations of the process
	if race.Enabled {
		t.Skip("the race detector makes pools drop what they hold")
	}
	secret := webhook.GenerateSecret()
	body := bytes.Repeat([]byte("w"), 1<<10)
	out := make([]byte, 0, hex.EncodedLen(sha256.Size))
	require.Zero(t, testing.AllocsPerRun(1000, func() { out = webhook.AppendHexMAC(secret, out[:0], body) }))
}
