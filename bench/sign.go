package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/bench/internal/pair"
	"github.com/ringhook/webhook/internal/mac"
)

func signCases(o options) ([]pair.Case, func(), error) {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw)
	secret, err := webhook.RawSecret(raw)
	if err != nil {
		return nil, nil, err
	}
	key := mac.New(raw) // what Sign does with a secret, without the header around it
	var cases []pair.Case
	out := make([]byte, 0, hex.EncodedLen(sha256.Size))
	for _, s := range []struct {
		name  string
		size  int
		floor pair.Goal
		byNew pair.Goal
		noNew bool
	}{
		{"200B", 200, pair.AtMost(1.9), pair.AtLeast(2.5), false},
		{"1KB", 1 << 10, pair.AtMost(1.25), pair.AtLeast(1.6), false},
		{"10KB", 10 << 10, pair.AtMost(1.05), pair.Goal{}, true},
	} {
		body := bytes.Repeat([]byte("w"), s.size)
		ours := func() { out = key.AppendHex(out[:0], body) }
		hash := func() { _ = sha256.Sum256(body) }
		byNew := func() { out = appendNew(out[:0], raw, body) }
		cases = append(cases, o.compute("sign/floor-"+s.name, "MAC and hex : sha256.Sum256", pair.Time, s.floor, ours, hash))
		if !s.noNew {
			cases = append(cases, o.compute("sign/new-"+s.name, "MAC and hex : hmac.New for each", pair.Speed, s.byNew, ours, byNew))
		}
		if s.size == 200 {
			cases = append(cases, allocs("sign/allocs", "MAC and hex", pair.AtMost(0), ours))
		}
	}

	m := &webhook.Message{ID: "msg_bench", WebhookID: "wh", Method: "POST", URL: "https://example.com/", Body: bytes.Repeat([]byte("w"), 200)}
	keys := func(context.Context, string) ([]webhook.Secret, error) { return []webhook.Secret{secret}, nil }
	ctx, now, header := context.Background(), time.Now(), http.Header{}
	byNew := func() { out = appendNew(out[:0], raw, m.Body) }
	for _, s := range []struct {
		name   string
		signer webhook.Signer
	}{
		{"HMAC", webhook.HMAC{Keys: keys}},
		{"StandardWebhooks", webhook.StandardWebhooks{Keys: keys}},
	} {
		cases = append(cases, o.compute("sign/"+s.name, s.name+", the whole header of 200 B : hmac.New for each", pair.Speed, pair.Goal{},
			func() {
				clear(header)
				must(s.signer.Sign(ctx, m, now, header))
			}, byNew))
	}
	return cases, nil, nil
}

// appendNew appends the MAC in hex as one writes it with the standard library.
func appendNew(dst, key, body []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(body)
	return hex.AppendEncode(dst, mac.Sum(nil))
}
