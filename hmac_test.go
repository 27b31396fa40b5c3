package webhook_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
)

// hmacMessage is what the known answers below are of.
func hmacMessage() (m *webhook.Message, at time.Time) {
	return &webhook.Message{ID: "msg_1", WebhookID: "hook", Method: "POST", Body: []byte(`{"test": 2432232314}`)}, time.Unix(1614265330, 0)
}

// With S=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw, the other text for the second key, and
// B='{"test": 2432232314}':
//
//	printf %s "$B" | openssl dgst -sha256 -hmac $S [-binary | base64]
//	printf %s "1614265330.$B" | openssl dgst -sha256 -hmac $S
//	printf %s "v0:1614265330:$B" | openssl dgst -sha256 -hmac $S
//
// and, for the decoded bytes:
//
//	printf %s "$B" | openssl dgst -sha256 -mac HMAC -macopt hexkey:31f290f6bf06298aab4f08d43c3f082cf648a362da2da4b0 -binary | base64
const (
	bodyMAC1, bodyMAC2 = "80ec8a89ce3cd22133a1066caecb4d04fea7467657c8514d717ec42c38a5c94c",
		"fc40649f80ed2d64aa1f71768b00c87e0db70663005ac910f741c296eff3be32"
	bodyBase64             = "gOyKic480iEzoQZsrstNBP6nRnZXyFFNcX7ELDilyUw="
	stripeMAC1, stripeMAC2 = "2e37df5d4a028c51a7f3133d64ae1e300d2c2c900f1b1d49d4369ad2530f8964",
		"95d993ff26ccd698cc4b6d4f2349bddca4f491f3067821823cd5b804f3aef1b6"
	slackMAC1    = "cddefca50684fde6ab7a4b4868a953cc180e93a68f4ad4f0a13b91731cd987fa"
	bytesBase64  = "4stPUlFXJTnUWL+4p621M7CIAeanlEZ+Bvdx3ruwgYs="
	bodyTimeMAC1 = "64549519e439f881ebffa58fad50bef3e2e995e1da486a24e3d361a3351b94d4" // "$B.1614265330"
)

func TestHMAC_Forms(t *testing.T) {
	t.Parallel()
	first, second := parseSecret(t, signOtherText), parseSecret(t, signSecretText)
	keys := keyring(first, second)
	tests := []struct {
		name   string
		signer webhook.HMAC
		want   http.Header
	}{
		{name: "GitHub", signer: webhook.GitHub(keys), want: http.Header{"X-Hub-Signature-256": {"sha256=" + bodyMAC1}}},
		{name: "Shopify", signer: webhook.Shopify(keys), want: http.Header{"X-Shopify-Hmac-Sha256": {bodyBase64}}},
		{name: "Stripe", signer: webhook.Stripe(keys), want: http.Header{
			"Stripe-Signature": {"t=1614265330,v1=" + stripeMAC1 + ",v1=" + stripeMAC2},
		}},
		{name: "Stripe with one key", signer: webhook.Stripe(keyring(second)), want: http.Header{
			"Stripe-Signature": {"t=1614265330,v1=" + stripeMAC2},
		}},
		{name: "Slack", signer: webhook.Slack(keys), want: http.Header{
			"X-Slack-Signature": {"v0=" + slackMAC1}, "X-Slack-Request-Timestamp": {"1614265330"},
		}},
		{name: "decoded bytes in base64", signer: webhook.HMAC{Keys: keys, Encoding: webhook.EncodingBase64}, want: http.Header{
			"Signature": {bytesBase64},
		}},
		{name: "time behind, own names, blanks in the list", signer: webhook.HMAC{
			Keys: keyring(first), Header: "x-sig", Signed: "{body}.{t}", Value: "v=1; mac=<{mac}>; at={t}", Encoding: webhook.EncodingHex,
		}, want: http.Header{"X-Sig": {"v=1; mac=<" + bodyTimeMAC1 + ">; at=1614265330"}}},
		{name: "a list begins with the MAC", signer: webhook.HMAC{Keys: keys, Value: "{mac},1", Text: true}, want: http.Header{
			"Signature": {bodyMAC1 + "," + bodyMAC2 + ",1"},
		}},
		{name: "time and MAC in one", signer: webhook.HMAC{
			Keys: keys, Signed: "{t}.{body}", Value: "v1:{t}:{mac}:x", Text: true,
		}, want: http.Header{"Signature": {"v1:1614265330:" + stripeMAC1 + ":x"}}},
		{name: "MAC and time in one", signer: webhook.HMAC{
			Keys: keys, Signed: "{t}.{body}", Value: "{mac}@{t}", Text: true,
		}, want: http.Header{"Signature": {stripeMAC1 + "@1614265330"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m, at := hmacMessage()
			require.NoError(t, tt.signer.Check())
			header, err := sign(t, tt.signer, m, at)
			require.NoError(t, err)
			require.Equal(t, tt.want, header)

			now := at
			v := webhook.Verifier{Secrets: []webhook.Secret{first, second}, HMAC: &tt.signer, Now: func() time.Time { return now }}
			require.NoError(t, v.Verify(t.Context(), header, m.Body))
			require.ErrorIs(t, v.Verify(t.Context(), header, append(m.Body, ' ')), webhook.ErrBadSignature)
			v.Secrets = v.Secrets[1:]
			require.ErrorIs(t, v.Verify(t.Context(), header, append(m.Body, ' ')), webhook.ErrBadSignature)
			v.Secrets = []webhook.Secret{webhook.GenerateSecret()}
			require.ErrorIs(t, v.Verify(t.Context(), header, m.Body), webhook.ErrBadSignature)
			v.Secrets = nil
			require.ErrorIs(t, v.Verify(t.Context(), header, m.Body), webhook.ErrNoKey)
			for name := range header {
				one := header.Clone()
				one[name] = append(one[name], one[name]...)
				v.Secrets = []webhook.Secret{first, second}
				require.ErrorIs(t, v.Verify(t.Context(), one, m.Body), webhook.ErrBadSignature)
				delete(one, name)
				require.ErrorIs(t, v.Verify(t.Context(), one, m.Body), webhook.ErrNoSignature)
			}

			// the description is data
			text, err := json.Marshal(tt.signer)
			require.NoError(t, err)
			again := webhook.HMAC{Keys: tt.signer.Keys}
			require.NoError(t, json.Unmarshal(text, &again))
			same, err := sign(t, again, m, at)
			require.NoError(t, err)
			require.Equal(t, header, same)
		})
	}
}

// Examples of the vendors' own documents.
func TestHMAC_Documented(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, secret, body string
		at                 int64
		form               webhook.HMAC
		want               string
	}{
		{
			// docs.github.com, Validating webhook deliveries, Testing the webhook payload validation
			name: "GitHub", secret: "It's a Secret to Everybody", body: "Hello, World!", form: webhook.GitHub(nil),
			want: "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
		},
		{
			// api.slack.com, Verifying requests from Slack
			name: "Slack", secret: "8f742231b10e8888abcd99yyyzzz85a5", at: 1531420618, form: webhook.Slack(nil),
			body: "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V" +
				"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=" +
				"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN" +
				"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c",
			want: "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			secret, err := webhook.ExistingSecret([]byte(tt.secret))
			require.NoError(t, err)
			form := tt.form
			form.Keys, form.Text = keyring(secret), false
			m, at := &webhook.Message{Method: "POST", Body: []byte(tt.body)}, time.Unix(tt.at, 0)
			header, err := sign(t, form, m, at)
			require.NoError(t, err)
			require.Equal(t, tt.want, header.Get(form.Header))
			v := webhook.Verifier{Secrets: []webhook.Secret{secret}, HMAC: &form, Now: func() time.Time { return at }}
			require.NoError(t, v.Verify(t.Context(), header, m.Body))
		})
	}
}

func TestHMAC_Check(t *testing.T) {
	t.Parallel()
	const timed = "{t}.{body}"
	tests := []struct {
		form webhook.HMAC
		text string
	}{
		{webhook.HMAC{Header: "a b"}, "hmac header: invalid character in a header name at offset 1"},
		{webhook.HMAC{Header: "content-length"}, "hmac header: header Content-Length must not be set"},
		{webhook.HMAC{Header: "webhook-id"}, "hmac header: Webhook-Id has the id"},
		{webhook.HMAC{TimeHeader: "host", Signed: timed}, "hmac time header: header Host must not be set"},
		{webhook.HMAC{TimeHeader: "signature", Signed: timed}, "hmac time header: it is that of the signature"},
		{webhook.HMAC{Encoding: "hexx"}, `hmac encoding: "hexx", want hex or base64`},
		{webhook.HMAC{Signed: "x"}, "hmac signed: {body} is missing"},
		{webhook.HMAC{Signed: "{body}{body}"}, "hmac signed: {body} is there twice"},
		{webhook.HMAC{Signed: "{id}.{body}"}, "hmac signed: unknown placeholder {id}, want {body} or {t}"},
		{webhook.HMAC{Signed: "{body}{"}, "hmac signed: '{' without its other half"},
		{webhook.HMAC{Signed: "}{body}"}, "hmac signed: '}' without its other half"},
		{webhook.HMAC{Signed: "{{body}}"}, "hmac signed: unknown placeholder {{body}, want {body} or {t}"},
		{webhook.HMAC{Signed: "{t}{body}", Value: "{t},{mac}"}, "hmac signed: between {t} and {body} there must be something other than digits"},
		{webhook.HMAC{Signed: "{body}0{t}", Value: "{t},{mac}"}, "hmac signed: between {t} and {body} there must be something other than digits"},
		{webhook.HMAC{Signed: strings.Repeat("x", 257)}, "hmac signed: 257 bytes, at most 256"},
		{webhook.HMAC{Signed: timed}, "hmac signed: {t} is sent nowhere: put it into the value, or into a time header"},
		{webhook.HMAC{Value: "t={t},v1={mac}"}, "hmac signed: {t} is missing, so that anybody could change the time that is sent"},
		{webhook.HMAC{TimeHeader: "X-Time"}, "hmac signed: {t} is missing, so that anybody could change the time that is sent"},
		{webhook.HMAC{TimeHeader: "X-Time", Signed: timed, Value: "{t},{mac}"}, "hmac value: {t} is there already, in the value or in the time header"},
		{webhook.HMAC{Signed: timed, Value: "{t},{t},{mac}"}, "hmac value: {t} is there already, in the value or in the time header"},
		{webhook.HMAC{Value: "sha256="}, "hmac value: {mac} must be there once"},
		{webhook.HMAC{Value: "{mac},{mac}"}, "hmac value: {mac} must be there once"},
		{webhook.HMAC{Value: "{mac}{mac}"}, "hmac value: {mac} is there twice"},
		{webhook.HMAC{Value: "{body}{mac}"}, "hmac value: unknown placeholder {body}, want {mac} or {t}"},
		{webhook.HMAC{Value: "{mac}\r\nX: y"}, "hmac value: there is something other than printable ASCII in it, or a blank at an end"},
		{webhook.HMAC{Value: "é{mac}"}, "hmac value: there is something other than printable ASCII in it, or a blank at an end"},
		{webhook.HMAC{Value: "{mac} "}, "hmac value: there is something other than printable ASCII in it, or a blank at an end"},
		{webhook.HMAC{Value: "a,b;{mac}"}, "hmac value: it has commas and semicolons"},
		{webhook.HMAC{Signed: timed, Value: "{t}{mac},x"}, "hmac value: {t} and {mac} are in one element of a list"},
		{webhook.HMAC{Value: strings.Repeat("x", 257)}, "hmac value: 257 bytes, at most 256"},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			t.Parallel()
			require.EqualError(t, tt.form.Check(), "webhook: "+tt.text)
			m, at := hmacMessage()
			header, err := sign(t, tt.form, m, at)
			require.EqualError(t, err, tt.text)
			require.Empty(t, header)
			v := webhook.Verifier{Secrets: []webhook.Secret{webhook.GenerateSecret()}, HMAC: &tt.form}
			require.EqualError(t, v.Verify(t.Context(), http.Header{"Signature": {"x"}}, nil), "webhook: "+tt.text)
		})
	}
	require.NoError(t, webhook.HMAC{}.Check())
}

// What a receiver makes of headers that others wrote.
func TestVerify_Forms(t *testing.T) {
	t.Parallel()
	m, at := hmacMessage()
	secret := parseSecret(t, signOtherText)
	stripe, slack, shopify := webhook.Stripe(nil), webhook.Slack(nil), webhook.Shopify(nil)
	bad := webhook.ErrBadSignature
	const good = "v1=" + stripeMAC1
	tests := []struct {
		name      string
		form      *webhook.HMAC
		value     string
		time      string
		after     time.Duration
		tolerance time.Duration
		is        error
	}{
		{name: "others beside it", form: &stripe, value: "v2=x,t=1614265330,v0=" + stripeMAC2 + ",v1=" + stripeMAC2 + "," + good},
		{name: "another order, with blanks", form: &stripe, value: good + " , t=1614265330"},
		{name: "no time", form: &stripe, value: good, is: bad},
		{name: "two times", form: &stripe, value: "t=1614265330,t=1614265330," + good, is: bad},
		{name: "another time", form: &stripe, value: "t=1614265331," + good, is: bad},
		{name: "a time that is none", form: &stripe, value: "t=01614265330," + good, is: bad},
		{name: "at place 32", form: &stripe, value: "t=1614265330," + strings.Repeat("x,", 30) + good},
		{name: "at place 33", form: &stripe, value: "t=1614265330," + strings.Repeat("x,", 31) + good, is: bad},
		{name: "old", form: &stripe, value: "t=1614265330," + good, after: 5*time.Minute + time.Second, is: webhook.ErrExpired},
		{name: "from the future", form: &stripe, value: "t=1614265330," + good, after: -time.Hour, is: webhook.ErrExpired},
		{name: "old, unchecked", form: &stripe, value: "t=1614265330," + good, after: time.Hour, tolerance: -1},
		{name: "old and wrong", form: &stripe, value: "t=1614265330,v1=" + stripeMAC2, after: time.Hour, is: bad},
		{name: "Slack", form: &slack, value: "v0=" + slackMAC1, time: "1614265330"},
		{name: "Slack, old", form: &slack, value: "v0=" + slackMAC1, time: "1614265330", after: time.Hour, is: webhook.ErrExpired},
		{name: "Slack, another time", form: &slack, value: "v0=" + slackMAC1, time: "1614265331", is: bad},
		{name: "Slack, no time", form: &slack, value: "v0=" + slackMAC1, is: webhook.ErrNoSignature},
		{name: "Slack, a word", form: &slack, value: "v0=" + slackMAC1, time: "now", is: bad},
		{name: "no prefix", form: &slack, value: slackMAC1, time: "1614265330", is: bad},
		{name: "a list where there is none", form: &slack, value: "v0=" + slackMAC1 + ",v0=" + slackMAC1, time: "1614265330", is: bad},
		{name: "base64", form: &shopify, value: bodyBase64},
		{name: "base64 without padding", form: &shopify, value: strings.TrimRight(bodyBase64, "="), is: bad},
		{name: "base64 with a line break", form: &shopify, value: bodyBase64[:42] + "\n=", is: bad},
		{name: "base64 with loose bits", form: &shopify, value: strings.Replace(bodyBase64, "w=", "x=", 1), is: bad},
		{name: "hex for base64", form: &shopify, value: bodyMAC1, is: bad},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			header := http.Header{}
			header.Set(tt.form.Header, tt.value)
			if tt.time != "" {
				header.Set(tt.form.TimeHeader, tt.time)
			}
			v := webhook.Verifier{
				HMAC: tt.form, Secrets: []webhook.Secret{secret}, Tolerance: tt.tolerance,
				Now: func() time.Time { return at.Add(tt.after) },
			}
			require.ErrorIs(t, v.Verify(t.Context(), header, m.Body), tt.is)
		})
	}
}

func TestVerify_OneScheme(t *testing.T) {
	t.Parallel()
	secrets := []webhook.Secret{webhook.GenerateSecret()}
	public := []ed25519.PublicKey{bytes.Repeat([]byte{1}, 32)}
	for text, v := range map[string]webhook.Verifier{
		"webhook: a Verifier has Header and HMAC":        {Secrets: secrets, Header: "Signature", HMAC: &webhook.HMAC{}},
		"webhook: a Verifier has PublicKeys and an HMAC": {Secrets: secrets, PublicKeys: public, HMAC: &webhook.HMAC{}},
	} {
		require.EqualError(t, v.Verify(t.Context(), http.Header{}, nil), text)
		w := httptest.NewRecorder()
		v.Handler(http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", http.NoBody))
		require.Equal(t, http.StatusInternalServerError, w.Code)
	}
}

// A receiver of a GET checks the query.
func TestHandler_FormOfGET(t *testing.T) {
	t.Parallel()
	secret := webhook.GenerateSecret()
	form := webhook.Slack(keyring(secret))
	m, at := &webhook.Message{ID: "msg_1", Method: http.MethodGet, URL: "https://example.com/x?a=1&b=2"}, time.Now()
	header, err := sign(t, form, m, at)
	require.NoError(t, err)
	v := webhook.Verifier{Secrets: []webhook.Secret{secret}, HMAC: &form}
	next := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "in") })
	for target, want := range map[string]int{"/x?a=1&b=2": 200, "/y?a=1&b=2": 200, "/x?a=1&b=3": 401} {
		r, w := httptest.NewRequest(http.MethodGet, target, http.NoBody), httptest.NewRecorder()
		r.Header = header.Clone()
		v.Handler(next).ServeHTTP(w, r)
		require.Equal(t, want, w.Code, target)
	}
}

// Many signers set their own headers.
func TestSigners_Forms(t *testing.T) {
	t.Parallel()
	keys := keyring(webhook.GenerateSecret())
	m, at := hmacMessage()
	all := webhook.Signers{webhook.HMAC{}, webhook.GitHub(keys), webhook.Shopify(keys), webhook.Stripe(keys), webhook.Slack(keys), webhook.StandardWebhooks{Keys: keys}}
	header, err := sign(t, all, m, at)
	require.NoError(t, err)
	require.Len(t, header, 9)
	_, err = sign(t, append(all, webhook.Ed25519{Keys: signingKeys(webhook.GeneratePrivateKey())}), m, at)
	require.EqualError(t, err, `two signers set the header "Webhook-Signature"`)
}
