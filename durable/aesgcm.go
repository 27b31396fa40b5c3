package durable

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"maps"
	"slices"
	"strings"
	"sync"
)

// The parts of what AESGCM seals: a version, the length of the key's name, the name, a
// salt, and what AES-GCM makes of the value.
const (
	sealVersion = 1
	saltSize    = 16
	gcmTagSize  = 16
	keySize     = 32
	maxKeyName  = 32
)

// sealLabel is in front of the salt when a key is derived, so that the master key may
// have other uses.
const sealLabel = "ringhook/durable seal v1\x00"

// AESGCM returns a Sealer that encrypts with AES-256-GCM under keys of 32 bytes each, by
// name; a name has 1 to 32 letters, digits, _ or -. It seals with the current one and
// opens with all of them. Each value has a key of its own, derived from a random salt,
// so there is no limit on how many values a key may seal. A value of n bytes takes n +
// 34 bytes and those of the name.
//
// To replace a key: add the new one to the keys of every process; then make it the
// current one everywhere; then call [Engine.Reseal] until nothing is left; then remove
// the old one. What was sealed with a key that is lost is lost. The names are stored, so
// that a name must not be used for another key later.
func AESGCM(current string, keys map[string][]byte) (Sealer, error) {
	s := &aesGCM{keys: make(map[string]*masterKey, len(keys))}
	for _, name := range slices.Sorted(maps.Keys(keys)) {
		if !isKeyName(name) {
			return nil, fmt.Errorf("durable: AESGCM: key name %.40q: want 1 to %d letters, digits, _ or -", name, maxKeyName)
		}
		if len(keys[name]) != keySize {
			return nil, fmt.Errorf("durable: AESGCM: key %q has %d bytes, want %d", name, len(keys[name]), keySize)
		}
		s.keys[name] = newMasterKey(keys[name])
	}
	if s.keys[current] == nil {
		return nil, fmt.Errorf("durable: AESGCM: there is no key for the current name %.40q", current)
	}
	//nolint:gosec // at most maxKeyName
	s.current = append([]byte{sealVersion, byte(len(current))}, current...)
	s.currentKey = s.keys[current]
	return s, nil
}

func isKeyName(name string) bool {
	const allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
	return name != "" && len(name) <= maxKeyName && strings.Trim(name, allowed) == ""
}

type aesGCM struct {
	keys       map[string]*masterKey // not changed any more
	current    []byte                // what is in front of the salt
	currentKey *masterKey
}

// Seal encrypts plain. It fails only if there is no randomness, never with an error.
func (s *aesGCM) Seal(_ context.Context, plain, context []byte) ([]byte, error) {
	return s.sealAfter(nil, plain, context)
}

// sealAfter is Seal. It returns what is sealed after a prefix.
func (s *aesGCM) sealAfter(prefix, plain, context []byte) ([]byte, error) {
	var salt [saltSize]byte
	_, _ = rand.Read(salt[:]) // never fails: it ends the program instead
	return s.seal(prefix, salt[:], plain, context)
}

func (s *aesGCM) seal(prefix, salt, plain, context []byte) ([]byte, error) {
	aead, err := s.currentKey.valueKey(salt)
	if err != nil {
		return nil, err
	}
	b := make([]byte, 0, len(prefix)+len(s.current)+len(salt)+len(plain)+gcmTagSize)
	b = append(append(append(b, prefix...), s.current...), salt...)
	//nolint:gosec // as the comment at zeroNonce says
	return aead.Seal(b, zeroNonce[:], plain, slices.Concat(b[len(prefix):], context)), nil
}

var (
	errNoSuchKey = errors.New("sealed with a key that is not among those given")
	errDamaged   = errors.New("damaged, or of another place")
	errFormat    = errors.New("not sealed by AESGCM, or by a newer version of it")
)

// Open decrypts what Seal of this or another process made with the same context.
func (s *aesGCM) Open(_ context.Context, sealed, context []byte) ([]byte, error) {
	name, ok := keyName(sealed)
	if !ok || len(sealed) < 2+len(name)+saltSize+gcmTagSize {
		return nil, errFormat
	}
	key := s.keys[string(name)]
	if key == nil {
		return nil, errNoSuchKey
	}
	head := sealed[:2+len(name)+saltSize]
	aead, err := key.valueKey(head[2+len(name):])
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, zeroNonce[:], sealed[len(head):], slices.Concat(head, context))
	if err != nil {
		return nil, errDamaged
	}
	return plain, nil
}

// Current reports whether a value is sealed with the current key.
func (s *aesGCM) Current(sealed []byte) bool {
	name, ok := keyName(sealed)
	return ok && string(name) == string(s.current[2:])
}

// keyName returns the name of the key that a value is sealed with.
func keyName(sealed []byte) ([]byte, bool) {
	if len(sealed) < 2 || sealed[0] != sealVersion || len(sealed) < 2+int(sealed[1]) {
		return nil, false
	}
	return sealed[2 : 2+int(sealed[1])], true
}

// zeroNonce is that of all values, since no two have the same key.
var zeroNonce [12]byte

// A masterKey derives keys.
type masterKey struct {
	macs sync.Pool // of hash.Hash, with the key: to make one takes longer than to use it
}

func newMasterKey(key []byte) *masterKey {
	key = slices.Clone(key)
	return &masterKey{macs: sync.Pool{New: func() any { return hmac.New(sha256.New, key) }}}
}

// valueKey returns the key of the value with a salt.
func (k *masterKey) valueKey(salt []byte) (cipher.AEAD, error) {
	h := k.macs.Get().(hash.Hash)
	defer k.macs.Put(h)
	h.Reset()
	_, _ = h.Write([]byte(sealLabel))
	_, _ = h.Write(salt)
	block, err := aes.NewCipher(h.Sum(make([]byte, 0, sha256.Size)))
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
