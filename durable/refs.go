package durable

import (
	"crypto/sha256"
	"encoding/base64"
	"slices"

	"github.com/ringhook/webhook"
)

// maxRefs is how many forms of references are kept of a message: two for each of four.
const maxRefs = 8

// refsColumn is all refs of a delivery in one column; NULL if there are none. They have
// no line feeds in them. They are sorted in a query of its own, whose index has that
// order.
const refsColumn = "(SELECT string_agg(ref, '\n') FROM " +
	"(SELECT ref FROM @ref WHERE delivery_seq = seq ORDER BY n) AS refs)"

// refsOf returns the forms of a message's references. They are normalized once more,
// since the message may be made by hand.
func refsOf(m *webhook.Message) (forms []string) {
	for _, ref := range m.Refs {
		for _, form := range webhook.NormalizeRef(ref) {
			if !slices.Contains(forms, form) && len(forms) < maxRefs {
				forms = append(forms, form)
			}
		}
	}
	return forms
}

// subjectKey returns a subject as it is stored in an index: itself, or a hash of one
// that is long or no text. It is nil if there is none.
func subjectKey(subject string) *string {
	if subject == "" {
		return nil
	}
	if len(subject) > 256 || !storable(subject) {
		sum := sha256.Sum256([]byte(subject))
		subject = "sha256\x1f" + base64.RawURLEncoding.EncodeToString(sum[:])
	}
	return &subject
}
