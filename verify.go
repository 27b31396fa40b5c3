package webhook

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/hmac"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/ringhook/webhook/internal/mac"
)

// What [Verifier.Verify] finds wrong with a request. Its errors wrap one of these or
// [ErrNoKey].
var (
	// ErrNoSignature: a header of the scheme is missing or empty.
	ErrNoSignature = errors.New("no signature")
	// ErrBadSignature: the headers are not well formed, or no signature matches any
	// secret.
	ErrBadSignature = errors.New("bad signature")
	// ErrExpired: the signature is right, but its time is too long ago or too far
	// ahead.
	ErrExpired = errors.New("timestamp outside the tolerance")
	// ErrReplayed: the signature is right, but Seen knows the id.
	ErrReplayed = errors.New("message was seen before")
)

const (
	defaultTolerance = 5 * time.Minute
	defaultMaxBody   = 1 << 20

	// maxSignatures bounds the work on a hostile header. Later ones do not count.
	maxSignatures = 32
	// maxPublicSignatures bounds it for Ed25519, which reads the whole body for each.
	maxPublicSignatures = 4

	// maxForeignID is how long the ids of other senders may be.
	maxForeignID = 256
)

// A Verifier checks that a request comes from somebody who has the secret. It takes
// exactly one scheme, set in code, so that nobody can choose a weaker one: Standard
// Webhooks, unless Header or HMAC is set. It is safe for concurrent use.
//
// With Standard Webhooks the id, the time and the body are checked. With an [HMAC] it
// is what its Signed says: the body alone, or the query of a GET, and perhaps the time.
// Without a signed time, Tolerance does nothing. The id that Seen is asked for is not
// signed then, so that it tells a sender's repetition but stops no attacker; and a GET's
// query has the same signature as a POST's body of the same bytes, so a handler should
// allow one method. No scheme covers the path, or the query of a POST.
type Verifier struct {
	// Secrets are the keys, any of which may match, so that an old and a new one work
	// side by side. Zero ones are passed over, and so are, with Standard Webhooks, those
	// that [Secret.IsShort] reports. If no key is left, all is refused with ErrNoKey,
	// and so is, with Standard Webhooks, a secret made by WebhookIDSecret.
	Secrets []Secret
	// PublicKeys are those of senders that sign with [Ed25519], which is Standard
	// Webhooks too: any of them, or of Secrets, may match one of a request's first four
	// signatures of that kind. Zero ones, and those of another length than 32 bytes, are
	// passed over. They do not go with Header or HMAC.
	PublicKeys []ed25519.PublicKey
	// Header is the name of the header of a plain HMAC, such as HeaderSignature. It is
	// short for HMAC: &HMAC{Header: name}, and does not go with HMAC.
	Header string
	// HMAC describes the signature, as in &HMAC{Header: "X-Hub-Signature-256", Value:
	// "sha256={mac}"}. Its Keys are not used: Secrets are. If the description is faulty
	// (see [HMAC.Check]), all is refused.
	HMAC *HMAC
	// Tolerance is how far the signed time may be from Now, in the past and in the
	// future. Zero: 5 minutes. Negative: the time is not checked.
	Tolerance time.Duration
	// Now gives the time. If nil, time.Now is used.
	Now func() time.Time
	// Seen reports whether the message id was handled before. It is asked after all
	// other checks, and must report only ids that were handled with success: what
	// failed is sent again under the same id. It does not record the id; the handler
	// does, when it is done, from the header Webhook-Id. An id is up to 256 characters of
	// printable ASCII without a full stop, as the sender likes it. If nil, or if the
	// request of an HMAC has no such id, there is no such check.
	Seen func(ctx context.Context, id string) (bool, error)
	// MaxBody is the limit of Handler in bytes. Zero: 1 MiB. Negative: no limit.
	MaxBody int64
}

// Verify checks the header and the body of a request, as they came. For an [HMAC] of a
// GET, body must be the query, []byte(r.URL.RawQuery), and the request must have no
// body.
//
// It returns nil if the request is genuine, else an error that wraps [ErrNoKey],
// [ErrNoSignature], [ErrBadSignature], [ErrExpired], [ErrReplayed] or the error of
// Seen, which is called with ctx.
func (v Verifier) Verify(ctx context.Context, header http.Header, body []byte) error {
	id, err := v.check(header, body)
	if err != nil {
		return fmt.Errorf("webhook: %w", err)
	}
	seen, err := v.seen(ctx, id)
	if err != nil {
		return fmt.Errorf("webhook: %w", err)
	}
	if seen {
		return fmt.Errorf("webhook: %w", ErrReplayed)
	}
	return nil
}

// Handler verifies a request and hands it to next with its body unread. It answers
// itself with 413 if the body is larger than MaxBody, with 400 if it cannot be read, with
// 500 if the Verifier is faulty, and with 401 if Verify would not accept it. For an [HMAC] of a GET it checks the
// query, and refuses a body.
//
// A message that was seen before is answered with 200 without calling next: this is
// what a sender's repetition looks like, and anything else would make it come again. If
// Seen fails, the answer is 500, so that the sender tries again.
func (v Verifier) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := v.read(w, r)
		if err != nil {
			var tooLarge *http.MaxBytesError
			if errors.As(err, &tooLarge) {
				respond(w, http.StatusRequestEntityTooLarge)
			} else {
				respond(w, http.StatusBadRequest)
			}
			return
		}
		text := body
		if !v.isStandard() && r.Method == http.MethodGet {
			if len(body) > 0 { // which nothing signs
				respond(w, http.StatusUnauthorized)
				return
			}
			text = []byte(r.URL.RawQuery)
		}
		id, err := v.check(r.Header, text)
		if isFaulty := new(faultyError); errors.As(err, isFaulty) {
			respond(w, http.StatusInternalServerError)
			return
		}
		if err != nil {
			respond(w, http.StatusUnauthorized)
			return
		}
		seen, err := v.seen(r.Context(), id)
		if err != nil {
			respond(w, http.StatusInternalServerError)
			return
		}
		if seen {
			respond(w, http.StatusOK)
			return
		}
		verified := *r
		verified.Body = io.NopCloser(bytes.NewReader(body))
		verified.ContentLength = int64(len(body))
		verified.TransferEncoding = nil // the body has a length now
		next.ServeHTTP(w, &verified)
	})
}

// respond tells no more than the status does: who cannot sign is not to learn why.
func respond(w http.ResponseWriter, status int) {
	http.Error(w, http.StatusText(status), status)
}

func (v Verifier) read(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.Body == nil { // only in a request made by hand
		return nil, nil
	}
	limit := v.MaxBody
	if limit == 0 {
		limit = defaultMaxBody
	}
	if limit < 0 {
		return io.ReadAll(r.Body)
	}
	return io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
}

// seen asks Seen about an id that check returned.
func (v Verifier) seen(ctx context.Context, id string) (bool, error) {
	if v.Seen == nil || id == "" {
		return false, nil
	}
	return v.Seen(ctx, id)
}

// isStandard reports whether the scheme is Standard Webhooks.
func (v Verifier) isStandard() bool { return v.Header == "" && v.HMAC == nil }

// A faultyError is a mistake in the Verifier itself.
type faultyError struct{ error }

func (e faultyError) Unwrap() error { return e.error }

// check is Verify without Seen. The id is the message's; it is empty if an HMAC comes
// without a valid one.
func (v Verifier) check(header http.Header, body []byte) (id string, err error) {
	if v.isStandard() {
		return v.checkStandard(header, body)
	}
	described := HMAC{Header: v.Header}
	switch {
	case v.HMAC != nil && v.Header != "":
		return "", faultyError{errors.New("a Verifier has Header and HMAC")}
	case len(v.PublicKeys) > 0:
		return "", faultyError{errors.New("a Verifier has PublicKeys and an HMAC")}
	case v.HMAC != nil:
		described = *v.HMAC
	}
	return v.checkHMAC(described, header, body)
}

func (v Verifier) checkHMAC(described HMAC, header http.Header, body []byte) (id string, err error) {
	form, err := described.form()
	if err != nil {
		return "", faultyError{err}
	}
	var keyBuf [4]*mac.Key // spares allocations, as macBuf
	keys := v.appendKeys(keyBuf[:0], described.Text, true)
	if len(keys) == 0 {
		return "", ErrNoKey
	}
	value, err := single(header, form.header)
	if err != nil {
		return "", err
	}
	var macBuf [2][mac.Size]byte
	macs, t, ok := form.appendMACs(macBuf[:0], value)
	if form.timeHeader != "" {
		if t, err = single(header, form.timeHeader); err != nil {
			return "", err
		}
	}
	at, isTime := parseTime(t)
	hasTime := form.signed.has(placeTime)
	if !ok || hasTime && !isTime {
		return "", ErrBadSignature
	}
	sum := func(key *mac.Key) [mac.Size]byte { return form.sum(key, []byte(t), body) }
	if !matches(keys, macs, sum) {
		return "", ErrBadSignature
	}
	if hasTime && !v.fresh(at) {
		return "", ErrExpired
	}
	if id, err = single(header, HeaderID); err != nil || !isForeignID(id) {
		return "", nil
	}
	return id, nil
}

func (v Verifier) checkStandard(header http.Header, body []byte) (id string, err error) {
	for _, secret := range v.Secrets {
		if secret.isWebhookID {
			return "", ErrNoKey
		}
	}
	var keyBuf [4]*mac.Key
	keys, publicKeys := v.appendKeys(keyBuf[:0], false, false), v.publicKeys()
	if len(keys)+len(publicKeys) == 0 {
		return "", ErrNoKey
	}
	id, err = single(header, HeaderID)
	if err != nil {
		return "", err
	}
	timestamp, err := single(header, HeaderTimestamp)
	if err != nil {
		return "", err
	}
	list, err := single(header, HeaderWebhookSignature)
	if err != nil {
		return "", err
	}
	at, isTime := parseTime(timestamp)
	if !isTime || !isForeignID(id) {
		return "", ErrBadSignature
	}
	// The time comes second: whether it is wrong is nobody's business without the key.
	prefix := standardPrefix(id, timestamp)
	sum := func(key *mac.Key) [mac.Size]byte { return key.Sum(prefix, body) }
	macs, signatures := parseSignatures(list)
	if !matches(keys, macs, sum) && !matchesPublic(publicKeys, signatures, prefix, body) {
		return "", ErrBadSignature
	}
	if !v.fresh(at) {
		return "", ErrExpired
	}
	return id, nil
}

// isForeignID reports whether an id is one that a sender may have chosen. A full stop
// would shift the fields of what is signed.
func isForeignID(id string) bool {
	return id != "" && len(id) <= maxForeignID &&
		!strings.ContainsFunc(id, func(r rune) bool { return r < ' ' || r > '~' || r == '.' })
}

// single returns the only value of a header. Of two, a proxy may have looked at the
// other one.
func single(header http.Header, name string) (string, error) {
	values := header.Values(name)
	switch {
	case len(values) > 1:
		return "", ErrBadSignature
	case len(values) == 0 || values[0] == "":
		return "", ErrNoSignature
	}
	return values[0], nil
}

// parseSignatures returns the well-formed entries of a Webhook-Signature: those of v1, and
// those of v1a. Other versions may be beside them.
func parseSignatures(list string) (macs [][mac.Size]byte, signatures [][]byte) {
	entries := 0
	for entry := range strings.SplitSeq(list, " ") {
		if entries++; entries > maxSignatures {
			break
		}
		version, text, _ := strings.Cut(entry, ",")
		switch version {
		case standardVersion:
			if b, ok := decodeExactly(text, mac.Size); ok {
				macs = append(macs, [mac.Size]byte(b))
			}
		case publicVersion:
			if b, ok := decodeExactly(text, ed25519.SignatureSize); ok && len(signatures) < maxPublicSignatures {
				signatures = append(signatures, b)
			}
		}
	}
	return macs, signatures
}

// decodeExactly reads the base64 of so many bytes. The decoder passes over line breaks.
func decodeExactly(text string, size int) ([]byte, bool) {
	if len(text) != base64.StdEncoding.EncodedLen(size) {
		return nil, false
	}
	b, err := base64.StdEncoding.Strict().DecodeString(text)
	return b, err == nil && len(b) == size
}

// matches reports whether one of macs is what sum returns for one of the keys.
func matches(keys []*mac.Key, macs [][mac.Size]byte, sum func(*mac.Key) [mac.Size]byte) bool {
	if len(macs) == 0 {
		return false
	}
	for _, key := range keys {
		want := sum(key)
		for _, got := range macs {
			if hmac.Equal(got[:], want[:]) {
				return true
			}
		}
	}
	return false
}

// appendKeys appends those of the secrets that may count.
func (v Verifier) appendKeys(keys []*mac.Key, text, short bool) []*mac.Key {
	for _, secret := range v.Secrets {
		if secret.key != nil && (short || !secret.isShort) {
			keys = append(keys, secret.mac(text))
		}
	}
	return keys
}

func (v Verifier) fresh(at time.Time) bool {
	tolerance := v.Tolerance
	if tolerance < 0 {
		return true
	}
	if tolerance == 0 {
		tolerance = defaultTolerance
	}
	now := time.Now
	if v.Now != nil {
		now = v.Now
	}
	return now().Sub(at).Abs() <= tolerance
}
