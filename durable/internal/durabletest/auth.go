package durabletest

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/queue"
)

// An authReceiver refuses all, and repeats the credentials that it was shown.
type authReceiver struct {
	mu  sync.Mutex
	got []string
}

func (a *authReceiver) RoundTrip(r *http.Request) (*http.Response, error) {
	shown := r.Header.Get("Authorization")
	a.mu.Lock()
	defer a.mu.Unlock()
	a.got = append(a.got, shown)
	return &http.Response{StatusCode: http.StatusForbidden, Body: io.NopCloser(strings.NewReader("not with " + shown))}, nil
}

func (a *authReceiver) last() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.got) == 0 {
		return ""
	}
	return a.got[len(a.got)-1]
}

// testAuth has the credentials of a webhook changed by another process.
func testAuth[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	hooks, other := e.Webhooks(nil), db.Open(t, durable.Config{}).Webhooks(nil)
	r := &authReceiver{}
	client := &webhook.Client{
		Transport: r, Auth: hooks.Auth(),
		Retry: func(*webhook.Message, webhook.Attempt) (time.Duration, bool) { return 0, false },
	}
	q, err := queue.New(client, e, queue.Config{})
	require.NoError(t, err)
	runQueue(t, q)

	h := hook()
	delete(h.Headers, "Authorization")
	h.Policy = nil
	h.Auth = &webhook.Auth{Type: webhook.AuthBearer, Token: "s3cr3t-token"}
	d, err := other.Create(t.Context(), h)
	require.NoError(t, err)
	require.Equal(t, h.Auth, d.Auth)
	send := func(id string) durable.Attempt {
		task := Task(id)
		task.Key, task.Message.WebhookID, task.Message.URL = hookID, hookID, "https://receiver.example/"
		require.NoError(t, e.Enqueue(t.Context(), task))
		finally(t, e, id, durable.StateFailed)
		attempts, err := e.Attempts(t.Context(), id)
		require.NoError(t, err)
		require.Len(t, attempts, 1)
		return attempts[0]
	}
	first := send("m1")
	require.Equal(t, "Bearer s3cr3t-token", r.last())
	require.Equal(t, "not with Bearer ***", first.Answer, "not even where the receiver repeats it")

	within := func(want *webhook.Auth) {
		t.Helper()
		for begun := time.Now(); ; <-time.After(20 * time.Millisecond) {
			got, err := hooks.Auth()(t.Context(), hookID)
			require.NoError(t, err)
			if want == nil && got == nil || want != nil && got != nil && *want == *got {
				return
			}
			require.Less(t, time.Since(begun), 10*time.Second)
		}
	}
	h.Auth = &webhook.Auth{Type: webhook.AuthBasic, User: "Aladdin", Password: "open sesame"}
	h.URL = "https://elsewhere.example/"
	_, err = other.Update(t.Context(), h, 1)
	require.NoError(t, err)
	within(&webhook.Auth{Type: webhook.AuthBasic, User: "Aladdin", Password: "open sesame", Origin: "https://elsewhere.example"})
	require.Equal(t, webhook.ClassAuth, send("m2").Class, "the old receiver gets nothing of the new one")
	require.Equal(t, "Bearer s3cr3t-token", r.last())

	h.Auth = nil
	_, err = other.Update(t.Context(), h, 2)
	require.NoError(t, err)
	within(nil)
	send("m3")
	require.Empty(t, r.last())

	// Of one that is disabled, too: an attempt may be under way, or be a test.
	h.Auth = &webhook.Auth{Type: webhook.AuthBearer, Token: "s3cr3t-token"}
	_, err = other.Update(t.Context(), h, 3)
	require.NoError(t, err)
	require.NoError(t, other.Disable(t.Context(), hookID, "for a test"))
	got, err := e.Webhooks(nil).Auth()(t.Context(), hookID) // which has nothing in memory
	require.NoError(t, err)
	require.Equal(t, &webhook.Auth{Type: webhook.AuthBearer, Token: "s3cr3t-token", Origin: "https://elsewhere.example"}, got)

	none, err := hooks.Auth()(t.Context(), "00000000-0000-4000-8000-000000000000")
	require.NoError(t, err)
	require.Nil(t, none)
	h.URL = "http://receiver.example/"
	_, err = other.Update(t.Context(), h, 4)
	var fault *webhook.TemplateError
	require.ErrorAs(t, err, &fault)
	require.NotContains(t, err.Error(), "s3cr3t")
}

// testAuthAway has credentials that cannot be read for a while: what would be sent with them
// waits, and no attempt is used up.
func testAuthAway[T any](t *testing.T, db Database[T]) {
	config := Seal(durable.Config{})
	s := &wilful{Sealer: config.Sealer, hides: "definition"}
	config.Sealer = s
	e := db.Open(t, config)
	hooks := e.Webhooks(nil)
	_, err := hooks.Create(t.Context(), hook())
	require.NoError(t, err)
	s.away.Store(true)
	client := &webhook.Client{Transport: &answers{}, Auth: hooks.Auth()}
	q, err := queue.New(client, e, queue.Config{})
	require.NoError(t, err)
	task := Task("m")
	task.Key, task.Message.WebhookID = hookID, hookID
	task.Message.Policy.Attempts = 1
	require.NoError(t, e.Enqueue(t.Context(), task))
	runQueue(t, q)
	eventually(t, db, 1, `SELECT count(*) FROM @delivery WHERE error <> ''`)
	d, err := e.Get(t.Context(), "m")
	require.NoError(t, err)
	require.Equal(t, durable.StatePending, d.State)
	require.Equal(t, "the credentials of the webhook cannot be read", d.Error)
	require.Zero(t, d.Attempts)
	s.away.Store(false)
	require.NoError(t, e.RetryNow(t.Context(), "m"))
	finally(t, e, "m", durable.StateDelivered)
}
