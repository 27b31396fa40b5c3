package payload_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/payload"
)

// A callback is a body that some platform sends, and what is expected of it. Digits, names
// and ids in the bodies are made up.
type callback struct {
	File, Shows string
	// Type is that of Go, Event that of the event, and Error that of Parse.
	Type, Event, Error string
	// Written is how the event is written again: bytes, as they came, or values, the same
	// to any reader of JSON.
	Written string
	// Templates and what they become, the same for the event, its JSON and a map.
	Templates map[string]string
	// Documented has templates with names that this body does not have, but the type of
	// the event has.
	Documented map[string]string
	// Unknown has names that the event does not have.
	Unknown []string
}

func callbacks(t testing.TB) []callback {
	t.Helper()
	b, err := os.ReadFile("testdata/callbacks/manifest.json")
	require.NoError(t, err)
	var all []callback
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	require.NoError(t, d.Decode(&all))
	return all
}

func body(t testing.TB, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata/callbacks", file))
	require.NoError(t, err)
	return b
}

// A mapped event is the JSON of an event as encoding/json reads it.
type mapped map[string]any

func (mapped) EventType() string { return "mapped" }

// Each body is read as what it is, and written again; each template means the same for all
// forms of an event.
func TestCallbacks(t *testing.T) {
	t.Parallel()
	listed := map[string]bool{"manifest.json": true}
	for _, tt := range callbacks(t) {
		listed[tt.File] = true
		t.Run(tt.File, func(t *testing.T) {
			t.Parallel()
			raw := body(t, tt.File)
			event, err := payload.Parse(raw)
			text := bytes.TrimPrefix(raw, []byte("\ufeff"))
			forms := []webhook.Event{webhook.RawEvent{Type: "raw", JSON: text}}
			if tt.Error != "" {
				require.EqualError(t, err, tt.Error)
				require.Nil(t, event)
			} else {
				require.NoError(t, err)
				require.Equal(t, tt.Type, reflect.TypeOf(event).String())
				require.Equal(t, tt.Event, event.EventType())
				out := marshal(t, event)
				require.Contains(t, []string{"bytes", "values"}, tt.Written)
				require.Equal(t, tt.Written == "bytes", compact(t, text) == out, out)
				require.Equal(t, decode(t, text), decode(t, []byte(out)))
				again := parse[payload.Event](t, out)
				require.IsType(t, event, again)
				require.Equal(t, out, marshal(t, again))

				members, ok := decode(t, text).(map[string]any)
				require.True(t, ok)
				forms = append(forms, event, mapped(members))
			}
			for template, want := range tt.Documented {
				require.Equal(t, want, rendered(t, template, event), template)
			}
			for _, e := range forms {
				for template, want := range tt.Templates {
					require.Equal(t, want, rendered(t, template, e), "%s of a %T", template, e)
				}
				for _, name := range tt.Unknown {
					_, err := webhook.Compile(webhook.Webhook{URL: "https://receiver.test", Body: `{{` + name + `}}`}, e)
					require.ErrorContains(t, err, `unknown name "`+name+`"`, "%T", e)
				}
			}
		})
	}
	files, err := os.ReadDir("testdata/callbacks")
	require.NoError(t, err)
	require.Greater(t, len(files), 1)
	for _, f := range files {
		require.True(t, listed[f.Name()], "%s is not in the manifest", f.Name())
	}
}

func rendered(t *testing.T, template string, e webhook.Event) (text string) {
	t.Helper()
	c, err := webhook.Compile(webhook.Webhook{URL: "https://receiver.test", Body: `"` + template + `"`}, e)
	require.NoError(t, err, "%s of a %T", template, e)
	m, err := c.Compose(e)
	require.NoError(t, err, "%s of a %T", template, e)
	require.NoError(t, json.Unmarshal(m.Body, &text))
	return text
}

func TestCallbacksOfCalls(t *testing.T) {
	t.Parallel()
	seconds := func(s payload.Seconds, want time.Duration) {
		d, ok := s.Duration()
		require.Equal(t, want >= 0, ok)
		require.Equal(t, max(want, 0), d)
	}
	digits := func(p payload.Phone, want string) {
		d, ok := p.Digits()
		require.Equal(t, want != "", ok)
		require.Equal(t, want, d)
	}
	call := func(file string) *payload.CallReport { return parse[*payload.CallReport](t, string(body(t, file))) }
	record := func(file string) *payload.CDR { return parse[*payload.CDR](t, string(body(t, file))) }

	logged := call("a10_mt_call_log.json")
	seconds(logged.Duration, 12*time.Second)
	seconds(logged.Billing, 12*time.Second)
	durations := call("o10_durations.json")
	seconds(durations.Duration, 12*time.Second)
	seconds(durations.Billing, -1) // 12.5 is no whole number
	phones := call("o09_phone_forms.json")
	digits(phones.Bridge, "918068280001")
	digits(phones.From, "918919520001")
	digits(phones.To, "918867130001")
	seconds(phones.Duration, -1)
	floats := call("o08_phone_float.json")
	digits(floats.Bridge, "918068280001")
	digits(floats.From, "") // rounded by a spreadsheet
	digits(floats.To, "918867130001")
	seconds(floats.Duration, 23*time.Second)
	flow, ok := floats.FlowID.Int64()
	require.True(t, ok)
	require.EqualValues(t, 1, flow)
	require.Empty(t, call("o14_recording_list.json").RecordingURL)

	texts := record("o01_cdr_all_text.json")
	require.Equal(t, payload.LegA, texts.LegType)
	require.Equal(t, payload.AMDMachine, texts.AMDStatus)
	require.Equal(t, []int64{1, 2}, texts.ListPhonebookID)
	require.Equal(t, "9007199254740993", texts.CallRequestID)
	cost, ok := texts.Cost.Rat()
	require.True(t, ok)
	require.Equal(t, "3/200", cost.String())
	seconds(texts.BilledDuration, 23*time.Second)
	date, ok := texts.CallDate.Time()
	require.True(t, ok)
	require.Equal(t, time.Date(2021, 4, 9, 10, 57, 39, 123456000, time.UTC), date.UTC())
	nulls := record("o02_cdr_nulls.json")
	require.Zero(t, nulls.LegType)
	_, ok = nulls.Cost.Rat()
	require.False(t, ok)
	cause, ok := record("o13_cause_forms.json").HangupCause.Q850()
	require.True(t, ok)
	require.Equal(t, 16, cause)
}

func TestCallbacksOfMessages(t *testing.T) {
	t.Parallel()
	message := func(file string) *payload.MessageIn { return parse[*payload.MessageIn](t, string(body(t, file))) }
	status := func(file string) *payload.MessageStatus {
		return parse[*payload.MessageStatus](t, string(body(t, file)))
	}
	texts := map[string]string{
		"a07_mt_vmn_in.json": "WIN 42", "b01_qik_in_text.json": "hello", "o06_latin1.json": "\ufffdHola!",
		"o07_nul.json": "x\x00y", "o20_in_bsuid.json": "hi", "o21_in_bsuid_in_from.json": "hi",
	}
	for file, want := range texts {
		text, ok := message(file).Message.Text()
		require.True(t, ok, file)
		require.Equal(t, want, text, file)
	}
	odd, ok := message("o18_text.json").Message.Text()
	require.True(t, ok)
	require.True(t, strings.HasSuffix(odd, "\u201cq\u201d \ufffd half \u2028 <b>&amp; /"), odd)
	_, ok = message("o03_php_empty_lists.json").Message.Text()
	require.False(t, ok)
	image, ok := message("b03_qik_in_image.json").Message.Media()
	require.True(t, ok)
	require.Equal(t, "https://media.example.com/1.jpg", image.URL)
	require.Equal(t, "Jos\ufffd", message("o06_latin1.json").Recipient.User.FirstName)
	require.Equal(t, payload.ContentType("reaction"), message("o22_in_types.json").Message.Type)
	require.Equal(t, "94e6ce87-1429-4e98-9715-2ec461401fd2", message("a08_mt_viber_in_dup.json").ID)

	numbers := map[string]string{
		"b01_qik_in_text.json": "919000000001", "b02_qik_in_reaction.json": "919000000001", "o22_in_types.json": "919019912345",
		"o20_in_bsuid.json": "", "o21_in_bsuid_in_from.json": "",
	}
	for file, want := range numbers {
		digits, ok := message(file).From().Digits()
		require.Equal(t, want != "", ok, file)
		require.Equal(t, want, digits, file)
	}
	require.Equal(t, "US.13491208655302741918", message("o20_in_bsuid.json").Recipient.User.UserID)
	require.Equal(t, "US.13491208655302741918", message("o21_in_bsuid_in_from.json").From().String())

	times := status("o11_times.json")
	for _, tt := range []struct {
		time payload.Time
		want time.Time
	}{
		{times.DeliveredAt, time.Unix(1737300755, 0)},
		{times.ReadAt, time.UnixMilli(1737300755123)},
		{times.SubmitTime, time.Date(2021, 6, 18, 14, 48, 6, 0, time.UTC)},
		{times.Timestamp, time.Date(2021, 6, 18, 14, 48, 6, 0, time.UTC)},
		{times.ProcessedAt, time.Time{}},
	} {
		at, ok := tt.time.Time()
		require.Equal(t, !tt.want.IsZero(), ok)
		require.True(t, at.Equal(tt.want), "%v", at)
	}
	require.Equal(t, "3562707498794989059", status("o16_huge_ids.json").ID)
	require.Equal(t, "90071992547409931234", status("o16_huge_ids.json").ForeignID)
	failed := status("o17_errors.json")
	require.Equal(t, "x", failed.Reason())
	require.Equal(t, "Message undeliverable", failed.Errors[0].Title)
	sms := parse[*payload.SMSStatus](t, string(body(t, "a01_mt_sms_status.json")))
	digits, ok := sms.Mobile.Digits()
	require.True(t, ok)
	require.Equal(t, "918921269001", digits)
	credits, ok := sms.Credits.Rat()
	require.True(t, ok)
	require.Equal(t, "2", credits.RatString())
	delivered, ok := sms.DelivAt.Time()
	require.True(t, ok)
	require.True(t, delivered.Equal(time.Date(2023, 11, 27, 12, 3, 5, 0, time.UTC)))
	_, smsRank := sms.Subject()
	_, rank := payload.MessageStatus{Status: payload.StatusDelivered}.Subject()
	require.Equal(t, rank, smsRank)
	require.Equal(t, "436", parse[*payload.Unsubscription](t, string(body(t, "a04_mt_wa_unsubscription.json"))).ID)
	_, played := status("o12_status_words.json").Subject()
	_, read := payload.MessageStatus{Status: payload.StatusRead}.Subject()
	require.Greater(t, played, read)
	require.Equal(t, payload.StatusRead, status("o19_dup.json").Status)
	require.Equal(t, payload.StatusRead, status("o05_bom.json").Status)
}
