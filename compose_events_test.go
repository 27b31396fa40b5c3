package webhook_test

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/payload"
)

// A plainEvent is read from its fields.
type plainEvent struct {
	ID    string            `json:"id"`
	N     int               `json:"n"`
	U     uint8             `json:"u"`
	F     float64           `json:"f"`
	OK    bool              `json:"ok"`
	Bytes []byte            `json:"bytes"`
	Num   json.Number       `json:"num"`
	Inner plainInner        `json:"inner"`
	Ptr   *plainInner       `json:"ptr"`
	List  []plainInner      `json:"list"`
	Tags  map[string]string `json:"tags"`
	Any   any               `json:"any"`
	Raw   json.RawMessage   `json:"raw"`
	Plain string
	Skip  string `json:"-"`
	hid   string
}

type plainInner struct {
	A string `json:"a"`
	B []int  `json:"b"`
}

func (plainEvent) EventType() string { return "plain" }

func fullPlain() plainEvent {
	return plainEvent{
		ID: "i<1>", N: -5, U: 255, F: 1e21, OK: true, Bytes: []byte("hi"), Num: "1.50",
		Inner: plainInner{"x", []int{1, 2}}, Ptr: &plainInner{A: "p"}, List: []plainInner{{A: "l"}},
		Tags: map[string]string{"k": "v"}, Any: map[string]any{"z": []int{1}},
		Raw: json.RawMessage(` {"r": [1, "2"]} `), Plain: "pl", Skip: "s", hid: "h",
	}
}

// An oddEvent has everything that only encoding/json can read.
type oddEvent struct {
	Base
	ID      string      `json:"id,omitempty"`
	Quoted  int         `json:"quoted,string"`
	Tagged  Base        `json:"tagged"`
	Own     ownJSON     `json:"own"`
	Payload *plainInner `json:"payload"`
}

type Base struct {
	Name string `json:"name"`
}

func (oddEvent) EventType() string { return "odd" }

type ownJSON struct{ v string }

func (o ownJSON) MarshalJSON() ([]byte, error) { return json.Marshal(map[string]string{"own": o.v}) }

// A selfMade event writes its own JSON, with a method of the pointer.
type selfMade struct {
	ID   string
	Note string
}

func (selfMade) EventType() string { return "self" }

func (s *selfMade) MarshalJSON() ([]byte, error) {
	m := map[string]string{"id": s.ID}
	if s.Note != "" {
		m["note"] = s.Note
	}
	return json.Marshal(m)
}

// A loud type has another JSON form where it is addressable.
type loud string

func (l *loud) MarshalText() ([]byte, error) { return []byte(strings.ToUpper(string(*l))), nil }

type loudEvent struct {
	L loud             `json:"l"`
	I struct{ L loud } `json:"i"`
}

func (loudEvent) EventType() string { return "loud" }

// A failing event has no JSON form, and its error quotes a value.
type failing struct {
	ID  string `json:"id"`
	Err failer `json:"err"`
}

type failer struct{}

func (failer) MarshalJSON() ([]byte, error) { return nil, errors.New("secret value 919019912345") }
func (failing) EventType() string           { return "failing" }

func TestCompose_OwnEvents(t *testing.T) {
	t.Parallel()
	plain := fullPlain()
	odd := oddEvent{Base: Base{"n"}, Quoted: 7, Tagged: Base{"t"}, Own: ownJSON{"o"}}
	tests := []struct {
		name, body, want string
		event            webhook.Event
	}{
		{
			"plain",
			`[{{id}},{{n}},{{u}},{{f}},{{ok}},{{bytes}},{{num}},{{inner}},{{ptr}},{{list}},{{tags}},{{any}},{{raw}},{{Plain}}]`,
			`["i<1>",-5,255,1e+21,true,"aGk=",1.50,{"a":"x","b":[1,2]},{"a":"p","b":null},[{"a":"l","b":null}],{"k":"v"},{"z":[1]},{"r":[1,"2"]},"pl"]`, plain,
		},
		{"plain in strings", `["{{n}}","{{f}}","{{ok}}","{{inner}}","{{raw.r}}"]`, `["-5","1e+21","true","{\"a\":\"x\",\"b\":[1,2]}","[1,\"2\"]"]`, &plain},
		{"nested", `[{{inner.a}},{{inner.b.1}},{{ptr.a}},{{list.0.a}},{{tags.k}},{{any.z.0}},{{raw.r.1}},{{payload.inner.a}}]`, `["x",2,"p","l","v",1,"2","x"]`, plain},
		{"out of range", `[{{inner.b.2}},{{list.1.a}},{{list.1}},{{any.z.9}},{{raw.r.7.x}}]`, `[null,null,null,null,null]`, plain},
		{
			"zero",
			`[{{id}},{{n}},{{f}},{{ok}},{{bytes}},{{inner}},{{inner.b.0}},{{ptr}},{{ptr.a}},{{list.0.a}},{{tags.k}},{{any}},{{any.x}},{{raw}},{{raw.x}},"{{ptr.a}}{{any}}"]`,
			`[null,0,0,false,null,{"a":"","b":null},null,null,null,null,null,null,null,null,null,""]`,
			plainEvent{},
		},
		{"odd", `[{{id}},{{quoted}},{{name}},{{tagged.name}},{{own.own}},{{payload.a}},{{payload}},{{a}}]`, `[null,"7","n","t","o",null,null,null]`, odd},
		{"map", `[{{a}},{{b.c}},{{payload.a}}]`, `[1,"d",1]`, mapEvent{"a": 1, "b": map[string]string{"c": "d"}}},
		{"map with payload", `[{{a}},{{payload.a}},{{c}}]`, `[1,2,3]`, mapEvent{"a": 1, "payload": map[string]any{"a": 2, "c": 3}}},
		{"raw", `[{{a}},{{b}}]`, `[12345678901234567890.10,"\u0001"]`, raw(" {\"a\": 12345678901234567890.10, \"b\":\"\\u0001\"} ")},
		{"pointer to raw", `{{a}}`, `1`, &webhook.RawEvent{Type: "t", JSON: []byte(`{"a":1}`)}},
		{"own form of a pointer", `["{{id}}"]`, `["1"]`, &selfMade{ID: "1"}},
		{"own form of a pointer, by value", `["{{ID}}"]`, `["1"]`, selfMade{ID: "1"}},
		{"address taken", `[{{l}},{{i.L}}]`, `["A","B"]`, &loudEvent{L: "a", I: struct{ L loud }{"b"}}},
		{"address not taken", `[{{l}},{{i.L}}]`, `["a","b"]`, loudEvent{L: "a", I: struct{ L loud }{"b"}}},
		{"duplicate member", `{{a}}`, `2`, raw(`{"a":1,"a":2}`)},
		{"whole payload", `{{payload}}`, `{"a":[1,{}]}`, raw(`{ "a" : [ 1 , {} ] }`)},
		{"whole payload of a scalar", `{{payload}}`, `7`, raw(`7`)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, string(compose(t, webhook.Webhook{Body: tt.body}, tt.event).Body))
		})
	}
}

// Without a template, the body is the event's JSON.
func TestCompose_NoTemplate(t *testing.T) {
	t.Parallel()
	untidy := " {\"a\" :\t[1.0e2,\"\\u0041\xff\"]}\n"
	tests := []struct {
		name  string
		event webhook.Event
		want  string
	}{
		{"raw", raw(untidy), untidy},
		{"pointer to raw", &webhook.RawEvent{JSON: []byte("null")}, "null"},
		{"map", mapEvent{"a<": 1}, `{"a<":1}`},
		{"struct", oddEvent{Base: Base{"n"}}, `{"name":"n","quoted":"0","tagged":{"name":""},"own":{"own":""},"payload":null}`},
		{"typed", payload.MessageStatus{ID: "1"}, `{"event":"whatsapp:message:status","payload":{"id":"1","channel":"","from":null,"to":null,"status":"",` +
			`"delivered_at":null,"read_at":null,"processed_at":null,"timestamp":null,"foreign_id":""}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, body := range []string{"", " \n\t"} {
				require.Equal(t, tt.want, string(compose(t, webhook.Webhook{Body: body}, tt.event).Body))
			}
		})
	}
}

func TestCompose_BadEvents(t *testing.T) {
	t.Parallel()
	nan := fullPlain()
	nan.F = math.NaN()
	badRaw := fullPlain()
	badRaw.Raw = json.RawMessage(`"x","admin":true`)
	in := *whatsAppText
	in.Message.Payload = json.RawMessage(`{},"admin":true`)
	tests := []struct {
		name  string
		event webhook.Event
		body  string
		err   string
	}{
		{"nil", nil, "", "webhook: event: is nil"},
		{"nil pointer", (*payload.CDR)(nil), "", "webhook: event: is nil"},
		{"nil pointer to raw", (*webhook.RawEvent)(nil), "", "webhook: event: is nil"},
		{"nil map", mapEvent(nil), "", "webhook: event: is nil"},
		{"empty raw", webhook.RawEvent{}, "", "webhook: event: not JSON at offset 0"},
		{"broken raw", raw(`{"a":1,}`), "", "webhook: event: not JSON at offset 7"},
		{"broken raw, by name", raw(`{"a":1`), `{{a}}`, "webhook: event: not JSON at offset 6"},
		{"broken pointer to raw", &webhook.RawEvent{JSON: []byte("{} {}")}, "", "webhook: event: not JSON at offset 3"},
		{"failing", failing{ID: "1"}, "", "webhook: event: has no JSON form"},
		{"failing member", failing{ID: "1"}, `{{err}}`, "webhook: event: has no JSON form"},
		{"below a failing member", failing{ID: "1"}, `{{err.x}}`, "webhook: event: has no JSON form"},
		{"failing whole", failing{ID: "1"}, `{{payload}}`, "webhook: event: has no JSON form"},
		{"not a number", nan, `"{{f}}"`, "webhook: event: has no JSON form"},
		{"broken member", badRaw, `{"a":{{raw}}}`, "webhook: event: has no JSON form"},
		{"broken member of a typed event", in, `{"a":{{message.payload}}}`, "webhook: event: has no JSON form"},
		{"below a broken member", in, `"{{message.payload.text}}"`, "webhook: event: has no JSON form"},
		{"above a broken member", in, `{"a":{{payload.message}}}`, "webhook: event: has no JSON form"},
		{"typed with a broken member", in, "", "webhook: event: has no JSON form"},
		{"channel", chanEvent{}, "", "webhook: event: has no JSON form"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, format := range []webhook.Format{webhook.FormatJSON, webhook.FormatFormURLEncoded} {
				body := tt.body
				if format != webhook.FormatJSON && body != "" && body[0] != '{' {
					body = `{"x":` + body + `}`
				}
				c := webhook.MustCompile(webhook.Webhook{URL: "https://example.com/", Body: body, Format: format})
				m, err := c.Compose(tt.event)
				require.EqualError(t, err, tt.err)
				require.Nil(t, m)
				require.ErrorAs(t, err, new(*webhook.TemplateError))
			}
			if tt.event != nil && !strings.Contains(tt.name, "nil") {
				_, err := webhook.Compile(webhook.Webhook{URL: "https://example.com/"}, tt.event)
				require.EqualError(t, err, tt.err)
			}
		})
	}
	_, err := webhook.Compile(webhook.Webhook{URL: "https://example.com/"}, nil)
	require.EqualError(t, err, "webhook: event: a sample is nil")
	// A valid member can be read, whatever the others are.
	require.Equal(t, `"1"`, string(compose(t, webhook.Webhook{Body: `{{id}}`}, failing{ID: "1"}).Body))
	_, err = json.Marshal(in)
	require.Error(t, err)
}

type chanEvent struct{ C chan int }

func (chanEvent) EventType() string { return "chan" }
