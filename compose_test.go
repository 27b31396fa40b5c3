package webhook_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/payload"
)

// The documented events, with digits for their X's.
var obdReport = mustRead[payload.CallReport](`{"bridge":918068281234,"from":918919521234,"to":918867131234,"source":"OBD",` +
	`"mid":"1234-1333-12345","flow_id":123,"start_at":"2021-04-09 16:27:39","end_at":"2021-04-09 16:27:55","duration":"23",` +
	`"status":"ANSWER","recording_url":"https://youraudiofilelocation/"}`)

var whatsAppStatus = mustRead[payload.MessageStatus](`{"event":"whatsapp:message:status","payload":{` +
	`"id":"a418d672-9781-4d97-b517-a56f7d95ad8a","channel":"whatsapp","from":"919019120120","to":"919019912345","status":"read",` +
	`"delivered_at":"2021-06-18T14:48:06.886358Z","read_at":"2021-06-18T14:49:07.886358Z","processed_at":"2021-06-18T14:48:05.886358Z",` +
	`"timestamp":"2021-06-18T14:49:07.886358Z","foreign_id":"your-business-identifier"}}`)

var whatsAppText = mustRead[payload.MessageIn](`{"event":"whatsapp:message:in","payload":{"id":"our-message-id",` +
	`"channels":[{"name":"whatsapp","to":"919019120120"}],"recipient":{"from":"919019912345","user":{"id":"unique-id",` +
	`"identifier_id":"unique-identifier-id","subscriber_id":"unique-subscriber-id","identity":"unique-user-identity","username":"username",` +
	`"first_name":"Zoë","middle_name":"","last_name":null,"email":"zoe@example.com","phone":919019912345,` +
	`"attributes":{"tags":["vip","b2b"],"since":2019},"user_info":{"picture":"null","gender":"f","title":"null"}}},` +
	`"message":{"type":"text","payload":{"text":"Hello \"you\" & 5 < 6\n{{payload.id}} ☃"}}}}`)

var dialerCDR = mustRead[payload.CDR](`{"client_id":7,"cdr_id":"c-1","callerid":"918068281234","callrequest_id":"r-1","call_id":"f-1",` +
	`"campaign_id":42,"campaign_name":"Spring & Sons","leg_type":1,"phone_number":"919019912345","list_phonebook_id":[3,9007199254740993],` +
	`"list_phonebook_name":["a","b c"],"gateway":"gw1","amd_status":2,"hangup_cause_code":16,"hangup_cause":"NORMAL_CLEARING",` +
	`"cost":0.0150,"billed_duration":23,"incremental_duration":0,"call_date":"2021-04-09T16:27:39Z"}`)

func mustRead[T any](body string) *T {
	v := new(T)
	if err := json.Unmarshal([]byte(body), v); err != nil {
		panic(err)
	}
	return v
}

// The documented examples, in the three spellings of a placeholder.
func TestCompose_Documents(t *testing.T) {
	t.Parallel()
	bearer := map[string]string{"Authorization": "Bearer %token%"}
	tests := []struct {
		name       string
		webhook    webhook.Webhook
		event      webhook.Event
		url, body  string
		authorized bool
	}{
		{
			name:    "call report, url with to",
			webhook: webhook.Webhook{URL: "https://www.domain.com/ack/receive?id=@{{id}}&to=@{{to}}&status=@{{status}}"},
			event:   obdReport,
			url:     "https://www.domain.com/ack/receive?id=1234-1333-12345&to=918867131234&status=ANSWER",
			body: `{"bridge":918068281234,"from":918919521234,"to":918867131234,"source":"OBD","mid":"1234-1333-12345","flow_id":123,` +
				`"start_at":"2021-04-09 16:27:39","end_at":"2021-04-09 16:27:55","duration":"23","status":"ANSWER","recording_url":"https://youraudiofilelocation/"}`,
		},
		{
			name: "call report, url with other keys",
			webhook: webhook.Webhook{
				URL:  "https://www.domain.com/ack/receive?call_id=@{{id}}&to=@{{to}}&message_status=@{{status}}",
				Body: "{}",
			},
			event: obdReport,
			url:   "https://www.domain.com/ack/receive?call_id=1234-1333-12345&to=918867131234&message_status=ANSWER",
			body:  "{}",
		},
		{
			name: "call report, composed request",
			webhook: webhook.Webhook{
				URL: "https://www.domain.com/ack/receive?id=@{{id}}", Headers: bearer,
				Body: "{\n      \"id\": \"@{{id}}\",\n      \"to\": \"@{{to}}\",\n      \"status\": \"@{{status}}\",\n      \"duration\": \"@{{duration}}\"\n    }",
			},
			event:      obdReport,
			url:        "https://www.domain.com/ack/receive?id=1234-1333-12345",
			body:       "{\n      \"id\": \"1234-1333-12345\",\n      \"to\": \"918867131234\",\n      \"status\": \"ANSWER\",\n      \"duration\": \"23\"\n    }",
			authorized: true,
		},
		{
			name: "status, url with mixed names",
			webhook: webhook.Webhook{
				URL:    "https://www.domain.com/ack/receive?id=@{{id}}&mobile=@{{payload.mobile}}&status=@{{payload.status}}",
				Method: "GET",
			},
			event: whatsAppStatus,
			url:   "https://www.domain.com/ack/receive?id=a418d672-9781-4d97-b517-a56f7d95ad8a&mobile=919019912345&status=read",
		},
		{
			name: "status, url with other keys",
			webhook: webhook.Webhook{
				URL:    "https://www.domain.com/ack/receive?message_id=@{{payload.id}}&mobile_number=@{{payload.mobile}}&message_status=@{{payload.status}}",
				Method: "GET",
			},
			event: whatsAppStatus,
			url:   "https://www.domain.com/ack/receive?message_id=a418d672-9781-4d97-b517-a56f7d95ad8a&mobile_number=919019912345&message_status=read",
		},
		{
			name: "status, composed request",
			webhook: webhook.Webhook{
				URL: "https://www.domain.com/ack/receive?id=@{{payload.id}}", Headers: bearer,
				Body: "{\n      \"id\": \"@{{payload.id}}\",\n      \"mobile\": \"@{{payload.mobile}}\",\n      \"message_status\": \"@{{payload.status}}\",\n      \"read_at\": \"@{{payload.read_at}}\"\n    }",
			},
			event:      whatsAppStatus,
			url:        "https://www.domain.com/ack/receive?id=a418d672-9781-4d97-b517-a56f7d95ad8a",
			body:       "{\n      \"id\": \"a418d672-9781-4d97-b517-a56f7d95ad8a\",\n      \"mobile\": \"919019912345\",\n      \"message_status\": \"read\",\n      \"read_at\": \"2021-06-18T14:49:07.886358Z\"\n    }",
			authorized: true,
		},
		{
			name: "status, variables of the table",
			webhook: webhook.Webhook{
				URL:  "https://h/",
				Body: `["@{{id}}","@{{from}}","@{{to}}","@{{status}}","@{{delivered_at}}","@{{read_at}}","@{{processed_at}}","@{{submit_time}}","@{{foreign_id}}"]`,
			},
			event: whatsAppStatus,
			url:   "https://h/",
			body: `["a418d672-9781-4d97-b517-a56f7d95ad8a","919019120120","919019912345","read","2021-06-18T14:48:06.886358Z",` +
				`"2021-06-18T14:49:07.886358Z","2021-06-18T14:48:05.886358Z","","your-business-identifier"]`,
		},
	}
	spellings := map[string]*strings.Replacer{
		"at braces": strings.NewReplacer(),
		"braces":    strings.NewReplacer("@{{", "{{"),
		"angles":    strings.NewReplacer("@{{", "@<<", "}}", ">>"),
		"blanks":    strings.NewReplacer("@{{", "{{ ", "}}", "\t}}"),
	}
	for _, tt := range tests {
		for name, spelling := range spellings {
			t.Run(tt.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				w := tt.webhook
				w.URL, w.Body = spelling.Replace(w.URL), spelling.Replace(w.Body)
				c, err := webhook.Compile(w, tt.event)
				require.NoError(t, err)
				m, err := c.Compose(tt.event)
				require.NoError(t, err)
				require.Equal(t, tt.url, m.URL)
				require.Equal(t, tt.body, string(m.Body))
				require.Equal(t, tt.authorized, m.Header.Get("Authorization") == "Bearer %token%")
			})
		}
	}
}

// Which text is a placeholder.
func TestCompose_Spelling(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, template, want string }{
		{"braces", "{{x}}", "v"},
		{"at braces", "@{{x}}", "v"},
		{"angles", "@<<x>>", "v"},
		{"two at keep one", "bob@@{{x}}, bob@@<<x>>", "bob@v, bob@v"},
		{"one at is eaten", "bob@{{x}}", "bobv"},
		{"three at keep two", "@@@{{x}}", "@@v"},
		{"at before at", "@{{x}}@{{x}}@@{{x}}", "vv@v"},
		{"at after", "{{x}}@", "v@"},
		{"angle then at", "@<<x>>@{{x}}@<<x>>", "vvv"},
		{"blanks", "{{ x }}|@{{\tx\u00a0}}|@<<  x>>|{{\nx\r\n}}", "v|v|v|v"},
		{"angles without at", "<<x>>", "<<x>>"},
		{"single braces", "{x} }x{", "{x} }x{"},
		{"percent", "%x% 100%", "%x% 100%"},
		{"closing braces", "}} }}} >>", "}} }}} >>"},
		{"closing after a tag", "{{x}}}}", "v}}"},
		{"ats", "@ @@ @{ @<", "@ @@ @{ @<"},
		{"neighbours", "{{x}}{{x}}@<<x>>", "vvv"},
		{"text of another script", "é☃{{x}}😀", "é☃v😀"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := raw(`{"x":"v"}`)
			b, err := json.Marshal(tt.template)
			require.NoError(t, err)
			template := strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\n`, " ", `\r`, " ", `\t`, " ").
				Replace(string(b))
			body := compose(t, webhook.Webhook{Body: template}, e).Body
			var got string
			require.NoError(t, json.Unmarshal(body, &got))
			require.Equal(t, tt.want, got)
			if !strings.ContainsAny(tt.template, "\n\r") {
				m := compose(t, webhook.Webhook{Headers: map[string]string{"X-Text": "." + tt.template}}, e)
				require.Equal(t, "."+tt.want, m.Header.Get("X-Text"))
			}
		})
	}
}

func TestCompose_Message(t *testing.T) {
	t.Parallel()
	w := webhook.Webhook{
		ID: "wh-1", Name: "n", URL: "https://example.com/{{message_id}}/{{webhook_id}}/{{event}}",
		Headers: map[string]string{"x-api-key": "k", "X-B": "{{event}}"},
	}
	c := webhook.MustCompile(w)
	m, err := c.Compose(whatsAppStatus)
	require.NoError(t, err)
	body, err := json.Marshal(whatsAppStatus)
	require.NoError(t, err)
	require.Equal(t, &webhook.Message{
		ID: m.ID, WebhookID: "wh-1", Composed: m.Composed, Event: "whatsapp:message:status", Method: "POST",
		URL: "https://example.com/" + m.ID + "/wh-1/whatsapp%3Amessage%3Astatus",
		Header: http.Header{
			"X-Api-Key": {"k"}, "X-B": {"whatsapp:message:status"}, "Content-Type": {"application/json"},
		},
		Body: body, Policy: webhook.PolicyFor("whatsapp:message:status"),
		Subject: "a418d672-9781-4d97-b517-a56f7d95ad8a", Rank: 5,
		Refs: []string{
			"a418d672-9781-4d97-b517-a56f7d95ad8a", "your-business-identifier", "919019912345", "9019912345",
		},
	}, m)
	require.Equal(t, []string{"message_id", "webhook_id", "event"}, c.Placeholders())

	byValue, err := c.ComposeID(m.ID, *whatsAppStatus)
	require.NoError(t, err)
	m.Content = byValue.Content // which Compose does not make
	require.False(t, byValue.Composed.Before(m.Composed))
	m.Composed = byValue.Composed
	require.Equal(t, m, byValue)
}

func TestCompose_ID(t *testing.T) {
	t.Parallel()
	c := webhook.MustCompile(webhook.Webhook{URL: "https://example.com/"})
	seen := map[string]bool{}
	for range 1000 {
		m, err := c.Compose(whatsAppStatus)
		require.NoError(t, err)
		require.Regexp(t, "^msg_[A-Z2-7]{26}$", m.ID)
		require.False(t, seen[m.ID])
		seen[m.ID] = true
	}
	for _, id := range []string{"a", "A-z_0", strings.Repeat("x", 64)} {
		m, err := c.ComposeID(id, whatsAppStatus)
		require.NoError(t, err)
		require.Equal(t, id, m.ID)
	}
	tests := []struct{ name, id, err string }{
		{"empty", "", "webhook: message id of 0 bytes, want 1 to 64"},
		{"long", strings.Repeat("x", 65), "webhook: message id of 65 bytes, want 1 to 64"},
		{"dot", "a.b", "webhook: message id has a character other than letters, digits, _ and - at offset 1"},
		{"line break", "ab\n", "webhook: message id has a character other than letters, digits, _ and - at offset 2"},
		{"letter of another script", "é", "webhook: message id has a character other than letters, digits, _ and - at offset 0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := c.ComposeID(tt.id, whatsAppStatus)
			require.EqualError(t, err, tt.err)
		})
	}
}

// A message shares no memory with its webhook, its composer, its event or other messages.
func TestCompose_SharesNothing(t *testing.T) {
	t.Parallel()
	w := webhook.Webhook{
		URL:     "https://example.com/",
		Headers: map[string]string{"X-A": "1", "X-B": "2", "X-C": "3", "X-D": "4", "X-E": "5"},
		Policy:  &webhook.Policy{Success: []int{200, 201, 202}, Waits: []time.Duration{1, 2, 3, 4, 5, 6}},
	}
	e := raw(`{"a":1}`)
	c := webhook.MustCompile(w, e)
	want, err := c.ComposeID("m", e)
	require.NoError(t, err)
	spoilt, err := c.ComposeID("m", e)
	require.NoError(t, err)
	spoilt.Policy.Success[0], spoilt.Policy.Waits[0] = 0, 0
	_, _ = append(spoilt.Policy.Waits[:1], 9), append(spoilt.Policy.Success[:1], 9)
	for _, values := range spoilt.Header {
		values[0] = "spoilt"
		_ = append(values, "spoilt")
	}
	clear(spoilt.Body)
	w.Headers["X-A"], w.Policy.Attempts, w.Policy.Waits[0] = "9", 9, 9
	got, err := c.ComposeID("m", e)
	require.NoError(t, err)
	got.Composed = want.Composed
	require.Equal(t, want, got)
	require.Equal(t, `{"a":1}`, string(e.JSON))

	plain := webhook.MustCompile(webhook.Webhook{URL: "https://example.com/"})
	m, err := plain.Compose(obdReport)
	require.NoError(t, err)
	m.Policy.Success[0], m.Policy.Waits[0] = 0, 0
	require.Equal(t, []int{200, 202}, webhook.PolicyFor("voice:message:out").Success)
	m, err = plain.Compose(obdReport)
	require.NoError(t, err)
	require.Equal(t, webhook.PolicyFor("voice:message:out"), m.Policy)
}

func TestCompose_Policy(t *testing.T) {
	t.Parallel()
	w := webhook.Webhook{URL: "https://example.com/", Policy: &webhook.Policy{Attempts: 7}}
	for _, e := range []webhook.Event{obdReport, whatsAppStatus, whatsAppText, dialerCDR} {
		want := webhook.PolicyFor(e.EventType())
		want.Attempts = 7
		require.Equal(t, want, compose(t, w, e).Policy)
	}
}

func TestCompose_JSONRoundTrip(t *testing.T) {
	t.Parallel()
	w := webhook.Webhook{
		ID: "1", Name: "n", URL: "https://example.com/{{id}}", Method: "PUT",
		Headers: map[string]string{"A": "<b> & {{id}}"},
		Format:  webhook.FormatFormData,
		Body:    `{"a":"<{{id}}>"}`,
		When:    "id != nil",

		FormLists: webhook.FormListsRepeat,
		Policy:    &webhook.Policy{Waits: []time.Duration{time.Second}},
	}
	b, err := json.Marshal(w)
	require.NoError(t, err)
	require.JSONEq(t, `{"id":"1","name":"n","url":"https://example.com/{{id}}","method":"PUT","headers":{"A":"<b> & {{id}}"},`+
		`"format":"form-data","body":"{\"a\":\"<{{id}}>\"}","form_lists":"repeat","when":"id != nil","policy":{"waits":["1s"]}}`, string(b))
	var again webhook.Webhook
	require.NoError(t, json.Unmarshal(b, &again))
	require.Equal(t, w, again)

	for _, method := range []string{"GET", "POST"} {
		w.Method = method
		m := compose(t, w, whatsAppStatus)
		b, err = json.Marshal(m)
		require.NoError(t, err)
		var back webhook.Message
		require.NoError(t, json.Unmarshal(b, &back))
		require.Equal(t, m, &back)
	}
}

func TestCompose_Concurrent(t *testing.T) {
	t.Parallel()
	events := []webhook.Event{
		whatsAppStatus, *whatsAppStatus, whatsAppText, obdReport, *dialerCDR, raw(`{"payload":{"id":"1"}}`),
		mapEvent{"id": "2"},
		plainEvent{ID: "3"},
	}
	c := webhook.MustCompile(webhook.Webhook{
		URL: "https://example.com/{{id}}", Headers: map[string]string{"X-Id": "{{id}}"},
		Body:   `{"id":"{{id}}","all":{{payload}}}`,
		Format: webhook.FormatFormURLEncoded,
	}, raw(`{"id":1}`), obdReport)
	var want []*webhook.Message
	for _, e := range events {
		if m, err := c.ComposeID("m", e); err == nil {
			want = append(want, m)
			continue
		}
		want = append(want, nil)
	}
	var wg sync.WaitGroup
	got := make([][]*webhook.Message, 8)
	for g := range got {
		got[g] = make([]*webhook.Message, len(events))
		wg.Go(func() {
			for range 50 {
				for i, e := range events {
					got[g][i], _ = c.ComposeID("m", e)
				}
			}
		})
	}
	wg.Wait()
	for g := range got {
		for i, m := range got[g] {
			if m != nil && want[i] != nil {
				m.Composed = want[i].Composed
			}
		}
		require.Equal(t, want, got[g])
	}
}

func TestMustCompile(t *testing.T) {
	t.Parallel()
	require.PanicsWithError(t, "webhook: url: empty", func() { webhook.MustCompile(webhook.Webhook{}) })
}
