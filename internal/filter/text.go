package filter

import (
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/rawjson"
	"github.com/ringhook/webhook/internal/timeform"
)

const blanks = " \t\n\v\f\r\x00"

// skip returns the offset after the first n characters of s.
func skip(s string, n int) int {
	for i := range s {
		if n == 0 {
			return i
		}
		n--
	}
	return len(s)
}

// skipBack returns the offset of the last n characters of s.
func skipBack(s string, n int) int {
	i := len(s)
	for ; n > 0 && i > 0; n-- {
		_, size := utf8.DecodeLastRuneInString(s[:i])
		i -= size
	}
	return i
}

func concat(a, b string) (field.Value, error) {
	if len(a)+len(b) > MaxOutput {
		return field.Value{}, ErrTooLong
	}
	return field.Text(a + b), nil
}

func replace(s, old, by string) (field.Value, error) {
	n := strings.Count(s, old)
	if n == 0 {
		return field.Text(s), nil
	}
	size := int64(len(s)) + int64(n)*int64(len(by)-len(old))
	if size > MaxOutput {
		return field.Value{}, ErrTooLong
	}
	var b strings.Builder // ReplaceAll would count again
	b.Grow(int(size))
	for ; n > 0; n-- {
		before, after, _ := strings.Cut(s, old)
		b.WriteString(before)
		b.WriteString(by)
		s = after
	}
	b.WriteString(s)
	return field.Text(b.String()), nil
}

func truncate(v field.Value, length int, mark string) (field.Value, error) {
	s := v.String()
	if skip(s, length) == len(s) {
		return field.Text(s), nil
	}
	return concat(s[:skip(s, max(0, length-utf8.RuneCountInString(mark)))], mark)
}

var htmlEscaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#39;")

func escape(v field.Value) (field.Value, error) {
	s := v.String()
	n := len(s)
	for _, c := range []byte(s) {
		switch c {
		case '&', '\'':
			n += 4
		case '<', '>':
			n += 3
		case '"':
			n += 5
		}
	}
	if n > MaxOutput {
		return v, ErrTooLong
	}
	return field.Text(htmlEscaper.Replace(s)), nil
}

func urlEncode(v field.Value) (field.Value, error) {
	s := v.String()
	n := 0
	for _, c := range []byte(s) {
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-_.~ ", c) >= 0 {
			n++
		} else {
			n += 3
		}
	}
	if n > MaxOutput {
		return v, ErrTooLong
	}
	return field.Text(url.QueryEscape(s)), nil
}

// Nothing reports whether v is no value: null or absent, an empty text, a text that says
// that there is no time, or a list or object with nothing in it. 0 and false are values.
func Nothing(v field.Value) bool {
	switch {
	case v.Composite():
		it := rawjson.Walk(v.Text)
		return !it.Next()
	case v.Kind == rawjson.String && strings.Contains(v.Text, "000"): // in the month, day or year
		_, form := timeform.Parse(v.Text, time.UTC)
		return form == timeform.None
	}
	return v.Empty()
}

func isFalse(v field.Value) bool { return v.Kind == rawjson.Bool && v.Text == "false" }

// translate returns a filter for pairs of what a value may be and what then replaces it. A
// number that the author wrote is equal to the text of a number, as in conditions.
func translate(a []arg) filterFunc {
	pairs := make([]field.Value, len(a)) // arguments have more than is needed of that many
	for i := range a {
		pairs[i] = a[i].value
	}
	return func(v field.Value) (field.Value, error) {
		if v.Composite() { // equal to no literal; its JSON would be made for each
			return field.Null, nil
		}
		for i := 0; i < len(pairs); i += 2 {
			if Equal(v, pairs[i], pairs[i].Kind == rawjson.Number) {
				return pairs[i+1], nil
			}
		}
		return field.Null, nil
	}
}
