package payload_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"math"
	"math/big"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/payload"
	"github.com/ringhook/webhook/testdata"
)

// FuzzParse checks the promises of Parse: it never panics, and what it accepts is
// written as JSON that means the same to encoding/json.
func FuzzParse(f *testing.F) {
	for _, name := range testdata.Names() {
		f.Add(testdata.Fixture(name))
	}
	for _, c := range callbacks(f) {
		f.Add(body(f, c.File))
	}
	for _, body := range []string{
		"", "null", "[]", "{}", `{"bridge":`, call(`"status":5,"x":{"":[1e400,"\ud800"]}`),
		cdr(`"leg_type":"1","list_phonebook_id":["5"]`),
		status(`"status":{},"submit_time":null`),
		in(`"channels":[1,{"to":null}],"message":{"type":"contacts","payload":[{"phones":[5]}]}`),
		user(`"attributes":null,"middle_name":"","user_info":[]`),
		in(`"message":{"type":"location","payload":{"latitude":"1e5","longitude":-0}}`),
		in(`"message":{"type":"interactive","payload":{"reply":{"id":5}}}`), "{\"bridge\":\"\xff\",\"\xfe\":1}",
		`{"event":"voice:message:out","payload":{"bridge":1},"x":2}`, `{"event":"crm:contact","payload":{"id":"1"}}`,
		status(`"errors":[{"code":{},"error_data":[]}],"error":{"message":5}`), status(`"errors":[ ],"reason":[]`),
		sms(`"deliv_at":1.7e9,"units":"x"`), unsubscribed(`"id":[],"x":"y"`), `{"event":"a:unsubscription","payload":{"id":1}}`,
		"\ufeff{\"event\":\"dialer:cdr\"}", `{"call_id":1,"amd_status":2}`, "a=b&c%5Bd%5D=1",
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, v := range unmarshalers() {
			_ = v.UnmarshalJSON(body)
		}
		event, err := payload.Parse(body)
		if err != nil {
			require.Nil(t, event)
			require.True(t, strings.HasPrefix(err.Error(), "payload: "))
			return
		}
		readAll(event)
		out, err := json.Marshal(event)
		require.NoError(t, err)
		body = bytes.TrimPrefix(body, []byte("\ufeff"))
		if distinctNames(body) {
			require.Equal(t, unwrapped(event, decode(t, body)), decode(t, out))
		}
		again, err := payload.ParseAs(event.EventType(), out)
		require.NoError(t, err)
		require.IsType(t, event, again)
		require.Equal(t, event.EventType(), again.EventType())
		fixed, err := json.Marshal(again)
		require.NoError(t, err)
		require.Equal(t, string(out), string(fixed))
	})
}

// unwrapped takes the members of an event that is bare out of the envelope it came in.
func unwrapped(event payload.Event, body any) any {
	members := body.(map[string]any)
	inner, enveloped := members["payload"].(map[string]any)
	switch event.(type) {
	case *payload.MessageStatus, *payload.MessageIn, *payload.WebhookState, *payload.Other:
		return body
	}
	if members["event"] != event.EventType() || !enveloped {
		return body
	}
	delete(members, "payload")
	maps.Copy(members, inner)
	return members
}

// readAll calls all methods that read the parts of an event.
func readAll(event payload.Event) {
	switch e := event.(type) {
	case *payload.CallReport:
		e.From.Digits()
		e.FlowID.Int64()
		e.Duration.Duration()
		e.StartAt.Time()
	case *payload.CDR:
		e.Cost.Rat()
		e.HangupCause.Q850()
	case *payload.MessageStatus:
		e.Subject()
		e.Reason()
	case *payload.Other:
		e.Refs()
	case *payload.WebhookState:
		e.Refs()
		e.At.Time()
	case *payload.SMSStatus:
		e.Subject()
		e.DelivAt.Time()
	case *payload.MessageIn:
		for _, kind := range []payload.ContentType{
			e.Message.Type, payload.ContentText, payload.ContentImage, payload.ContentLocation,
			payload.ContentContacts, payload.ContentButton,
		} {
			c := e.Message
			c.Type = kind
			c.Text()
			c.Media()
			c.Location()
			c.Contacts()
			c.Reply()
		}
	}
}

func decode(t testing.TB, body []byte) (v any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	require.NoError(t, d.Decode(&v))
	return v
}

// distinctNames reports whether no object of a JSON text has two members with one name.
func distinctNames(body []byte) bool {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	ok := true
	var walk func()
	walk = func() {
		token, err := d.Token()
		if err != nil {
			ok = false
			return
		}
		delim, _ := token.(json.Delim)
		names := map[any]bool{}
		for (delim == '{' || delim == '[') && ok && d.More() {
			if delim == '{' {
				name, _ := d.Token()
				ok = ok && !names[name]
				names[name] = true
			}
			walk()
		}
		if delim == '{' || delim == '[' {
			_, _ = d.Token()
		}
	}
	walk()
	return ok
}

// TestCorpus reads the files of JSONTestSuite, if they are available.
func TestCorpus(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("../../shared/corpora/json_parsing.json")
	if err != nil {
		t.Skip("no corpus here")
	}
	var corpus struct {
		Cases []struct {
			Name, Expect string
			B64          []byte
		}
	}
	require.NoError(t, json.Unmarshal(b, &corpus))
	require.NotEmpty(t, corpus.Cases)
	for _, tt := range corpus.Cases {
		t.Run(tt.Name, func(t *testing.T) {
			t.Parallel()
			_, err := payload.Parse(tt.B64)
			for _, v := range unmarshalers() {
				if uerr := v.UnmarshalJSON(tt.B64); tt.Expect == "reject" {
					require.Error(t, uerr, "%T", v)
				}
			}
			body := append(append([]byte(`{"bridge":1,"x":`), tt.B64...), '}')
			event, inside := payload.Parse(body)
			switch tt.Expect {
			case "reject":
				require.Error(t, err)
			case "accept":
				require.NoError(t, inside)
				require.Equal(t, compact(t, body), marshal(t, event))
			}
		})
	}
}

// FuzzNumbers compares the whole numbers that are read with exact arithmetic.
func FuzzNumbers(f *testing.F) {
	for _, text := range []string{
		"12", "12.0", "1.2e1", "120e-1", "-0", "0.0", "1e18", "9223372036854775808", "0.00012e5", "1e", "00:00:12", "1e64",
		"-12 ", "+7", "007", "-9223372036854775808", "0e-64", "1.5", "null", `"1"`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		trimmed := strings.Trim(text, " \t\r\n")
		if i := strings.IndexAny(trimmed, "eE"); len(trimmed) > 30 || i >= 0 && len(trimmed)-i > 3 || i >= 0 && strings.Trim(trimmed[:i], "0-.") == "" {
			t.Skip("too large to compute, or zero with whatever exponent")
		}
		quoted, err := json.Marshal(text)
		require.NoError(t, err)
		n, ok := readValue[payload.Int](t, string(quoted)).Int64()
		_, plain := strconv.ParseInt(trimmed, 10, 64)
		want, valid := new(big.Rat).SetString(trimmed)
		number := plain == nil || json.Valid([]byte(trimmed)) && valid
		require.Equal(t, number && want.IsInt() && want.Num().IsInt64(), ok)
		if ok {
			require.Equal(t, want.Num().Int64(), n)
		}
	})
}

// FuzzTimeInstant compares TimeInstant with the layout as package time writes it. Only the
// zero time is none.
func FuzzTimeInstant(f *testing.F) {
	for _, sec := range []int64{
		0, 1624027686, -1, -62135596800, -62167219201, 253402300800, math.MinInt64, math.MaxInt64,
	} {
		for _, nsec := range []int64{0, 999, 1000, 886358000, 999999999} {
			f.Add(sec, nsec, 5*3600+1800)
			f.Add(sec, nsec, -3601)
		}
	}
	f.Fuzz(func(t *testing.T, sec, nsec int64, offset int) {
		at := time.Unix(sec, nsec).In(time.FixedZone("", offset))
		want := at.UTC().Format("2006-01-02T15:04:05.000000Z07:00")
		if at.IsZero() {
			want = ""
		}
		require.Equal(t, want, payload.TimeInstant(at).String())
	})
}
