package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/bench/internal/pair"
)

func signCases(o options) ([]pair.Case, func(), error) {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw)
	secret, err := webhook.RawSecret(raw)
	if err != nil {
		return nil, nil, err
	}
	var cases []pair.Case
	out := make([]byte, 0, hex.EncodedLen(sha256.Size))
	for _, s := range []struct {
		name   string
		size   int
		floor  pair.Goal
		anew   pair.Goal
		noAnew bool
	}{
		{"200B", 200, pair.AtMost(1.9), pair.AtLeast(2.5), false},
		{"1KB", 1 << 10, pair.AtMost(1.25), pair.AtLeast(1.6), false},
		{"10KB", 10 << 10, pair.AtMost(1.05), pair.Goal{}, true},
	} {
		body := bytes.Repeat([]byte("w"), s.size)
		var sum [sha256.Size]byte
		ours := func() { out = appendHex(secret, out[:0], body) }
		hash := func() { sum = sha256.Sum256(body) }
		anew := func() {
			mac := hmac.New(sha256.New, raw)
			mac.Write(body)
			out = hex.AppendEncode(out[:0], mac.Sum(sum[:0]))
		}
		cases = append(cases, o.compute("sign/floor-"+s.name, "MAC and hex : sha256.Sum256", pair.Time, s.floor, ours, hash))
		if !s.noAnew {
			cases = append(cases, o.compute("sign/new-"+s.name, "MAC and hex : hmac.New for each", pair.Speed, s.anew, ours, anew))
		}
		if s.size == 200 {
			cases = append(cases, allocs("sign/allocs", "MAC and hex", pair.AtMost(0), ours))
		}
	}

	m := &webhook.Message{ID: "msg_bench", WebhookID: "wh", Method: "POST", URL: "https://example.com/", Body: bytes.Repeat([]byte("w"), 200)}
	keys := func(context.Context, string) ([]webhook.Secret, error) { return []webhook.Secret{secret}, nil }
	ctx, now := context.Background(), time.Now()
	anew := func() {
		mac := hmac.New(sha256.New, raw)
		mac.Write(m.Body)
		out = hex.AppendEncode(out[:0], mac.Sum(nil))
	}
	for _, s := range []struct {
		name   string
		signer webhook.Signer
	}{
		{"HMAC", webhook.HMAC{Keys: keys}},
		{"StandardWebhooks", webhook.StandardWebhooks{Keys: keys}},
	} {
		cases = append(cases, o.compute("sign/"+s.name, s.name+", the whole header of 200 B : hmac.New for each", pair.Speed, pair.Goal{},
			func() { _, _ = s.signer.Sign(ctx, m, now) }, anew))
	}
	return cases, nil, nil
}
