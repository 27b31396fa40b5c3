package durabletest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
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

// planted are texts that what is stored has in it, each in another place. Those of a
// message are also in its event.
var planted = map[string]string{
	"url":       "planted-path",
	"query":     "planted-query",
	"name":      "X-Planted-Header",
	"value":     "planted-credential",
	"template":  "planted-template",
	"text":      "planted-text",
	"number":    "9198765432101",
	"last 10":   "8765432101",
	"subject":   "planted-subject",
	"ref":       "planted-ref",
	"answer":    "planted-answer",
	"location":  "planted-location",
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
			header := http.Header{"Location": {"https://elsewhere.example/" + planted["location"]}}
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
	_, err := hooks.Create(t.Context(), plantedHook())
	require.NoError(t, err)
	_, err = hooks.Update(t.Context(), plantedHook(), 1)
	require.NoError(t, err)
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
	for _, clear := range []string{"clear name", "https://clear.example", "test:planted", hookID, "a clear reason"} {
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
	eventually(t, db, 2, `SELECT count(*) FROM @delivery WHERE state = 'pending' AND error = '`+blocked+`'
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

// testReseal has what was stored in the clear, and under an older key.
func testReseal[T any](t *testing.T, db Database[T]) {
	_, secrets := plant(t, db, durable.Config{})
	withKeys := func(current string, names ...string) durable.Config {
		config := Seal(durable.Config{Logger: slog.New(slog.DiscardHandler)})
		keys := map[string][]byte{}
		for _, name := range names {
			keys[name] = sealKeys[name]
		}
		config.Sealer = newSealer(current, keys)
		return config
	}
	clear := db.Open(t, durable.Config{})
	_, err := clear.Reseal(t.Context(), 0)
	require.EqualError(t, err, "durable: reseal: there is no Sealer")
	before := foundPlanted(t, clear)
	require.NotEmpty(t, before)

	old := db.Open(t, withKeys("a", "a"))
	hooks := old.Webhooks(nil)
	_, err = hooks.Get(t.Context(), hookID)
	require.NoError(t, err, "what is clear is read")
	m, err := old.Message(t.Context(), "delivered")
	require.NoError(t, err)
	require.Len(t, m.Content, 16)
	require.NotEmpty(t, m.Refs)
	attempts, err := old.Attempts(t.Context(), "failed")
	require.NoError(t, err)
	require.Equal(t, planted["answer"], attempts[0].Answer)
	_, err = old.Reseal(t.Context(), -1)
	require.ErrorIs(t, err, durable.ErrFilter)
	require.Greater(t, resealAll(t, old, 3), 15)
	hidden := func(but ...string) {
		all := db.Dump(t) // pages that are free may have more
		for name, text := range planted {
			if !slices.Contains(but, name) {
				require.False(t, bytes.Contains(all, []byte(text)), "%s is stored in the clear", name)
			}
		}
		for _, secret := range secrets {
			require.False(t, bytes.Contains(all, []byte(secret)), "a secret is stored in the clear")
		}
	}
	hidden("subject") // in the ordering of what is pending
	require.Equal(t, before, foundPlanted(t, old))
	got, err := old.Message(t.Context(), "delivered")
	require.NoError(t, err)
	require.Equal(t, m, got)
	after, err := old.Attempts(t.Context(), "failed")
	require.NoError(t, err)
	require.Equal(t, attempts, after)

	e := db.Open(t, withKeys("b", "a", "b"))
	q, stop := runWith(t, e, plantedClient(func(string) bool { return false }), slog.New(slog.DiscardHandler))
	require.NoError(t, e.Webhooks(q).Enable(t.Context(), hookID, ""))
	eventually(t, db, 0, `SELECT count(*) FROM @delivery WHERE state = 'pending'`)
	stop()
	require.Positive(t, resealAll(t, e, 1000))
	hidden()
	require.Zero(t, resealAll(t, e, 1000))

	e = db.Open(t, withKeys("b", "b"))
	require.Zero(t, resealAll(t, e, 0))
	got, err = e.Message(t.Context(), "delivered")
	require.NoError(t, err)
	require.Equal(t, m, got)
	hooks = e.Webhooks(nil)
	for version := range 4 {
		_, err = hooks.Version(t.Context(), hookID, version+1)
		require.NoError(t, err)
	}
	stored, err := hooks.Secrets(t.Context(), hookID)
	require.NoError(t, err)
	require.Len(t, stored, 2)
	for _, id := range []string{"failed", "fault"} {
		_, err = e.Attempts(t.Context(), id)
		require.NoError(t, err)
	}
}

// foundPlanted returns the IDs of what is found by a ref and a subject.
func foundPlanted[T any](t testing.TB, e *durable.Engine[T]) (ids []string) {
	for _, f := range []durable.Filter{{Ref: planted["ref"]}, {Ref: "+" + planted["number"]}, {Subject: planted["subject"]}} {
		page, err := e.List(t.Context(), f)
		require.NoError(t, err)
		for _, d := range page.Deliveries {
			ids = append(ids, d.ID)
		}
	}
	return ids
}

func resealAll[T any](t testing.TB, e *durable.Engine[T], limit int) (total int) {
	for {
		n, err := e.Reseal(t.Context(), limit)
		require.NoError(t, err)
		if total += n; n == 0 {
			return total
		}
		if limit > 0 {
			require.LessOrEqual(t, n, limit)
		}
	}
}

// A failingSealer fails with what begins with a text.
type failingSealer struct {
	durable.Sealer
	fails func(plain []byte) bool
}

func (s failingSealer) Seal(ctx context.Context, plain, where []byte) ([]byte, error) {
	if s.fails(plain) {
		return nil, errors.New("the key service is away")
	}
	return s.Sealer.Seal(ctx, plain, where)
}

// testSealFails has a Sealer that does not seal.
func testSealFails[T any](t *testing.T, db Database[T]) {
	config := Seal(durable.Config{Logger: slog.New(slog.DiscardHandler)})
	var away atomic.Bool
	config.Sealer = failingSealer{config.Sealer, func(plain []byte) bool {
		return away.Load() || string(plain) == planted["answer"]
	}}
	e := db.Open(t, config)
	q, _ := runWith(t, e, plantedClient(func(string) bool { return false }), config.Logger)
	hooks := e.Webhooks(q)
	_, err := hooks.Create(t.Context(), plantedHook())
	require.NoError(t, err)
	require.NoError(t, hooks.DispatchID(t.Context(), hookID, "kept", newPlanted("")))
	finally(t, e, "kept", durable.StateDelivered)
	attempts, err := e.Attempts(t.Context(), "kept")
	require.NoError(t, err)
	require.Len(t, attempts, 1)
	require.Empty(t, attempts[0].Answer, "the attempt counts, without its answer")

	away.Store(true)
	require.EqualError(t, hooks.DispatchID(t.Context(), hookID, "not-kept", newPlanted("")),
		"durable: enqueue: seal: the key service is away")
	require.ErrorContains(t, q.Send(t.Context(), Task("by-hand").Message), "seal: the key service is away")
	err = db.Tx(t, func(tx T, _ func(string)) error {
		return hooks.DispatchIDTx(t.Context(), tx, hookID, "not-kept", newPlanted(""))
	})
	require.ErrorContains(t, err, "seal: the key service is away")
	other := hook()
	other.ID = otherID
	_, err = hooks.Create(t.Context(), other)
	require.ErrorContains(t, err, "seal: the key service is away")
	_, err = hooks.Update(t.Context(), plantedHook(), 1)
	require.ErrorContains(t, err, "seal: the key service is away")
	_, err = hooks.Rotate(t.Context(), hookID, 0)
	require.ErrorContains(t, err, "seal: the key service is away")
	require.Equal(t, 1, count(t, db, `1 = 1`))
	var n int
	db.Row(t, `SELECT count(*) FROM @webhook`, &n)
	require.Equal(t, 1, n)
}

// testSealedIDs has producers report events twice, before and after there is a Sealer.
func testSealedIDs[T any](t *testing.T, db Database[T]) {
	plain := db.Open(t, durable.Config{}).Webhooks(nil)
	clear := db.Open(t, durable.Config{})
	hooks, _, _ := dispatcher(t, clear, queue.Config{})
	require.NoError(t, hooks.DispatchID(t.Context(), hookID, "before", sent))
	e := db.Open(t, Seal(durable.Config{}))
	q, _ := newQueue(t, e, queue.Config{})
	hooks = e.Webhooks(q)
	read := sent
	read.Status = "read"
	for _, id := range []string{"before", "after"} {
		require.NoError(t, hooks.DispatchID(t.Context(), hookID, id, sent))
		require.NoError(t, hooks.DispatchID(t.Context(), hookID, id, sent))
		require.ErrorIs(t, hooks.DispatchID(t.Context(), hookID, id, read), queue.ErrTaken)
	}
	require.Equal(t, 2, count(t, db, `1 = 1`))

	keyed, err := hooks.ContentID(hookID, sent)
	require.NoError(t, err)
	require.Regexp(t, `^[\w-]{43}$`, keyed)
	again, err := hooks.ContentID(hookID, sent)
	require.NoError(t, err)
	require.Equal(t, keyed, again)
	unkeyed, err := plain.ContentID(hookID, sent)
	require.NoError(t, err)
	require.NotEqual(t, keyed, unkeyed)
}
