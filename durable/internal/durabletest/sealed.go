package durabletest

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/queue"
)

// Seal has a configuration seal what is stored, with keys for tests.
func Seal(config durable.Config) durable.Config {
	config.Sealer = newSealer("b", sealKeys)
	config.IndexKey = bytes.Repeat([]byte{'i'}, 32)
	return config
}

func newSealer(current string, keys map[string][]byte) durable.Sealer {
	s, err := durable.AESGCM(current, keys)
	if err != nil {
		panic(err)
	}
	return s
}

// BothWays runs a test twice: with what is stored in the clear, and sealed.
func BothWays(t *testing.T, test func(t *testing.T, sealed bool)) {
	for name, sealed := range map[string]bool{"clear": false, "sealed": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, sealed)
		})
	}
}

var sealKeys = map[string][]byte{"a": bytes.Repeat([]byte{'a'}, 32), "b": bytes.Repeat([]byte{'b'}, 32)}

// sealed returns the database with engines that seal.
func sealed[T any](db Database[T]) Database[T] {
	open := db.Open
	db.Open = func(t testing.TB, config durable.Config) *durable.Engine[T] {
		if config.Sealer == nil {
			config = Seal(config)
		}
		return open(t, config)
	}
	return db
}

// alsoSealed are the tests that are also run with engines that seal.
var alsoSealed = []string{
	"EnqueueTx of an ordering", "orderings over two engines", "rescue in an ordering", "deliveries that nothing wakes",
	"the same IDs at once", "history", "refs and subjects", "refs of a failure", "answers", "headers of answers", "long names", "resend",
	"resend in an ordering", "RetryNow in an ordering", "an unreadable message is kept",
	"an unreadable message in an ordering", "webhooks", "webhooks by text",
	"webhooks of two engines", "Dispatch", "Dispatch what cannot be composed", "Dispatch by ID", "an ID that is taken",
	"an ID that is taken, at once", "an ID that is taken, in a transaction", "an ID that is taken by a failure", "DispatchTx",
	"Dispatch supersedes", "events end with their deliveries", "events are composed alike", "recompose in an ordering",
	"recompose at once", "recompose what failed", "compare", "compare forms", "bounds of what is stored",
	"verified before anything is sent", "pause of an ordering", "secrets", "secrets of a receiver's own", "secrets at once",
	"subscriptions", "publish to whom", "Publish", "Publish again", "published events are stored once", "published events end",
}

// planted are texts that what is stored has in it, each in another place. Those of a
// message are also in its event.
var planted = map[string]string{
	"url":       "planted-path",
	"query":     "planted-query",
	"name":      "X-Planted-Header",
	"value":     "planted-credential",
	"auth":      "planted-auth",
	"identity":  "campaign:planted-identity",
	"template":  "planted-template",
	"text":      "planted-text",
	"number":    "9198765432101",
	"last 10":   "8765432101",
	"subject":   "planted-subject",
	"ref":       "planted-ref",
	"answer":    "planted-answer",
	"location":  "planted-location",
	"header":    "planted-in-the-answers-header",
	"composed":  "planted-in-an-event-that-is-not-composed",
	"by hand":   "planted-by-hand",
	"unordered": "planted-body",
}

type plantedEvent struct {
	Number  string `json:"number"`
	Text    string `json:"text"`
	Ref     string `json:"ref"`
	News    string `json:"news"`
	Failing string `json:"failing"`
}

func (plantedEvent) EventType() string        { return "test:planted" }
func (e plantedEvent) Subject() (string, int) { return e.News, 1 }
func (e plantedEvent) Refs() []string         { return []string{e.Ref, e.Number} }

func newPlanted(text string) plantedEvent {
	return plantedEvent{
		Number: planted["number"], Text: planted["text"] + text, Ref: planted["ref"], News: planted["subject"],
	}
}

func plantedHook() webhook.Webhook {
	h := hook()
	h.Name = "clear name"
	h.URL = "https://clear.example/" + planted["url"] + "?q=" + planted["query"] + "&number={{number}}"
	h.Headers = map[string]string{planted["name"]: planted["value"]}
	h.Auth = &webhook.Auth{Type: webhook.AuthBearer, Token: planted["auth"]}
	h.Body = `{"` + planted["template"] + `": "{{text}} {{failing}}"}`
	h.Policy = nil
	return h
}

// plantedClient answers all requests with planted texts, with success for all but some.
func plantedClient(fail func(text string) bool) *webhook.Client {
	return &webhook.Client{
		Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return nil, err
			}
			status := http.StatusOK
			if fail(string(body)) {
				status = http.StatusTemporaryRedirect
			}
			header := http.Header{
				"Location": {"https://elsewhere.example/" + planted["location"]}, "Server": {planted["header"]},
			}
			return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(planted["answer"]))}, nil
		}),
		Retry: func(*webhook.Message, webhook.Attempt) (time.Duration, bool) { return 0, false },
	}
}

// runWith runs a queue over e until the test ends or the function is called.
func runWith[T any](
	t testing.TB, e *durable.Engine[T], client *webhook.Client, logger *slog.Logger,
) (q *queue.Queue, stop func()) {
	q, err := queue.New(client, e, queue.Config{Ordered: true, Supersede: true, Logger: logger})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- q.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-done)
	})
	t.Cleanup(stop)
	return q, stop
}

// plant has the database have the planted texts in all that is stored of webhooks and
// deliveries, and returns what was logged and the secrets.
func plant[T any](t *testing.T, db Database[T], config durable.Config) (logged string, secrets []string) {
	var lines logBuffer
	config.Logger = slog.New(slog.NewTextHandler(&lines, &slog.HandlerOptions{Level: slog.LevelDebug}))
	e := db.Open(t, config)
	q, stop := runWith(t, e, plantedClient(func(text string) bool { return strings.Contains(text, "fails") }), config.Logger)
	hooks := e.Webhooks(q)
	own, err := hooks.Tenant("clear-tenant")
	require.NoError(t, err)
	_, err = own.Create(t.Context(), plantedHook())
	require.NoError(t, err)
	_, err = hooks.Update(t.Context(), plantedHook(), 1)
	require.NoError(t, err)
	require.NoError(t, hooks.Subscribe(t.Context(), subscribed(hookID, "test:*", "/", planted["identity"])))
	_, err = hooks.Rotate(t.Context(), hookID, time.Hour)
	require.NoError(t, err)
	stored, err := hooks.Secrets(t.Context(), hookID)
	require.NoError(t, err)
	for _, s := range stored {
		secrets = append(secrets, s.Secret.Reveal()[len("whsec_"):])
	}
	dispatch := func(id string, event webhook.Event) {
		require.NoError(t, hooks.DispatchID(t.Context(), hookID, id, event), id)
	}
	dispatch("delivered", newPlanted(""))
	finally(t, e, "delivered", durable.StateDelivered)
	fails := newPlanted(" fails")
	fails.News = "other"
	dispatch("failed", fails)
	finally(t, e, "failed", durable.StateFailed)
	_, err = hooks.Recompose(t.Context(), "failed")
	require.NoError(t, err)
	eventually(t, db, 1, `SELECT count(*) FROM @delivery WHERE state = 'failed' AND of_id = 'failed'`)
	broken := plantedHook()
	broken.Body = `{"a": {{nothing}}}`
	_, err = hooks.Update(t.Context(), broken, 2)
	require.NoError(t, err)
	fault := newPlanted("")
	fault.Failing = planted["composed"]
	require.ErrorIs(t, hooks.DispatchID(t.Context(), hookID, "fault", fault), durable.ErrNotComposed)
	_, err = hooks.Update(t.Context(), plantedHook(), 3)
	require.NoError(t, err)
	require.NoError(t, hooks.Pause(t.Context(), hookID, "a clear reason"))
	superseding := newPlanted(" waits")
	dispatch("superseded", superseding)
	superseding.Text += " too"
	dispatch("superseding", superseding)
	require.NoError(t, db.Tx(t, func(tx T, _ func(string)) error {
		return hooks.DispatchIDTx(t.Context(), tx, hookID, "in-a-transaction", newPlanted(" waits as well"))
	}))
	byHand := Task("by-hand").Message
	byHand.WebhookID, byHand.Body = hookID, []byte(planted["by hand"]+planted["unordered"])
	require.NoError(t, q.Send(t.Context(), byHand))
	require.NoError(t, q.Send(t.Context(), byHand), "once more")
	stop()
	return lines.String(), secrets
}

type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// dump returns all that is in the tables and in the files of a database.
func dump[T any](t testing.TB, db Database[T]) []byte {
	all := db.Dump(t)
	for _, file := range db.Files {
		b, err := os.ReadFile(file) //nolint:gosec // of the test
		require.NoError(t, err)
		all = append(all, b...)
	}
	return all
}

func testSealedHidden[T any](t *testing.T, db Database[T]) {
	logged, secrets := plant(t, db, Seal(durable.Config{}))
	all := dump(t, db)
	for _, clear := range []string{"clear name", "https://clear.example", "test:planted", hookID, "a clear reason", "clear-tenant"} {
		require.True(t, bytes.Contains(all, []byte(clear)), clear)
	}
	for name, text := range planted {
		require.False(t, bytes.Contains(all, []byte(text)), "%s is stored in the clear", name)
		require.NotContains(t, logged, text, name)
	}
	for _, secret := range secrets {
		require.False(t, bytes.Contains(all, []byte(secret)), "a secret is stored in the clear")
		require.NotContains(t, logged, secret)
	}
	require.NotContains(t, logged, "no Sealer")
}

// testClear makes sure that testSealedHidden would find something, and that the engine
// says that there is no Sealer.
func testClear[T any](t *testing.T, db Database[T]) {
	logged, secrets := plant(t, db, durable.Config{})
	all := dump(t, db)
	for name, text := range planted {
		require.True(t, bytes.Contains(all, []byte(text)), "%s is not stored", name)
		require.NotContains(t, logged, text, name)
	}
	for _, secret := range secrets {
		require.True(t, bytes.Contains(all, []byte(secret)))
		require.NotContains(t, logged, secret)
	}
	require.Equal(t, 1, strings.Count(logged, "durable: there is no Sealer: what is stored is in the clear"))
}

// keyless is as Seal, without the key that it seals with.
func keyless(config durable.Config) durable.Config {
	config = Seal(config)
	config.Sealer = newSealer("a", map[string][]byte{"a": sealKeys["a"]})
	config.Logger = slog.New(slog.DiscardHandler)
	return config
}

// testSealedNoKey has a process without the key that deliveries are sealed with.
func testSealedNoKey[T any](t *testing.T, db Database[T]) {
	plant(t, db, Seal(durable.Config{}))
	e := db.Open(t, keyless(durable.Config{}))
	q, stop := runWith(t, e, plantedClient(func(string) bool { t.Error("sent"); return false }), slog.New(slog.DiscardHandler))
	hooks := e.Webhooks(q)
	require.NoError(t, hooks.Enable(t.Context(), hookID, ""))

	const blocked = "the stored message is sealed and cannot be opened"
	eventually(t, db, 4, `SELECT count(*) FROM @delivery WHERE state = 'pending' AND error = '`+blocked+`'
		AND attempts = 0 AND due > `+durableMicros(30*time.Second))
	page, err := e.List(t.Context(), durable.Filter{State: durable.StatePending, Ref: planted["ref"]})
	require.NoError(t, err)
	require.NotEmpty(t, page.Deliveries)
	require.Equal(t, blocked, page.Deliveries[len(page.Deliveries)-1].Error)
	_, err = e.Message(t.Context(), "delivered")
	require.ErrorIs(t, err, durable.ErrSealed)
	attempts, err := e.Attempts(t.Context(), "failed")
	require.NoError(t, err)
	require.Len(t, attempts, 1)
	require.True(t, attempts[0].Sealed)
	require.Equal(t, 307, attempts[0].Status)
	require.Empty(t, attempts[0].Answer+attempts[0].Location)
	require.Nil(t, attempts[0].Header)
	require.Equal(t, "delivery-redirect", attempts[0].Code)

	_, err = hooks.Get(t.Context(), hookID)
	require.ErrorIs(t, err, durable.ErrSealed)
	listed, err := hooks.List(t.Context(), durable.WebhookFilter{Text: "clear.example"})
	require.NoError(t, err)
	require.Len(t, listed.Webhooks, 1)
	require.True(t, listed.Webhooks[0].Sealed)
	require.Equal(t, webhook.Webhook{ID: hookID, Name: "clear name", URL: "https://clear.example"}, listed.Webhooks[0].Webhook)
	require.ErrorIs(t, hooks.Dispatch(t.Context(), hookID, newPlanted("")), durable.ErrSealed)
	_, err = hooks.Recompose(t.Context(), "fault")
	require.ErrorIs(t, err, durable.ErrSealed)
	n, err := hooks.RecomposeMatching(t.Context(), durable.Filter{WebhookID: hookID}, 0)
	require.ErrorIs(t, err, durable.ErrSealed)
	require.Zero(t, n)
	_, err = hooks.Secrets(t.Context(), hookID)
	require.ErrorIs(t, err, durable.ErrSealed)
	_, err = hooks.Keyring()(t.Context(), hookID)
	require.ErrorIs(t, err, durable.ErrSealed)
	_, err = e.Reseal(t.Context(), 0)
	require.ErrorIs(t, err, durable.ErrSealed)
	for name, text := range planted {
		require.NotContains(t, err.Error(), text, name)
	}

	// The others work.
	other := hook()
	other.ID = otherID
	_, err = hooks.Create(t.Context(), other)
	require.NoError(t, err)
	require.Len(t, reveal(t, hooks.Keyring(), otherID), 1)
	stop()

	// With the key, nothing is lost, nor in another order.
	e = db.Open(t, Seal(durable.Config{}))
	db.Exec(t, `UPDATE @delivery SET due = created WHERE state = 'pending'`)
	db.Exec(t, `UPDATE #river_job SET state = 'available', scheduled_at = '2024-01-01 00:00:00.000'
		WHERE state IN ('scheduled', 'available')`)
	runWith(t, e, plantedClient(func(string) bool { return false }), slog.New(slog.DiscardHandler))
	eventually(t, db, 0, `SELECT count(*) FROM @delivery WHERE state = 'pending'`)
	for _, id := range []string{"superseding", "by-hand", "in-a-transaction"} {
		require.Empty(t, finally(t, e, id, durable.StateDelivered).Error, id)
	}
}

// testSealedMoved has values in other rows than their own.
func testSealedMoved[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, Seal(durable.Config{Logger: slog.New(slog.DiscardHandler)}))
	require.NoError(t, e.Enqueue(t.Context(), Task("a"), Task("b")))
	hooks := e.Webhooks(nil)
	for _, id := range []string{hookID, otherID} {
		one := hook()
		one.ID = id
		_, err := hooks.Create(t.Context(), one)
		require.NoError(t, err)
	}
	_, err := hooks.Update(t.Context(), hook(), 1)
	require.NoError(t, err)
	moved := func(table, column, of, to string) {
		db.Exec(t, `UPDATE @`+table+` SET `+column+` = (SELECT `+column+` FROM @`+table+` WHERE `+of+`) WHERE `+to)
	}
	moved("delivery", "message", "id = 'a'", "id = 'b'")
	moved("webhook", "definition", "id = '"+hookID+"' AND version = 2", "id = '"+otherID+"'")
	moved("webhook", "definition", "id = '"+hookID+"' AND version = 1", "id = '"+hookID+"' AND version = 2")
	moved("secret", "secret", "webhook_id = '"+hookID+"'", "webhook_id = '"+otherID+"'")
	r := record(nil)
	Run(t, e, r.handle)
	finally(t, e, "a", durable.StateDelivered)
	eventually(t, db, 1, `SELECT count(*) FROM @delivery WHERE id = 'b' AND state = 'pending' AND error <> ''`)
	require.Equal(t, map[string]int{"a": 1}, r.ids())
	_, err = e.Message(t.Context(), "b")
	require.EqualError(t, err, "durable: message: the stored value is sealed and cannot be opened: damaged, or of another place")
	for _, id := range []string{hookID, otherID} {
		_, err = hooks.Get(t.Context(), id)
		require.ErrorIs(t, err, durable.ErrSealed)
	}
	_, err = hooks.Version(t.Context(), hookID, 1)
	require.NoError(t, err)
	_, err = hooks.Secrets(t.Context(), otherID)
	require.ErrorIs(t, err, durable.ErrSealed)
}
