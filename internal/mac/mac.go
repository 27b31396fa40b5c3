// Package mac has keys for HMAC-SHA256 that are made once and used many times.
package mac

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"sync"
	"sync/atomic"
)

// Size is how many bytes a MAC has.
const Size = sha256.Size

// A Key is a key for HMAC-SHA256. It must not be copied, and is safe for concurrent use.
type Key struct {
	// bytes is a closure, so that printers that walk through structs by reflection do not
	// find the key.
	bytes   func() []byte
	states  sync.Pool // of *state
	derived atomic.Pointer[Key]
}

// A state is used again: to restore the state after the key's pads is cheaper than to
// hash them each time.
type state struct {
	hash.Hash
	sum [Size]byte // kept here: an argument of an interface's method is allocated
}

// New returns a Key, which keeps b.
func New(b []byte) *Key { return &Key{bytes: func() []byte { return b }} }

// Bytes returns the key itself.
func (k *Key) Bytes() []byte { return k.bytes() }

// Derived returns a key that is made of k, once, and kept with it.
func (k *Key) Derived(bytes func() []byte) *Key {
	if d := k.derived.Load(); d != nil {
		return d
	}
	k.derived.CompareAndSwap(nil, New(bytes()))
	return k.derived.Load()
}

// Sum returns the MAC of the parts, written one after the other.
func (k *Key) Sum(parts ...[]byte) [Size]byte {
	s, ok := k.states.Get().(*state)
	if ok {
		s.Reset()
	} else {
		s = &state{Hash: hmac.New(sha256.New, k.bytes())}
	}
	for _, part := range parts {
		s.Write(part)
	}
	s.Sum(s.sum[:0])
	sum := s.sum
	k.states.Put(s)
	return sum
}

// AppendHex appends the MAC of text in lower-case hex.
func (k *Key) AppendHex(dst, text []byte) []byte {
	sum := k.Sum(text)
	return hex.AppendEncode(dst, sum[:])
}
