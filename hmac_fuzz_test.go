package webhook_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
)

// FuzzHMAC_Form holds descriptions to a slow reader of them: what is taken, what is signed,
// and that a Verifier takes what was signed and nothing else.
func FuzzHMAC_Form(f *testing.F) {
	for _, seed := range []webhook.HMAC{
		{},
		webhook.GitHub(nil), webhook.Shopify(nil), webhook.Stripe(nil), webhook.Slack(nil),
		{Signed: "{body}0.{t}", Value: "a; {mac} ;t={t}"},
		{Signed: "{t}0{body}", Value: "{mac}{t}"},
		{Signed: "{t}.{body}", Value: "{t}{mac}"},
		{Value: "{"},
		{Value: "},{mac}"},
	} {
		f.Add(seed.Signed, seed.Value, seed.TimeHeader, string(seed.Encoding), seed.Text, []byte(`{"a":1}`), int64(1614265330))
	}
	secrets := []webhook.Secret{parseSecret(f, signSecretText), parseSecret(f, signOtherText)}
	f.Fuzz(func(t *testing.T, signed, value, timeHeader, encoding string, text bool, body []byte, seconds int64) {
		at := time.Unix(seconds&0xffffffff, 0)
		form := webhook.HMAC{
			Keys: keyring(secrets...), Signed: signed, Value: value, TimeHeader: timeHeader,
			Encoding: webhook.Encoding(encoding), Text: text,
		}
		m := &webhook.Message{Method: http.MethodPost, Body: body}
		err := form.Check()
		require.Equal(t, slowCheck(form), err == nil, "%v", err)
		header, signErr := sign(t, form, m, at)
		require.Equal(t, err == nil, signErr == nil)
		if err != nil {
			return
		}
		require.Equal(t, slowSign(form, secrets, body, strconv.FormatInt(at.Unix(), 10)), header.Get("Signature"))
		if timeHeader == "" {
			require.Len(t, header, 1)
		} else {
			require.Len(t, header, 2)
		}

		v := webhook.Verifier{Secrets: secrets[:1], HMAC: &form, Now: func() time.Time { return at }}
		require.NoError(t, v.Verify(t.Context(), header, body))
		require.ErrorIs(t, v.Verify(t.Context(), header, append(body, '0')), webhook.ErrBadSignature)
		if timeHeader != "" {
			header.Set(timeHeader, strconv.FormatInt(at.Unix()+1, 10))
			require.ErrorIs(t, v.Verify(t.Context(), header, body), webhook.ErrBadSignature)
		}
	})
}

var (
	formPlace    = regexp.MustCompile(`\{[^}]*\}`)
	timeThenBody = regexp.MustCompile(`^[^{}]*\{t\}[^{}]*[^0-9{}][^{}]*\{body\}[^{}]*$`)
	bodyThenTime = regexp.MustCompile(`^[^{}]*\{body\}[^{}]*[^0-9{}][^{}]*\{t\}[^{}]*$`)
	bodyAlone    = regexp.MustCompile(`^[^{}]*\{body\}[^{}]*$`)
	token        = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")
)

// slowCheck is HMAC.Check by regular expressions and counting.
func slowCheck(h webhook.HMAC) bool {
	signed, value := h.Signed, h.Value
	if signed == "" {
		signed = "{body}"
	}
	if value == "" {
		value = "{mac}"
	}
	if h.Encoding != "" && h.Encoding != "hex" && h.Encoding != "base64" || len(signed) > 256 {
		return false
	}
	timed := timeThenBody.MatchString(signed) || bodyThenTime.MatchString(signed)
	if !timed && !bodyAlone.MatchString(signed) || timed != (strings.Contains(value, "{t}") || h.TimeHeader != "") {
		return false
	}
	if h.TimeHeader != "" && (strings.Contains(value, "{t}") || !isOwnHeader(h.TimeHeader)) {
		return false
	}
	return slowCheckValue(value)
}

func slowCheckValue(value string) bool {
	for _, place := range formPlace.FindAllString(value, -1) {
		if place != "{t}" && place != "{mac}" {
			return false
		}
	}
	bare := formPlace.ReplaceAllString(value, "")
	if strings.ContainsAny(bare, "{}") || strings.Count(value, "{mac}") != 1 || strings.Count(value, "{t}") > 1 {
		return false
	}
	if !regexp.MustCompile(`^[ -~]+$`).MatchString(value) || strings.HasPrefix(value, " ") || strings.HasSuffix(value, " ") {
		return false
	}
	separator := separatorOf(value)
	if separator == "both" {
		return false
	}
	for element := range strings.SplitSeq(value, separator) {
		if separator != "" && strings.Contains(element, "{t}") && strings.Contains(element, "{mac}") {
			return false
		}
	}
	return len(value) <= 256
}

func separatorOf(value string) string {
	switch comma, semicolon := strings.Contains(value, ","), strings.Contains(value, ";"); {
	case comma && semicolon:
		return "both"
	case comma:
		return ","
	case semicolon:
		return ";"
	}
	return ""
}

// isOwnHeader reports whether a signature may set the header.
func isOwnHeader(name string) bool {
	if !token.MatchString(name) || strings.EqualFold(name, "Signature") || strings.EqualFold(name, "Webhook-Id") {
		return false
	}
	// the client says which names belong to the connection
	named := webhook.HMAC{Header: name}
	return named.Check() == nil
}

// slowSign is the value of the header by replacing in texts.
func slowSign(h webhook.HMAC, secrets []webhook.Secret, body []byte, t string) string {
	signed, value := h.Signed, h.Value
	if signed == "" {
		signed = "{body}"
	}
	if value == "" {
		value = "{mac}"
	}
	before, after, _ := strings.Cut(signed, "{body}")
	before, after = strings.Replace(before, "{t}", t, 1), strings.Replace(after, "{t}", t, 1)
	var macs []string
	for _, secret := range secrets {
		key := []byte(secret.Reveal())
		if !h.Text {
			key, _ = base64.StdEncoding.DecodeString(strings.TrimPrefix(secret.Reveal(), "whsec_"))
		}
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(before + string(body) + after))
		if h.Encoding == "base64" {
			macs = append(macs, base64.StdEncoding.EncodeToString(mac.Sum(nil)))
		} else {
			macs = append(macs, hex.EncodeToString(mac.Sum(nil)))
		}
	}
	value = strings.Replace(value, "{t}", t, 1)
	separator := separatorOf(value)
	if separator == "" {
		return strings.Replace(value, "{mac}", macs[0], 1)
	}
	var elements []string
	for _, element := range strings.Split(value, separator) {
		if !strings.Contains(element, "{mac}") {
			elements = append(elements, element)
			continue
		}
		for _, mac := range macs {
			elements = append(elements, strings.Replace(element, "{mac}", mac, 1))
		}
	}
	return strings.Join(elements, separator)
}

// FuzzVerifier_Form holds a Verifier of Stripe's form to a slow one, whatever the header
// and the time.
func FuzzVerifier_Form(f *testing.F) {
	f.Add("t=1614265330,v1="+stripeMAC1, []byte(`{"test": 2432232314}`), int64(1614265330))
	f.Add("t=1614265330,v1=MAC,t=9999999999999999999", []byte("{}"), int64(1614265631))
	f.Add("t=1,v1="+stripeMAC1+",t=1614265330", []byte(`{"test": 2432232314}`), int64(1614265330))
	f.Add("v1="+stripeMAC2+", v1="+strings.ToUpper(stripeMAC1)+" ,t=1614265330", []byte(`{"test": 2432232314}`), int64(0))
	secret := parseSecret(f, signOtherText)
	form := webhook.Stripe(nil)
	f.Fuzz(func(t *testing.T, value string, body []byte, seconds int64) {
		now := time.Unix(seconds&0xffffffff, 0)
		v := webhook.Verifier{Secrets: []webhook.Secret{secret}, HMAC: &form, Now: func() time.Time { return now }}
		// with the right MAC in place of a word, or the fuzzer would never find one
		value = strings.ReplaceAll(value, "MAC", slowSign(webhook.HMAC{Text: true}, []webhook.Secret{secret}, slowSigned(value, body), ""))
		err := v.Verify(context.Background(), http.Header{"Stripe-Signature": {value}}, body)
		want := error(nil)
		switch at, ok := slowStripe(value, secret, body); {
		case value == "":
			want = webhook.ErrNoSignature
		case !ok:
			want = webhook.ErrBadSignature
		case now.Unix()-at > 300 || at-now.Unix() > 300:
			want = webhook.ErrExpired
		}
		require.ErrorIs(t, err, want)
		require.Equal(t, want == nil, err == nil)
	})
}

var stripeTime = regexp.MustCompile(`^[ \t]*t=(0|[1-9][0-9]{0,18})[ \t]*$`)

// slowSigned is what the header's first time signs.
func slowSigned(value string, body []byte) []byte {
	for element := range strings.SplitSeq(value, ",") {
		if found := stripeTime.FindStringSubmatch(element); found != nil && (len(found[1]) < 19 || found[1] <= "9223372036854775807") {
			return append([]byte(found[1]+"."), body...)
		}
	}
	return body
}

func slowStripe(value string, secret webhook.Secret, body []byte) (at int64, ok bool) {
	times, right := 0, false
	elements := strings.Split(value, ",")
	elements = elements[:min(len(elements), 32)]
	for _, element := range elements {
		if found := stripeTime.FindStringSubmatch(element); found != nil {
			seconds, err := strconv.ParseInt(found[1], 10, 64)
			if err == nil {
				times, at = times+1, seconds
			}
		}
	}
	want := slowSign(webhook.HMAC{Text: true}, []webhook.Secret{secret}, slowSigned(value, body), "")
	for _, element := range elements {
		right = right || strings.ToLower(strings.Trim(element, " \t")) == "v1="+want && strings.HasPrefix(strings.Trim(element, " \t"), "v1=")
	}
	return at, times == 1 && right
}
