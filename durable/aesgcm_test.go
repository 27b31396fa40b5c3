package durable_test

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/durable"
)

// counted returns bytes that count up from a first one.
func counted(first byte, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = first + byte(i)
	}
	return b
}

// goldenSealed was made by another implementation, of Node's crypto: with the key 00 to
// 1f, whose name is 2026-11, the salt a0 to af, and the context "context".
const (
	goldenSealed = "0107323032362d3131a0a1a2a3a4a5a6a7a8a9aaabacadaeafb813661d1277470b1944eb611660c35a7fa1f07f16e77ae8d8eaa723127cabeeef5eb811a1"
	goldenPlain  = `{"to":"919019912345"}`
)

func newGolden(t testing.TB) (durable.Sealer, []byte) {
	s, err := durable.AESGCM("2026-11", map[string][]byte{"2026-11": counted(0, 32), "older": counted(7, 32)})
	require.NoError(t, err)
	sealed, err := hex.DecodeString(goldenSealed)
	require.NoError(t, err)
	return s, sealed
}

func TestAESGCM(t *testing.T) {
	t.Parallel()
	s, golden := newGolden(t)
	plain, err := s.Open(t.Context(), golden, []byte("context"))
	require.NoError(t, err)
	require.Equal(t, goldenPlain, string(plain))
	again, err := durable.SealWithSalt(s, counted(0xa0, 16), []byte(goldenPlain), []byte("context"))
	require.NoError(t, err)
	require.Equal(t, golden, again)

	for _, text := range []string{"", "a", strings.Repeat("long ", 10_000)} {
		one, err := s.Seal(t.Context(), []byte(text), []byte("context"))
		require.NoError(t, err)
		two, err := s.Seal(t.Context(), []byte(text), []byte("context"))
		require.NoError(t, err)
		require.NotEqual(t, one, two)
		require.Len(t, one, len(text)+34+len("2026-11"))
		plain, err := s.Open(t.Context(), one, []byte("context"))
		require.NoError(t, err)
		require.Equal(t, text, string(plain))
	}
}

func TestAESGCM_Tampered(t *testing.T) {
	t.Parallel()
	s, golden := newGolden(t)
	context := []byte("context")
	for i := range golden {
		for _, flip := range []byte{1, 0x80, 0xff} {
			b := slices.Clone(golden)
			b[i] ^= flip
			_, err := s.Open(t.Context(), b, context)
			require.Error(t, err, "byte %d", i)
		}
	}
	for n := range golden {
		_, err := s.Open(t.Context(), golden[:n], context)
		require.Error(t, err, "the first %d bytes", n)
	}
	_, err := s.Open(t.Context(), append(slices.Clone(golden), 0), context)
	require.EqualError(t, err, "damaged, or of another place")
	for _, other := range []string{"", "contex", "context ", "Context"} {
		_, err = s.Open(t.Context(), golden, []byte(other))
		require.EqualError(t, err, "damaged, or of another place", other)
	}
	// The name of another key that is there.
	renamed := slices.Concat([]byte{1, 5}, []byte("older"), golden[9:])
	_, err = s.Open(t.Context(), renamed, context)
	require.EqualError(t, err, "damaged, or of another place")
	gone := slices.Concat([]byte{1, 4}, []byte("gone"), golden[9:])
	_, err = s.Open(t.Context(), gone, context)
	require.EqualError(t, err, "sealed with a key that is not among those given")
	newer := append([]byte{2}, golden[1:]...)
	_, err = s.Open(t.Context(), newer, context)
	require.EqualError(t, err, "not sealed by AESGCM, or by a newer version of it")
}

func TestAESGCM_Current(t *testing.T) {
	t.Parallel()
	keys := map[string][]byte{"a": counted(1, 32), "b": counted(2, 32)}
	a, err := durable.AESGCM("a", keys)
	require.NoError(t, err)
	clear(keys["b"]) // it has a copy of the others
	keys["b"] = counted(2, 32)
	b, err := durable.AESGCM("b", keys)
	require.NoError(t, err)
	sealed, err := a.Seal(t.Context(), []byte("plain"), nil)
	require.NoError(t, err)
	plain, err := b.Open(t.Context(), sealed, nil)
	require.NoError(t, err)
	require.Equal(t, "plain", string(plain))
	type current interface{ Current(sealed []byte) bool }
	require.True(t, a.(current).Current(sealed))
	require.False(t, b.(current).Current(sealed))
	require.False(t, b.(current).Current(nil))
}

func TestAESGCM_Refused(t *testing.T) {
	t.Parallel()
	key := counted(1, 32)
	tests := []struct {
		name, current string
		keys          map[string][]byte
		want          string
	}{
		{"no keys", "a", nil, `durable: AESGCM: there is no key for the current name "a"`},
		{"another current one", "a", map[string][]byte{"b": key}, `durable: AESGCM: there is no key for the current name "a"`},
		{"short", "a", map[string][]byte{"a": key[:31]}, `durable: AESGCM: key "a" has 31 bytes, want 32`},
		{"long", "a", map[string][]byte{"a": append(key, 1)}, `durable: AESGCM: key "a" has 33 bytes, want 32`},
		{"no name", "", map[string][]byte{"": key}, `durable: AESGCM: key name "": want 1 to 32 letters, digits, _ or -`},
		{"an odd name", "a", map[string][]byte{"a": key, "ä": key}, `durable: AESGCM: key name "ä": want 1 to 32 letters, digits, _ or -`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := durable.AESGCM(tt.current, tt.keys)
			require.EqualError(t, err, tt.want)
		})
	}
}

// FuzzAESGCM_Open opens what nobody has sealed, which must fail, and what was sealed
// with that text, which must not.
func FuzzAESGCM_Open(f *testing.F) {
	s, golden := newGolden(f)
	f.Add(golden, []byte("context "))
	f.Add(golden[:30], []byte(nil))
	f.Add([]byte{}, []byte{})
	f.Add([]byte{1, 255}, []byte("a"))
	f.Add([]byte{1, 0, 1, 7}, []byte("a"))
	f.Fuzz(func(t *testing.T, data, context []byte) {
		plain, err := s.Open(t.Context(), data, context)
		if err == nil && !(bytes.Equal(data, golden) && string(context) == "context") {
			t.Fatalf("opened %x", data)
		}
		require.True(t, err == nil || plain == nil)
		sealed, err := s.Seal(t.Context(), data, context)
		require.NoError(t, err)
		plain, err = s.Open(t.Context(), sealed, context)
		require.NoError(t, err)
		require.True(t, bytes.Equal(data, plain))
		_, err = s.Open(t.Context(), sealed, append(slices.Clone(context), 0))
		require.Error(t, err)
	})
}
