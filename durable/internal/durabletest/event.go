package durabletest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/payload"
	"github.com/ringhook/webhook/queue"
	"github.com/ringhook/webhook/testdata"
)

// keptOf returns the event that is kept with a delivery.
func keptOf[T any](t testing.TB, db Database[T], id string) (eventType, form string) {
	var b []byte
	db.Row(t, `SELECT type, json FROM @event WHERE seq = (SELECT seq FROM @delivery WHERE id = '`+id+`')`, &eventType, &b)
	return eventType, string(b)
}

func events[T any](t testing.TB, db Database[T]) (n int) {
	db.Row(t, `SELECT count(*) FROM @event`, &n)
	return n
}

func testEventKept[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	hooks, _, _ := dispatcher(t, e, queue.Config{})
	form, err := json.Marshal(sent)
	require.NoError(t, err)
	raw := webhook.RawEvent{Type: "crm:note", JSON: []byte(" {\"payload\": {\"id\": 1.0, \"status\": \"<\u2028>\"}}\n")}
	plain := webhook.Webhook{ID: otherID, URL: "https://receiver.example/", Format: webhook.FormatFormData}
	_, err = hooks.Create(t.Context(), plain)
	require.NoError(t, err)

	require.NoError(t, hooks.Dispatch(t.Context(), hookID, sent))
	require.Equal(t, 1, events(t, db))
	require.NoError(t, hooks.DispatchID(t.Context(), hookID, "raw", raw))
	require.NoError(t, hooks.DispatchID(t.Context(), otherID, "form", &sent))
	require.NoError(t, db.Tx(t, func(tx T, _ func(string)) error {
		require.NoError(t, hooks.DispatchTx(t.Context(), tx, hookID, sent))
		require.NoError(t, hooks.DispatchIDTx(t.Context(), tx, hookID, "tx", raw))
		return hooks.DispatchIDTx(t.Context(), tx, hookID, "tx", raw)
	}))
	require.Equal(t, 5, events(t, db))
	for id, want := range map[string]string{"raw": string(raw.JSON), "tx": string(raw.JSON), "form": string(form)} {
		eventType, got := keptOf(t, db, id)
		require.Equal(t, want, got, id)
		require.Equal(t, map[bool]string{true: sent.EventType(), false: raw.Type}[id == "form"], eventType, id)
		event, err := e.Event(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, webhook.RawEvent{Type: eventType, JSON: []byte(got)}, event)
	}
	other := raw
	other.JSON = []byte(`{"payload": {}}`)
	require.ErrorIs(t, hooks.DispatchID(t.Context(), hookID, "raw", other), queue.ErrTaken)
	_, got := keptOf(t, db, "raw")
	require.Equal(t, string(raw.JSON), got)
}

// testEventDiscarded keeps only what could not be composed.
func testEventDiscarded[T any](t *testing.T, db Database[T]) {
	hooks, _, _ := dispatcher(t, db.Open(t, durable.Config{DiscardEvents: true}), queue.Config{MaxSize: 3 << 20})
	broken := hook()
	broken.Body = `{{payload.staus}}`
	_, err := hooks.Update(t.Context(), broken, 1)
	require.NoError(t, err)
	large := map[string]webhook.Event{
		"small": sent,
		"raw":   webhook.RawEvent{Type: "crm:note", JSON: []byte(`{"payload": {"id": "` + strings.Repeat("<", 1<<20) + `"}}`)},
		"typed": payload.MessageStatus{ID: strings.Repeat("<", 1<<20)},
	}
	for id, event := range large {
		require.ErrorIs(t, hooks.DispatchID(t.Context(), hookID, id, event), durable.ErrNotComposed)
		form := large[id]
		want, err := json.Marshal(form)
		require.NoError(t, err)
		_, got := keptOf(t, db, id)
		require.JSONEq(t, string(want), got, "whatever its size")
		require.NotContains(t, got, `\u003c`)
	}
	require.ErrorIs(t, hooks.Dispatch(t.Context(), hookID, (*payload.MessageStatus)(nil)), durable.ErrNotComposed)
	require.Equal(t, len(large), events(t, db), "what has no JSON form has no event")
	_, err = hooks.Update(t.Context(), hook(), 2)
	require.NoError(t, err)
	require.NoError(t, hooks.DispatchID(t.Context(), hookID, "small", sent), "composed now")
	require.NoError(t, hooks.Dispatch(t.Context(), hookID, sent))
	require.Equal(t, len(large)-1, events(t, db), "the event of the failure went with it")
}

// testEventRetention removes events with their deliveries.
func testEventRetention[T any](t *testing.T, db Database[T]) {
	hooks, _, _ := dispatcher(t, db.Open(t, durable.Config{}), queue.Config{})
	require.NoError(t, hooks.DispatchID(t.Context(), hookID, "old", sent))
	require.NoError(t, hooks.DispatchID(t.Context(), hookID, "young", sent))
	db.Exec(t, `UPDATE @delivery SET state = 'failed', ended = `+durableMicros(-100*24*time.Hour)+` WHERE id = 'old'`)
	Run(t, db.Open(t, durable.Config{}), record(nil).handle)
	eventually(t, db, 1, `SELECT count(*) FROM @event`)
	_, form := keptOf(t, db, "young")
	require.NotEmpty(t, form)
}

// A call is an event of an embedder's own, of a type that package payload has too.
type call struct {
	Zone   string `json:"zone"`
	Bridge string `json:"bridge"`
}

func (call) EventType() string { return payload.EventCall }

// testEventAlike composes events live and, by Recompose, from what is kept of them.
func testEventAlike[T any](t *testing.T, db Database[T]) {
	live := map[string]webhook.Event{
		"c2c without anything": payload.CallReport{Source: payload.SourceC2C},
		"obd without anything": &payload.CallReport{},
		"cdr without anything": payload.CDR{},
		"own type":             call{Zone: "b", Bridge: "a"},
		"raw call":             webhook.RawEvent{Type: payload.EventCall, JSON: []byte(` {"to": 1.0, "to": 2}`)},
		"raw":                  webhook.RawEvent{Type: "crm:note", JSON: []byte(`[1e400]`)},
	}
	require.NotEmpty(t, testdata.Names())
	for _, name := range testdata.Names() {
		event, err := payload.Parse(testdata.Fixture(name))
		require.NoError(t, err)
		live[name] = event
	}
	e := db.Open(t, durable.Config{})
	q, _ := newQueue(t, e, queue.Config{Ordered: true})
	for name, event := range live {
		for i, w := range alikeHooks(event) {
			hooks := e.Webhooks(q)
			d, err := hooks.Create(t.Context(), w)
			require.NoError(t, err, name)
			id := fmt.Sprintf("%s-%d", strings.ReplaceAll(name, " ", "_"), i)
			require.NoError(t, hooks.DispatchID(t.Context(), d.ID, id, event), name)
			db.Exec(t, `UPDATE @delivery SET state = 'failed', active = 0, ended = created WHERE id = '`+id+`'`)
			want, err := e.Message(t.Context(), id)
			require.NoError(t, err)
			db.Exec(t, `UPDATE @delivery SET message = CAST('x' AS BLOB) WHERE id = '`+id+`'`) // it is composed
			again, err := hooks.Recompose(t.Context(), id)
			require.NoError(t, err, name)
			require.Equal(t, id, again.ID)
			got, err := e.Message(t.Context(), id)
			require.NoError(t, err)
			require.False(t, got.Composed.Before(want.Composed))
			got.Composed = want.Composed
			require.Equal(t, want, got, "%s: %+v", name, w)
		}
	}
}

// alikeHooks returns webhooks that send an event as it is, and all that it has by name:
// all members of a typed one, aliases and absent ones too.
func alikeHooks(event webhook.Event) []webhook.Webhook {
	names, text := []string{"event", "webhook_id"}, `{"`
	for _, v := range webhook.Variables(event) {
		names = append(names, v.Name)
	}
	if _, ok := event.(webhook.RawEvent); !ok && event.EventType() == payload.EventCall {
		if _, own := event.(call); !own {
			names = append(names, "id") // the alias of mid, wherever that is absent
		}
	}
	for i, name := range names {
		text += fmt.Sprintf(`%d": {{%s}}, "`, i, name)
	}
	text += `": null}`
	return []webhook.Webhook{
		{URL: "https://receiver.example/"},
		{
			URL: "https://receiver.example/{{event}}", Format: webhook.FormatFormURLEncoded, Body: text,
			Headers: map[string]string{"X-Event": "{{event}}"},
		},
	}
}
