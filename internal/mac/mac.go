// Package mac has keys for HMAC-SHA256 that are made once and used often.
package mac

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"sync"
)

// A Key is used through its pointer. It is safe for concurrent use.
type Key struct {
	// bytes is a closure, in which printers that walk through structs by reflection do not
	// find the key.
	bytes  func() []byte
	states sync.Pool // of *state
}

// A state is used again, since restoring the state behind the key's pads is cheaper than
// hashing them each time.
type state struct {
	hash.Hash
	sum [sha256.Size]byte // here, because what an interface's method gets is allocated
}

// New makes a Key, which keeps b.
func New(b []byte) *Key { return &Key{bytes: func() []byte { return b }} }

// Bytes returns the key itself.
func (k *Key) Bytes() []byte { return k.bytes() }

// Sum returns the MAC of the parts, one after the other.
func (k *Key) Sum(parts ...[]byte) [sha256.Size]byte {
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
