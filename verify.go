package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/ringhook/webhook/internal/request"
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

	// maxSignatures bounds the work on a hostile Webhook-Signature. Later ones do not
	// count.
	maxSignatures = 32
)

// A Verifier checks that a request comes from somebody who has the secret. It takes
// exactly one scheme, set in code, so that nobody can choose a weaker one. It is safe
// for concurrent use.
//
// With Standard Webhooks the id, the time and the body are checked. With an [HMAC] it
// is the body alone, or the query of a GET: Tolerance does nothing there, and the id
// that Seen is asked for is not signed, so that it tells a sender's repetition but
// stops no attacker; and a GET's query has the same signature as a POST's body of the
// same bytes, so a handler should allow one method. No scheme covers the path, or the
// query of a POST.
type Verifier struct {
	// Secrets are the keys, any of which may match, so that an old and a new one work
	// side by side. Zero ones are passed over, and so are, unless Header is set, those
	// that [Secret.IsShort] reports. If none is left, all is refused with
	// ErrNoKey, and so is a secret made by WebhookIDSecret, unless Header is set.
	Secrets []Secret
	// Header is the name of the header of an HMAC, such as HeaderSignature. If empty,
	// the scheme is Standard Webhooks.
	Header string
	// Tolerance is how far the signed time may be from Now, in the past and in the
	// future. Zero: 5 minutes. Negative: the time is not checked.
	Tolerance time.Duration
	// Now gives the time. If nil, time.Now is used.
	Now func() time.Time
	// Seen reports whether the message id was handled before. It is asked after all
	// other checks, and must report only ids that were handled with success: what
	// failed is sent again under the same id. It does not record the id; the handler
	// does, when it is done, from the header Webhook-Id. Of Standard Webhooks an id is any
	// text without a full stop, as the sender likes it. If nil, or if the request of an
	// HMAC has no id of up to 64 letters, digits, _ and -, there is no such check.
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
// itself with 413 if the body is larger than MaxBody, with 400 if it cannot be read,
// and with 401 if Verify would not accept it. For an [HMAC] of a GET it checks the
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
		if v.Header != "" && r.Method == http.MethodGet {
			if len(body) > 0 { // which nothing signs
				respond(w, http.StatusUnauthorized)
				return
			}
			text = []byte(r.URL.RawQuery)
		}
		id, err := v.check(r.Header, text)
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

// check is Verify without Seen. The id is the message's; it is empty if an HMAC comes
// without a valid one.
func (v Verifier) check(header http.Header, body []byte) (id string, err error) {
	keys := 0
	for _, secret := range v.Secrets {
		if !v.takes(secret) {
			continue
		}
		if v.Header == "" && secret.isWebhookID {
			return "", ErrNoKey
		}
		keys++
	}
	if keys == 0 {
		return "", ErrNoKey
	}
	if v.Header != "" {
		return v.checkHMAC(header, body)
	}
	return v.checkStandard(header, body)
}

func (v Verifier) checkHMAC(header http.Header, body []byte) (id string, err error) {
	text, err := single(header, v.Header)
	if err != nil {
		return "", err
	}
	var mac [sha256.Size]byte
	if len(text) != hex.EncodedLen(len(mac)) {
		return "", ErrBadSignature
	}
	if _, err := hex.Decode(mac[:], []byte(text)); err != nil {
		return "", ErrBadSignature
	}
	if !v.matches([][sha256.Size]byte{mac}, body) {
		return "", ErrBadSignature
	}
	if id, err = single(header, HeaderID); err != nil || request.CheckID(id) != nil {
		return "", nil
	}
	return id, nil
}

func (v Verifier) checkStandard(header http.Header, body []byte) (id string, err error) {
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
	// A full stop in the id would shift the fields of what is signed. Any other id is fine:
	// senders choose theirs as they like.
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || seconds < 0 || strconv.FormatInt(seconds, 10) != timestamp || strings.Contains(id, ".") {
		return "", ErrBadSignature
	}
	// The time comes second: whether it is wrong is nobody's business without the key.
	if !v.matches(parseSignatures(list), standardPrefix(id, timestamp), body) {
		return "", ErrBadSignature
	}
	if !v.fresh(time.Unix(seconds, 0)) {
		return "", ErrExpired
	}
	return id, nil
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

// parseSignatures returns the well-formed v1 entries of a Webhook-Signature. Other
// versions may be beside them.
func parseSignatures(list string) [][sha256.Size]byte {
	var macs [][sha256.Size]byte
	entries := 0
	for entry := range strings.SplitSeq(list, " ") {
		if entries++; entries > maxSignatures {
			break
		}
		text, ok := strings.CutPrefix(entry, standardVersion)
		if !ok || len(text) != base64.StdEncoding.EncodedLen(sha256.Size) {
			continue
		}
		b, err := base64.StdEncoding.Strict().DecodeString(text)
		if err == nil && len(b) == sha256.Size {
			macs = append(macs, [sha256.Size]byte(b))
		}
	}
	return macs
}

// matches reports whether one of macs is that of the parts under one of the secrets.
func (v Verifier) matches(macs [][sha256.Size]byte, parts ...[]byte) bool {
	if len(macs) == 0 {
		return false
	}
	for _, secret := range v.Secrets {
		if !v.takes(secret) {
			continue
		}
		want := secret.key.Sum(parts...)
		for _, mac := range macs {
			if hmac.Equal(mac[:], want[:]) {
				return true
			}
		}
	}
	return false
}

// takes reports whether a secret may count.
func (v Verifier) takes(secret Secret) bool {
	return secret.key != nil && (v.Header != "" || !secret.isShort)
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
