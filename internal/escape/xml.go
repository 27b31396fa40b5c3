package escape

import "unicode/utf8"

// xmlPlain has the ASCII characters that mean themselves in the text of XML, and
// xmlPlainAttribute those that do in the value of an attribute, where a parser makes
// blanks of the others. A carriage return would become a line feed in both.
var (
	xmlPlain = newSet(func(c byte) bool {
		return c == '\t' || c == '\n' || ' ' <= c && c < utf8.RuneSelf && xmlReference(rune(c)) == ""
	})
	xmlPlainAttribute = newSet(func(c byte) bool { return c >= ' ' && xmlPlain[c] != 0 })
)

// AppendXML appends s as text of XML 1.0. What that cannot hold becomes U+FFFD.
func AppendXML(dst []byte, s string) []byte { return appendXML(dst, s, &xmlPlain) }

// AppendXMLAttribute appends s as the value of an attribute in quotes of either kind.
func AppendXMLAttribute(dst []byte, s string) []byte { return appendXML(dst, s, &xmlPlainAttribute) }

func appendXML(dst []byte, s string, plain *set) []byte {
	start := 0
	for i := plain.prefix(s); i < len(s); {
		r, n := rune(s[i]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRuneInString(s[i:])
		}
		by := ""
		switch {
		case r < utf8.RuneSelf && plain[s[i]] != 0:
		case r < utf8.RuneSelf:
			if by = xmlReference(r); by == "" {
				by = "\ufffd"
			}
		case r == utf8.RuneError && n == 1, r == 0xfffe, r == 0xffff:
			by = "\ufffd"
		}
		if by != "" {
			dst = append(append(dst, s[start:i]...), by...)
			start = i + n
		}
		i += n
	}
	return append(dst, s[start:]...)
}

// xmlReference returns the reference to a character that is special in XML, or "".
func xmlReference(r rune) string {
	switch r {
	case '&':
		return "&amp;"
	case '<':
		return "&lt;"
	case '>':
		return "&gt;"
	case '"':
		return "&quot;"
	case '\'':
		return "&apos;"
	case '\t':
		return "&#9;"
	case '\n':
		return "&#10;"
	case '\r':
		return "&#13;"
	}
	return ""
}
