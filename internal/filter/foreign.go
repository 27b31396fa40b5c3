package filter

import (
	"strings"
	"time"

	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/rawjson"
	"github.com/ringhook/webhook/internal/request"
	"github.com/ringhook/webhook/internal/timeform"
)

// A Letters is the language whose letters a date pattern has.
type Letters string

// The languages. Moment stands for all that repeat letters: Java's, Unicode's, Excel's.
const (
	PHP      Letters = "PHP"
	Strftime Letters = "strftime"
	Moment   Letters = "Java and JavaScript"
	Go       Letters = "Go"
)

// LettersOf returns the letters of a filter that writes dates; of any other it returns "".
func LettersOf(name string) Letters {
	switch name {
	case "date_format":
		return PHP
	case "date":
		return Strftime
	}
	return ""
}

// Foreign returns the other language that a pattern for a filter with these letters seems
// to be of, or "". It also returns the pattern in the filter's own letters, or "" if it
// does not know all parts of it.
func (own Letters) Foreign(pattern string) (other Letters, inOwn string) {
	if len(pattern) > request.MaxPatternSize { // no date is that long
		return "", ""
	}
	php, ok := pattern, true
	switch {
	case own == Strftime && hasDirective(pattern):
		return "", ""
	case hasDirective(pattern):
		other = Strftime
		php, ok = strftimeToPHP(pattern)
	case strings.Contains(pattern, "2006") || strings.Contains(pattern, "15:04") || strings.Contains(pattern, "03:04"):
		other = Go
		php, ok = toPHP(pattern, goTokens)
	case hasRepeated(pattern):
		other = Moment
		php, ok = toPHP(pattern, momentTokens)
	case own == Strftime && strings.IndexByte(strings.TrimSuffix(pattern, "%"), '%') >= 0: // a directive that does not exist
		return "", ""
	case own == Strftime && checkFormat(pattern) == nil && hasLetter(pattern):
		other = PHP
	default:
		return "", ""
	}
	if !ok {
		return other, ""
	}
	if _, php = PHP.Slips(php); own == Strftime { // such as YYYY-mm-DD
		if php, ok = phpToStrftime(php); !ok {
			return other, ""
		}
	}
	return other, php
}

// IsFixed reports whether a pattern writes the same for every time.
func (own Letters) IsFixed(pattern string) bool {
	if pattern == "" {
		return false
	}
	if own == PHP {
		return !hasLetter(pattern)
	}
	return strings.IndexByte(pattern, '%') < 0
}

// Zoned returns the first letter of a pattern that tells the zone of a time, or the time
// in another, or "".
func (own Letters) Zoned(pattern string) string {
	if own == PHP {
		for i := 0; i < len(pattern); i++ {
			switch c := pattern[i]; {
			case c == '\\':
				i++
			case strings.IndexByte("cPOpUeTZrIB", c) >= 0:
				return string(c)
			}
		}
		return ""
	}
	for i := strings.IndexByte(pattern, '%'); i >= 0; i = strings.IndexByte(pattern, '%') {
		d, rest, err := readDirective(pattern[i:])
		if err != nil {
			return ""
		}
		if strings.IndexByte("zZs+", d.letter) >= 0 {
			return "%" + string(d.letter)
		}
		pattern = rest
	}
	return ""
}

// HasNoZone reports whether v is a time without a zone.
func HasNoZone(v field.Value) bool {
	if v.Kind != rawjson.String {
		return false
	}
	_, form := timeform.Parse(v.Text, time.UTC)
	return form == timeform.Local
}

// hasLetter reports whether a pattern has a letter of PHP that stands for something.
func hasLetter(pattern string) bool {
	for i := 0; i < len(pattern); i++ {
		if pattern[i] == '\\' {
			i++
		} else if strings.IndexByte(dateLetters, pattern[i]) >= 0 {
			return true
		}
	}
	return false
}

// hasRepeated reports whether a pattern has the same letter twice. What PHP's letters stand
// for nobody writes twice without anything between.
func hasRepeated(pattern string) bool {
	for i := 0; i+1 < len(pattern); i++ {
		if pattern[i] == '\\' {
			i++
		} else if pattern[i] == pattern[i+1] && strings.IndexByte("YyMDdHhms", pattern[i]) >= 0 {
			return true
		}
	}
	return false
}

// hasDirective reports whether a pattern has a directive of strftime.
func hasDirective(pattern string) bool {
	for i := range len(pattern) {
		if pattern[i] == '%' {
			if d, _, err := readDirective(pattern[i:]); err == nil && d.letter != '%' {
				return true
			}
		}
	}
	return false
}

// The parts of patterns, in PHP's letters. What PHP has no letter for is empty.
var (
	directiveTokens = map[string]string{
		"%Y": "Y", "%y": "y", "%m": "m", "%-m": "n", "%b": "M", "%h": "M", "%B": "F", "%d": "d", "%-d": "j", "%e": "j", "%-e": "j",
		"%a": "D", "%A": "l", "%H": "H", "%-H": "G", "%k": "G", "%I": "h", "%-I": "g", "%l": "g", "%M": "i", "%S": "s", "%p": "A",
		"%P": "a", "%L": "v", "%3N": "v", "%6N": "u", "%z": "O", "%:z": "P", "%Z": "T", "%s": "U", "%u": "N", "%w": "w", "%V": "W",
		"%G": "o", "%%": "%",
	}
	goTokens = map[string]string{
		"2006": "Y", "06": "y", "01": "m", "1": "n", "Jan": "M", "January": "F", "02": "d", "2": "j", "_2": "j", "Mon": "D",
		"Monday": "l", "15": "H", "03": "h", "3": "g", "04": "i", "05": "s", "PM": "A", "pm": "a", "-07:00": "P", "Z07:00": "p",
		"-0700": "O", "MST": "T", ".000": ".v", ".000000": ".u",
	}
	momentTokens = map[string]string{
		"YYYY": "Y", "yyyy": "Y", "YY": "y", "yy": "y", "MM": "m", "M": "n", "MMM": "M", "MMMM": "F", "DD": "d", "dd": "d",
		"D": "j", "d": "j", "ddd": "D", "EEE": "D", "dddd": "l", "EEEE": "l", "HH": "H", "H": "G", "hh": "h", "h": "g", "mm": "i",
		"ss": "s", "SSS": "v", "SSSSSS": "u", "A": "A", "a": "a", "ZZ": "O", "XXX": "P", "T": `\T`,
	}
)

// toPHP replaces the longest tokens in a pattern. It reports false at any other letter.
func toPHP(pattern string, tokens map[string]string) (php string, ok bool) {
	longest := 0
	for token := range tokens {
		longest = max(longest, len(token))
	}
	var b strings.Builder
	for pattern != "" {
		n := min(longest, len(pattern))
		for n > 0 && tokens[pattern[:n]] == "" {
			n--
		}
		switch c := pattern[0]; {
		case n > 0:
			b.WriteString(tokens[pattern[:n]])
		case 'a' <= c|0x20 && c|0x20 <= 'z' || c == '\\' || c == '\'' || c == '[':
			return "", false
		default:
			b.WriteByte(c)
			n = 1
		}
		pattern = pattern[n:]
	}
	return b.String(), true
}

func strftimeToPHP(pattern string) (php string, ok bool) {
	if checkStrftime(pattern) != nil {
		return "", false
	}
	pattern = expand(pattern)
	var b strings.Builder
	for {
		i := strings.IndexByte(pattern, '%')
		text := pattern
		if i >= 0 {
			text = pattern[:i]
		}
		for _, c := range []byte(text) {
			if letter := c | 0x20; 'a' <= letter && letter <= 'z' || c == '\\' {
				b.WriteByte('\\')
			}
			b.WriteByte(c)
		}
		if i < 0 {
			return b.String(), true
		}
		_, rest, _ := readDirective(pattern[i:])
		letter := directiveTokens[pattern[i:len(pattern)-len(rest)]]
		if letter == "" {
			return "", false
		}
		b.WriteString(letter)
		pattern = rest
	}
}

func phpToStrftime(pattern string) (strftime string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(pattern); i++ {
		c := pattern[i]
		switch {
		case c == '%':
			b.WriteString("%%")
		case c == '\\' && i+1 < len(pattern):
			i++
			b.WriteByte(pattern[i])
		case strings.IndexByte(dateLetters, c) >= 0:
			directive := ""
			for d, letter := range directiveTokens { // the shortest, but none that writes blanks
				if letter == string(c) && !strings.ContainsAny(d, "ehkl") && (directive == "" || len(d) < len(directive)) {
					directive = d
				}
			}
			if directive == "" {
				return "", false
			}
			b.WriteString(directive)
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), true
}
