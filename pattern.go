package webhook

import (
	"fmt"
	"slices"
	"strings"
)

// The placeholders of an [HMAC].
const (
	placeBody = "{body}"
	placeTime = "{t}"
	placeMAC  = "{mac}"
)

// A pattern is a text with at most two placeholders.
type pattern struct {
	places [2]string
	n      int       // how many there are
	texts  [3]string // before, between and after them
}

// parsePattern reads a text that may have each of two placeholders once.
func parsePattern(s, first, second string) (p pattern, err error) {
	for {
		begin := strings.IndexAny(s, "{}")
		if begin < 0 {
			p.texts[p.n] = s
			return p, nil
		}
		length := strings.IndexByte(s[begin:], '}') + 1
		if s[begin] == '}' || length == 0 {
			return p, fmt.Errorf("%q without its other half", s[begin])
		}
		place := s[begin : begin+length]
		switch {
		case place != first && place != second:
			return p, fmt.Errorf("unknown placeholder %s, want %s or %s", place, first, second)
		case p.has(place):
			return p, fmt.Errorf("%s is there twice", place)
		}
		p.texts[p.n], p.places[p.n] = s[:begin], place
		p.n++
		s = s[begin+length:]
	}
}

func (p pattern) has(place string) bool { return slices.Contains(p.places[:p.n], place) }

// append appends the text with t and mac in it.
func (p pattern) append(dst, t, mac []byte) []byte {
	for i := range p.n {
		dst = append(dst, p.texts[i]...)
		if p.places[i] == placeTime {
			dst = append(dst, t...)
		} else {
			dst = append(dst, mac...)
		}
	}
	return append(dst, p.texts[p.n]...)
}

// trimmed returns p without blanks at its ends.
func (p pattern) trimmed() pattern {
	p.texts[0] = strings.TrimLeft(p.texts[0], " ")
	p.texts[p.n] = strings.TrimRight(p.texts[p.n], " ")
	return p
}

// match returns what stands in text for the placeholders, of which a MAC has the given
// length; a time is not checked.
func (p pattern) match(text string, macLen int) (t, mac string, ok bool) {
	text, isBefore := strings.CutPrefix(text, p.texts[0])
	if p.n == 0 {
		return "", "", isBefore && text == ""
	}
	text, isAfter := strings.CutSuffix(text, p.texts[p.n])
	if !isBefore || !isAfter {
		return "", "", false
	}
	if p.n == 1 {
		if p.places[0] == placeTime {
			return text, "", true
		}
		return "", text, len(text) == macLen
	}
	if len(text) < macLen {
		return "", "", false
	}
	if p.places[0] == placeMAC {
		t, ok = strings.CutPrefix(text[macLen:], p.texts[1])
		return t, text[:macLen], ok
	}
	end := len(text) - macLen
	t, ok = strings.CutSuffix(text[:end], p.texts[1])
	return t, text[end:], ok
}
