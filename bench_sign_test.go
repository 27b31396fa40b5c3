package webhook_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"runtime/debug"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
)

var signSizes = []struct {
	name string
	size int
}{
	{"200B", 200},
	{"1KB", 1 << 10},
	{"10KB", 10 << 10},
}

// BenchmarkSign compares MAC and hex with a kept Secret to the bare hash of the same
// bytes, which no HMAC can beat, and to a new HMAC for each message, which is what one
// writes first.
func BenchmarkSign(b *testing.B) {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw)
	secret, err := webhook.RawSecret(raw)
	require.NoError(b, err)

	for _, bb := range signSizes {
		body := bytes.Repeat([]byte("w"), bb.size)
		out := make([]byte, 0, hex.EncodedLen(sha256.Size))

		b.Run(bb.name+"/secret", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				out = webhook.AppendHexMAC(secret, out[:0], body)
			}
		})
		b.Run(bb.name+"/sha256", func(b *testing.B) {
			b.ReportAllocs()
			var sum [sha256.Size]byte
			for b.Loop() {
				sum = sha256.Sum256(body)
			}
			out = append(out[:0], sum[:]...)
		})
		b.Run(bb.name+"/hmac.New", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				mac := hmac.New(sha256.New, raw)
				mac.Write(body)
				out = hex.AppendEncode(out[:0], mac.Sum(nil))
			}
		})
	}
}

// A Secret that is kept signs without allocations.
//
//nolint:paralleltest // AllocsPerRun counts what the whole process allocates
func TestSecretMACDoesNotAllocate(t *testing.T) {
	info, _ := debug.ReadBuildInfo()
	if slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		t.Skip("under the race detector a sync.Pool drops some of what it is given")
	}
	secret := webhook.GenerateSecret()
	body := bytes.Repeat([]byte("w"), 1<<10)
	out := make([]byte, 0, hex.EncodedLen(sha256.Size))
	allocs := testing.AllocsPerRun(1000, func() { out = webhook.AppendHexMAC(secret, out[:0], body) })
	require.Zero(t, allocs)
}
