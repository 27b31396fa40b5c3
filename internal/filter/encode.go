package filter

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"unicode/utf8"

	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/problem"
	"github.com/ringhook/webhook/internal/rawjson"
)

var errBase64 = problem.Errorf(problem.NoBase64, "the value is not the Base64 of a text")

func base64Encode(v field.Value) (field.Value, error) {
	s := v.String()
	if base64.StdEncoding.EncodedLen(len(s)) > MaxOutput {
		return v, ErrTooLong
	}
	return field.Text(base64.StdEncoding.EncodeToString([]byte(s))), nil
}

// base64Decode refuses bytes that are no text: nothing could be sent of them but U+FFFD.
func base64Decode(v field.Value) (field.Value, error) {
	b, err := base64.StdEncoding.Strict().DecodeString(v.String())
	if err != nil || !utf8.Valid(b) {
		return v, errBase64
	}
	return field.Text(string(b)), nil
}

func sha256Hex(v field.Value) (field.Value, error) {
	sum := sha256.Sum256([]byte(v.String()))
	return field.Text(hex.EncodeToString(sum[:])), nil
}

// toJSON returns the JSON of a value as text. A text gets quotes and escapes.
func toJSON(v field.Value) (field.Value, error) {
	if v.Kind != rawjson.String {
		return field.Text(string(v.AppendJSON(nil))), nil
	}
	n := len(`""`) + len(v.Text)
	for _, c := range []byte(v.Text) {
		switch {
		case c == '"' || c == '\\' || '\b' <= c && c <= '\r' && c != '\v':
			n++
		case c < ' ':
			n += len(`\u0000`) - 1
		}
	}
	if n > MaxOutput {
		return v, ErrTooLong
	}
	return field.Text(string(rawjson.AppendString(make([]byte, 0, n), v.Text))), nil
}

// An htmlBlock is a part of HTML that goes with all it contains.
type htmlBlock struct{ begin, end string }

var htmlBlocks = [...]htmlBlock{{"<script", "</script>"}, {"<!--", "-->"}, {"<style", "</style>"}}

// length returns the length of the block at the start of s, or 0 if there is none. A block
// without an end is made empty, since it would have none further on either: otherwise each
// one would be searched for to the end of the text.
func (h *htmlBlock) length(s string) int {
	if h.begin == "" || !strings.HasPrefix(s, h.begin) {
		return 0
	}
	n := strings.Index(s[len(h.begin):], h.end)
	if n < 0 {
		*h = htmlBlock{}
		return 0
	}
	return len(h.begin) + n + len(h.end)
}

// stripHTML removes scripts, comments and styles, and then all tags, as Liquid does. What
// is not closed is kept.
func stripHTML(s string) string {
	if strings.IndexByte(s, '<') < 0 {
		return s
	}
	blocks := htmlBlocks
	s = cutOut(s, func(rest string) int {
		return max(blocks[0].length(rest), blocks[1].length(rest), blocks[2].length(rest))
	})
	tag := htmlBlock{"<", ">"}
	return cutOut(s, tag.length)
}

// cutOut removes what begins with < and has the length that is returned for the rest of the
// text from there on.
func cutOut(s string, length func(rest string) int) string {
	var b strings.Builder
	for i := 0; ; {
		n := strings.IndexByte(s[i:], '<')
		if n < 0 {
			b.WriteString(s)
			return b.String()
		}
		i += n
		if n = length(s[i:]); n == 0 {
			i++
			continue
		}
		b.WriteString(s[:i])
		s, i = s[i+n:], 0
	}
}
