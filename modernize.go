package webhook

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/ringhook/webhook/internal/problem"
	"github.com/ringhook/webhook/internal/template"
)

// ModernizeTemplate rewrites the placeholders of the platform's older language into
// those of this package: {to} becomes {{to}}, {from|cut:-10} becomes {{from | slice:
// -10}}, {start_at|date_format:d/m/Y} becomes {{start_at | date_format: 'd/m/Y'}}, and
// {caller.mobile#9190199xxxx} becomes {{caller.mobile | default: '9190199xxxx'}}. All
// other text stays as it is, with what is written in today's language, so that doing it
// twice changes nothing more. Only an @ in front of an old placeholder is doubled,
// since one in front of a new one would be a part of it.
//
// An old placeholder is a name in single braces, of letters, digits, _ and dots, that
// begins with a letter; filters and a default may follow it. Of texts, whole numbers,
// true and false stay what they are, and others are put in quotes. {name||email}, one name
// or else another, becomes {{name | default: email}}. What has no other spelling is an
// error, a [*TemplateError] with the Field "template". Whether names and filters exist is
// for [Compile] to say.
func ModernizeTemplate(old string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(old); {
		tag, n, err := modernize(old[i:])
		switch {
		case err != nil:
			// What is around the tag is hidden in Detail: it may be a header's or a
			// URL's.
			source := []byte(old)
			hide(source, 0, i)
			hide(source, i+n, len(source))
			err.Offset += i
			made := newTemplateError("template", err.Err)
			made.Offset, made.Placeholder, made.source = err.Offset, err.Name, string(source)
			return "", made
		case tag == "":
			tag = old[i : i+n]
		case i > 0 && old[i-1] == '@':
			tag = "@" + tag
		}
		b.WriteString(tag)
		i += n
	}
	return b.String(), nil
}

// oldName is what an old placeholder begins with.
var oldName = regexp.MustCompile(`^\{[ \t]*([A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*)[ \t]*[|#}]`)

// oldAlternative is a name that replaces one without a value.
var oldAlternative = regexp.MustCompile(`^\|\|[ \t]*([A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*)[ \t]*`)

// modernize looks at what s begins with. If it is an old placeholder of n bytes, it
// returns the new one; else the next n bytes are to stay.
func modernize(s string) (tag string, n int, err *template.Error) {
	switch {
	case strings.HasPrefix(s, "{{"):
		return "", through(s, "}}"), nil
	case strings.HasPrefix(s, "@<<"):
		return "", through(s, ">>"), nil
	case s[0] != '{':
		if n = strings.IndexAny(s[1:], "{@"); n < 0 {
			n = len(s) - 1
		}
		return "", n + 1, nil
	}
	end := strings.IndexAny(s[1:], "{}\n") + 1
	if end == 0 || s[end] != '}' {
		return "", 1, nil
	}
	match := oldName.FindStringSubmatch(s[:end+1])
	if match == nil {
		return "", 1, nil
	}
	o := oldTag{src: s[:end], i: len(match[0]) - 1, name: match[1]}
	o.out.WriteString("{{" + o.name)
	for o.i < end && err == nil {
		err = o.part()
	}
	o.out.WriteString("}}")
	if err != nil {
		err.Name = o.name
	}
	return o.out.String(), end + 1, err
}

// through returns how much of s there is up to the end of its first tag. A tag without
// an end reaches to the end of s: it is for Compile to refuse.
func through(s, closing string) int {
	if i := strings.Index(s, closing); i >= 0 {
		return i + len(closing)
	}
	return len(s)
}

// An oldTag is an old placeholder that is being rewritten.
type oldTag struct {
	src  string // without its closing brace
	i    int    // what is before has been read
	name string
	out  strings.Builder
	// pattern is true in the pattern of a date, where a backslash keeps a letter.
	pattern bool
}

// part rewrites a filter or the default.
func (o *oldTag) part() *template.Error {
	at, rest := o.i, o.src[o.i:]
	switch {
	case strings.HasPrefix(rest, "||"):
		match := oldAlternative.FindStringSubmatch(rest)
		if match == nil {
			return template.Errorf(at+len("||"), problem.NameExpected, "expected a name %s", "behind ||")
		}
		o.i += len(match[0])
		o.out.WriteString(" | default: " + match[1])
		return nil
	case rest[0] == '|':
		return o.filter()
	case rest[0] != '#':
		return template.Errorf(at, problem.OldExpected, "expected |, # or }, found %q", rest[:1])
	}
	text := rest[1:]
	if i := strings.IndexByte(text, '|'); i >= 0 {
		return template.Errorf(at+1+i, problem.OldPipe, "a | in a default: write {{%.64s | default: 'text'}}, "+
			"with further filters before or after the default", o.name)
	}
	o.i, o.pattern = len(o.src), false
	o.out.WriteString(" | default: ")
	return o.literal(text, at+1, text != "nil")
}

func (o *oldTag) filter() *template.Error {
	o.i++
	o.blanks()
	name := o.src[o.i:]
	if end := strings.IndexAny(name, " \t:|#"); end >= 0 {
		name = name[:end]
	}
	if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz_") != "" || name == "" {
		return template.Errorf(o.i, problem.FilterExpected, "expected the name of a filter after |")
	}
	o.i += len(name)
	stops := ",|#"
	switch name {
	case "cut":
		name = "slice"
	case "date_format":
		stops = "|#" // a date may have commas
	}
	o.pattern = name == "date_format"
	o.out.WriteString(" | " + name)
	o.blanks()
	for separator := ":"; strings.HasPrefix(o.src[o.i:], separator); separator = "," {
		o.i++
		o.out.WriteString(separator + " ")
		if err := o.argument(stops); err != nil {
			return err
		}
	}
	return nil
}

// argument rewrites an argument, and stops before one of the characters of stops. One
// in quotes stays.
func (o *oldTag) argument(stops string) *template.Error {
	o.blanks()
	at, rest := o.i, o.src[o.i:]
	if rest != "" && (rest[0] == '\'' || rest[0] == '"') {
		n := strings.IndexByte(rest[1:], rest[0])
		if n < 0 {
			return template.Errorf(at, problem.QuoteUnclosed, "a text in quotes is not closed by %s", rest[:1])
		}
		o.i += n + 2
		o.blanks()
		return o.literal(rest[1:n+1], at+1, false)
	}
	if end := strings.IndexAny(rest, stops); end >= 0 {
		rest = rest[:end]
	}
	o.i += len(rest)
	return o.literal(strings.TrimRight(rest, " \t"), at, true)
}

// literal writes a text as a literal. If it was bare, it may be another one: in JSON it
// makes a difference.
func (o *oldTag) literal(text string, at int, bare bool) *template.Error {
	switch n, err := strconv.ParseInt(text, 10, 64); {
	case bare && err == nil && strconv.FormatInt(n, 10) == text && len(text) <= 18,
		bare && (text == "true" || text == "false" || text == "nil"):
		o.out.WriteString(text)
		return nil
	case strings.Contains(text, `\`) && !o.pattern: // which JSON has read, or not
		return template.Errorf(at+strings.IndexByte(text, '\\'), problem.OldBackslash, "a backslash: write this placeholder by hand")
	}
	o.out.WriteString(template.Quote(text))
	return nil
}

func (o *oldTag) blanks() {
	o.i = len(o.src) - len(strings.TrimLeft(o.src[o.i:], " \t"))
}
