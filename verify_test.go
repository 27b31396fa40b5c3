package webhook_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
)

// rustVerifier accepts rustMessage, at the time it was signed.
func rustVerifier(t testing.TB, at time.Time) webhook.Verifier {
	t.Helper()
	return webhook.Verifier{
		Secrets: []webhook.Secret{parseSecret(t, signSecretText)},
		Now:     func() time.Time { return at },
	}
}

func rustHeader() http.Header {
	m, at, signature := rustMessage()
	return http.Header{
		"Webhook-Id":        {m.ID},
		"Webhook-Timestamp": {strconv.FormatInt(at.Unix(), 10)},
		"Webhook-Signature": {signature},
	}
}

func TestVerifyStandardWebhooks(t *testing.T) {
	t.Parallel()
	m, at, good := rustMessage()
	const wrong = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc="
	missing, bad := webhook.ErrNoSignature, webhook.ErrBadSignature

	tests := []struct {
		name   string
		header string
		values []string
		is     error
	}{
		{name: "as sent"},
		{name: "other versions and wrong ones beside it", header: "Webhook-Signature", values: []string{"v2,x " + wrong + " v1a," + good[3:] + " " + good}},
		{name: "two blanks between", header: "Webhook-Signature", values: []string{wrong + "  " + good + " "}},
		{name: "at place 32", header: "Webhook-Signature", values: []string{strings.Repeat("v2,x ", 31) + good}},
		{name: "at place 33", header: "Webhook-Signature", values: []string{strings.Repeat("v2,x ", 32) + good}, is: bad},
		{name: "no signature", header: "Webhook-Signature", is: missing},
		{name: "empty signature", header: "Webhook-Signature", values: []string{""}, is: missing},
		{name: "no value in the entry", header: "Webhook-Signature", values: []string{"v1,"}, is: bad},
		{name: "wrong signature", header: "Webhook-Signature", values: []string{wrong}, is: bad},
		{name: "prefix of the signature", header: "Webhook-Signature", values: []string{good[:20]}, is: bad},
		{name: "another version", header: "Webhook-Signature", values: []string{"v2" + good[2:]}, is: bad},
		{name: "version in upper case", header: "Webhook-Signature", values: []string{"V" + good[1:]}, is: bad},
		{name: "no version", header: "Webhook-Signature", values: []string{good[3:]}, is: bad},
		{name: "no padding", header: "Webhook-Signature", values: []string{strings.TrimRight(good, "=")}, is: bad},
		{name: "loose bits", header: "Webhook-Signature", values: []string{strings.Replace(good, "w=", "x=", 1)}, is: bad},
		{name: "comma between", header: "Webhook-Signature", values: []string{wrong + "," + good}, is: bad},
		{name: "two signature headers", header: "Webhook-Signature", values: []string{good, good}, is: bad},
		{name: "no id", header: "Webhook-Id", is: missing},
		{name: "empty id", header: "Webhook-Id", values: []string{""}, is: missing},
		{name: "two ids", header: "Webhook-Id", values: []string{m.ID, m.ID}, is: bad},
		{name: "another id", header: "Webhook-Id", values: []string{"msg_1"}, is: bad},
		{name: "id and time shifted", header: "Webhook-Id", values: []string{m.ID + ".1649367553"}, is: bad},
		{name: "no time", header: "Webhook-Timestamp", is: missing},
		{name: "two times", header: "Webhook-Timestamp", values: []string{"1649367553", "1649367553"}, is: bad},
		{name: "another time", header: "Webhook-Timestamp", values: []string{"1649367554"}, is: bad},
		{name: "an old time, not signed", header: "Webhook-Timestamp", values: []string{"1"}, is: bad},
		{name: "a time with +", header: "Webhook-Timestamp", values: []string{"+1649367553"}, is: bad},
		{name: "a time with 0", header: "Webhook-Timestamp", values: []string{"01649367553"}, is: bad},
		{name: "a fraction", header: "Webhook-Timestamp", values: []string{"1649367553.0"}, is: bad},
		{name: "a word", header: "Webhook-Timestamp", values: []string{"hello"}, is: bad},
		{name: "more than fits", header: "Webhook-Timestamp", values: []string{"9223372036854775808"}, is: bad},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			header := rustHeader()
			if tt.header != "" {
				header[tt.header] = tt.values
			}
			err := rustVerifier(t, at).Verify(t.Context(), header, m.Body)
			require.ErrorIs(t, err, tt.is)
			if tt.is != nil {
				require.EqualError(t, err, "webhook: "+tt.is.Error())
			}
		})
	}

	t.Run("another body", func(t *testing.T) {
		t.Parallel()
		require.ErrorIs(t, rustVerifier(t, at).Verify(t.Context(), rustHeader(), append(m.Body, ' ')), bad)
	})
}

// The ids of senders other than this package.
func TestVerify_IDs(t *testing.T) {
	t.Parallel()
	key := bytes.Repeat([]byte("k"), 32)
	secret, err := webhook.RawSecret(key)
	require.NoError(t, err)
	for id, want := range map[string]error{
		"evt:123": nil, "a/b": nil, "urn:uuid:0190d2f4-1f0e-7c3a-8d5e-2b6f0a9c4e71": nil, "with blanks ~": nil,
		strings.Repeat("x", 256): nil, strings.Repeat("x", 257): webhook.ErrBadSignature,
		"é": webhook.ErrBadSignature, "a\tb": webhook.ErrBadSignature, "a.1": webhook.ErrBadSignature, ".": webhook.ErrBadSignature, "": webhook.ErrNoSignature,
	} {
		const body = "{}"
		at := time.Unix(1649367553, 0)
		header := http.Header{}
		mac := hmac.New(sha256.New, key)
		fmt.Fprintf(mac, "%s.%d.%s", id, at.Unix(), body)
		header.Set("Webhook-Id", id)
		header.Set("Webhook-Timestamp", strconv.FormatInt(at.Unix(), 10))
		header.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
		var asked []string
		v := webhook.Verifier{
			Secrets: []webhook.Secret{secret}, Now: func() time.Time { return at },
			Seen: func(_ context.Context, id string) (bool, error) {
				asked = append(asked, id)
				return false, nil
			},
		}
		require.ErrorIs(t, v.Verify(t.Context(), header, []byte(body)), want, "%q", id)
		if want == nil {
			require.Equal(t, []string{id}, asked)
		}
	}
}

func TestVerifyHMAC(t *testing.T) {
	t.Parallel()
	const body = `{"a":"1"}`
	const good = "0271518e062ec2a249da384e2efd9bef08293ffad23c56b6cca8b432436055d8"
	v := webhook.Verifier{
		Header:  "signature", // upper and lower case do not matter
		Secrets: []webhook.Secret{webhook.GenerateSecret(), webhook.WebhookIDSecret(signWebhookID)},
		Now:     func() time.Time { panic("an HMAC has no time") },
	}
	tests := []struct {
		name   string
		values []string
		is     error
	}{
		{name: "as PHP signs", values: []string{good}},
		{name: "upper case", values: []string{strings.ToUpper(good)}},
		{name: "none", is: webhook.ErrNoSignature},
		{name: "empty", values: []string{""}, is: webhook.ErrNoSignature},
		{name: "two", values: []string{good, good}, is: webhook.ErrBadSignature},
		{name: "short", values: []string{good[:62]}, is: webhook.ErrBadSignature},
		{name: "long", values: []string{good + "00"}, is: webhook.ErrBadSignature},
		{name: "not hex", values: []string{"g" + good[1:]}, is: webhook.ErrBadSignature},
		{name: "blank", values: []string{" " + good}, is: webhook.ErrBadSignature},
		{name: "with algorithm", values: []string{"sha256=" + good}, is: webhook.ErrBadSignature},
		{name: "wrong", values: []string{"1" + good[1:]}, is: webhook.ErrBadSignature},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.ErrorIs(t, v.Verify(t.Context(), http.Header{"Signature": tt.values}, []byte(body)), tt.is)
		})
	}

	t.Run("the schemes do not mix", func(t *testing.T) {
		t.Parallel()
		m, at, _ := rustMessage()
		hexOnly := rustVerifier(t, at)
		hexOnly.Header = "Signature"
		require.ErrorIs(t, hexOnly.Verify(t.Context(), rustHeader(), m.Body), webhook.ErrNoSignature)
		header, err := sign(t, webhook.HMAC{Keys: keyring(hexOnly.Secrets...)}, m, at)
		require.NoError(t, err)
		require.NoError(t, hexOnly.Verify(t.Context(), header, m.Body))
		require.ErrorIs(t, rustVerifier(t, at).Verify(t.Context(), header, m.Body), webhook.ErrNoSignature)
	})
}

func TestVerifyNoKey(t *testing.T) {
	t.Parallel()
	m, at, _ := rustMessage()
	good, zero := parseSecret(t, signSecretText), webhook.Secret{}
	// A signature by somebody who knows that the key is empty.
	empty := hmac.New(sha256.New, nil)
	empty.Write([]byte(m.ID + ".1649367553." + string(m.Body)))
	forged := rustHeader()
	forged.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(empty.Sum(nil)))

	tests := []struct {
		name    string
		secrets []webhook.Secret
		header  string
		is      error
	}{
		{name: "ZeroValue", is: webhook.ErrNoKey},
		{name: "zero secrets", secrets: []webhook.Secret{zero, webhook.WebhookIDSecret("")}, is: webhook.ErrNoKey},
		{name: "hmac: zero secret", secrets: []webhook.Secret{zero}, header: "Signature", is: webhook.ErrNoKey},
		{name: "webhook id", secrets: []webhook.Secret{good, webhook.WebhookIDSecret(signWebhookID)}, is: webhook.ErrNoKey},
		{name: "zero secret beside a good one", secrets: []webhook.Secret{zero, good}, is: webhook.ErrBadSignature},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v := webhook.Verifier{Secrets: tt.secrets, Header: tt.header, Now: func() time.Time { return at }}
			require.ErrorIs(t, v.Verify(t.Context(), forged, m.Body), tt.is)
		})
	}
}

func TestVerifyTolerance(t *testing.T) {
	t.Parallel()
	m, _, _ := rustMessage()
	secret := webhook.GenerateSecret()
	tests := []struct {
		name      string
		tolerance time.Duration
		age       time.Duration
		is        error
	}{
		{name: "now"},
		{name: "oldest", age: 5 * time.Minute},
		{name: "too old", age: 5*time.Minute + time.Second, is: webhook.ErrExpired},
		{name: "newest", age: -5 * time.Minute},
		{name: "too new", age: -5*time.Minute - time.Second, is: webhook.ErrExpired},
		{name: "ten years ahead", age: -10 * 365 * 24 * time.Hour, is: webhook.ErrExpired},
		{name: "own tolerance", tolerance: time.Second, age: 2 * time.Second, is: webhook.ErrExpired},
		{name: "unchecked past", tolerance: -1, age: 20 * 365 * 24 * time.Hour},
		{name: "unchecked future", tolerance: -1, age: -20 * 365 * 24 * time.Hour},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { // starts at a full second
				v := webhook.Verifier{Secrets: []webhook.Secret{secret}, Tolerance: tt.tolerance}
				header, err := sign(t, webhook.StandardWebhooks{Keys: keyring(secret)}, m, time.Now().Add(-tt.age))
				require.NoError(t, err)
				require.ErrorIs(t, v.Verify(t.Context(), header, m.Body), tt.is)
			})
		})
	}

	t.Run("before 1970", func(t *testing.T) {
		t.Parallel()
		v := webhook.Verifier{Secrets: []webhook.Secret{secret}, Tolerance: -1}
		header, err := sign(t, webhook.StandardWebhooks{Keys: keyring(secret)}, m, time.Unix(-1, 0))
		require.NoError(t, err)
		require.ErrorIs(t, v.Verify(t.Context(), header, m.Body), webhook.ErrBadSignature)
	})

	t.Run("the end of time", func(t *testing.T) {
		t.Parallel()
		v := webhook.Verifier{Secrets: []webhook.Secret{secret}, Tolerance: 1<<63 - 2}
		header, err := sign(t, webhook.StandardWebhooks{Keys: keyring(secret)}, m, time.Unix(1<<62, 0))
		require.NoError(t, err)
		require.ErrorIs(t, v.Verify(t.Context(), header, m.Body), webhook.ErrExpired)
	})
}

func TestVerifySeen(t *testing.T) {
	t.Parallel()
	m, at, _ := rustMessage()
	errStore := errors.New("store is down")
	v := rustVerifier(t, at)
	asked := 0
	v.Seen = func(_ context.Context, id string) (bool, error) {
		asked++
		require.Equal(t, m.ID, id)
		return asked > 1, nil
	}
	require.ErrorIs(t, v.Verify(t.Context(), rustHeader(), []byte("forged")), webhook.ErrBadSignature)
	require.Zero(t, asked)
	require.NoError(t, v.Verify(t.Context(), rustHeader(), m.Body))
	err := v.Verify(t.Context(), rustHeader(), m.Body)
	require.ErrorIs(t, err, webhook.ErrReplayed)
	require.EqualError(t, err, "webhook: message was seen before")

	v.Seen = func(context.Context, string) (bool, error) { return true, errStore }
	err = v.Verify(t.Context(), rustHeader(), m.Body)
	require.ErrorIs(t, err, errStore)
	require.EqualError(t, err, "webhook: store is down")

	// HMAC does not sign the id: Seen is called only for a valid id.
	v.Header, asked = "Signature", 0
	v.Seen = func(_ context.Context, id string) (bool, error) {
		asked++
		return id == m.ID, nil
	}
	header, err := sign(t, webhook.HMAC{Keys: keyring(v.Secrets...)}, m, at)
	require.NoError(t, err)
	require.NoError(t, v.Verify(t.Context(), header, m.Body))
	header["Webhook-Id"] = []string{m.ID, m.ID}
	require.NoError(t, v.Verify(t.Context(), header, m.Body))
	header["Webhook-Id"] = []string{"a.b"}
	require.NoError(t, v.Verify(t.Context(), header, m.Body))
	require.Zero(t, asked)
	header["Webhook-Id"] = []string{m.ID}
	require.ErrorIs(t, v.Verify(t.Context(), header, m.Body), webhook.ErrReplayed)
}

var (
	fuzzID   = regexp.MustCompile(`\A[ -\-/-~]{1,256}\z`)
	fuzzTime = regexp.MustCompile(`\A(0|[1-9][0-9]{0,17})\z`)
)

// FuzzVerify compares Verify with a slow oracle written from the specification. In the
// headers, <ok> stands for the right signature.
func FuzzVerify(f *testing.F) {
	const ok = "<ok>"
	f.Add(false, "msg_1", "1649367553", ok, []byte("{}"))
	f.Add(false, "msg_1", "1649367253", "v1,x v2,y "+ok, []byte("{}"))
	f.Add(false, "msg_1", "1649367252", ok, []byte("{}"))
	f.Add(false, "msg.1", "1649367553", ok, []byte{})
	f.Add(false, "msg_1", "+1649367553", ok, []byte(nil))
	f.Add(false, "msg_1", "9223372036854775807", ok, []byte(nil))
	f.Add(false, "", "", "", []byte(nil))
	f.Add(false, "a", "1649367553", strings.Repeat("v1, ", 31)+ok, []byte("x"))
	f.Add(false, "a", "1649367553", strings.Repeat("v1, ", 32)+ok, []byte("x"))
	f.Add(true, "msg_1", "", ok, []byte("{}"))
	f.Add(true, "", "", ok+"0", []byte("{}"))
	f.Add(true, "a.b", "", "00", []byte("{}"))

	raw := []byte("0123456789abcdef0123456789abcdef")
	secret, err := webhook.RawSecret(raw)
	require.NoError(f, err)
	now := time.Unix(1649367553, 0)
	sum := func(text string) []byte {
		mac := hmac.New(sha256.New, raw)
		mac.Write([]byte(text))
		return mac.Sum(nil)
	}

	f.Fuzz(func(t *testing.T, hexScheme bool, id, timestamp, signature string, body []byte) {
		v := webhook.Verifier{Secrets: []webhook.Secret{webhook.GenerateSecret(), secret}, Now: func() time.Time { return now }}
		header := http.Header{"Webhook-Id": {id}, "Webhook-Timestamp": {timestamp}}
		var want bool
		if hexScheme {
			v.Header = "Signature"
			right := hex.EncodeToString(sum(string(body)))
			signature = strings.ReplaceAll(signature, ok, right)
			header.Set("Signature", signature)
			want = strings.EqualFold(signature, right) && len(signature) == 64
		} else {
			right := "v1," + base64.StdEncoding.EncodeToString(sum(id+"."+timestamp+"."+string(body)))
			signature = strings.ReplaceAll(signature, ok, right)
			header.Set("Webhook-Signature", signature)
			entries := strings.Split(signature, " ")
			found := false
			for _, entry := range entries[:min(len(entries), 32)] {
				found = found || entry == right
			}
			seconds, _ := strconv.ParseInt(timestamp, 10, 64)
			want = found && fuzzID.MatchString(id) && fuzzTime.MatchString(timestamp) &&
				seconds >= now.Unix()-300 && seconds <= now.Unix()+300
		}
		err := v.Verify(t.Context(), header, body)
		require.Equal(t, want, err == nil, "%v", err)
		if err != nil {
			require.Regexp(t, `\Awebhook: (no signature|bad signature|timestamp outside the tolerance)\z`, err.Error())
			return
		}
		require.ErrorIs(t, v.Verify(t.Context(), header, append(body, 0)), webhook.ErrBadSignature)
	})
}
