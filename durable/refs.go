package durable

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable/internal/store"
)

// maxRefs is how many forms of references are kept of a message: two for each of four.
const maxRefs = 8

// refsColumn is all refs of a delivery in one column; NULL if there are none. They have
// no line feeds in them. They are sorted in a query of its own, whose index has that
// order.
const refsColumn = "(SELECT string_agg(ref, '\n') FROM " +
	"(SELECT ref FROM @ref WHERE delivery_seq = seq ORDER BY n) AS refs)"

// refsText returns the statement that inserts n refs of the delivery with an ID, if
// that was created at a time: so nothing is added to one that was there before. Those
// that it has already are left out.
func refsText(n int) string {
	rows := make([]string, n)
	for i := range rows {
		rows[i] = fmt.Sprintf(`SELECT %d AS n, CAST($%d AS text) AS ref`, i, i+3)
	}
	return `INSERT INTO @ref (delivery_seq, n, ref, at) SELECT seq, n, ref, created
		FROM @delivery CROSS JOIN (` + strings.Join(rows, ` UNION ALL `) + `) AS refs
		WHERE id = $1 AND created = $2 ON CONFLICT DO NOTHING`
}

// appendRefs appends the statement that inserts the refs of a task that was just
// inserted.
func (e *Engine[T]) appendRefs(stmts []store.Stmt, task entry, now time.Time) []store.Stmt {
	refs := task.sealed.refs
	if len(refs) == 0 {
		return stmts
	}
	params := []any{task.ID, micros(now)}
	for _, ref := range refs {
		params = append(params, ref)
	}
	return append(stmts, store.Stmt{SQL: e.sql.refs[len(refs)], Args: params})
}

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
