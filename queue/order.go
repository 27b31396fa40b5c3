package queue

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"unicode/utf8"
)

// maxSubject is how many bytes of a subject an Order has. Subjects are ids, of some 40.
const maxSubject = 256

// orderSubject returns what stands for a subject in Task.Order: the subject itself, or a
// hash of one that is so long, or of such bytes, that an engine's store may not take it.
func orderSubject(subject string) string {
	if len(subject) <= maxSubject && utf8.ValidString(subject) && !strings.Contains(subject, "\x00") {
		return subject
	}
	sum := sha256.Sum256([]byte(subject))
	return "sha256\x1f" + base64.RawURLEncoding.EncodeToString(sum[:])
}
