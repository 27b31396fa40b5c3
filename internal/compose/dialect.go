package compose

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ringhook/webhook/internal/problem"
	"github.com/ringhook/webhook/internal/request"
	"github.com/ringhook/webhook/internal/template"
)

// The names in placeholders of other languages. Where those have an end, authors also
// write blanks for the signs of a name, and capitals.
const (
	dialectWord = `([\pL_][\pL\d_]*(?:\.[\pL\d_]+)*)`
	dialectName = `[ \t]*([\pL_][\pL\d_. \t-]*)`
)

// dialects has what other languages would replace, and authors paste: here it is text, and
// nobody sees it before receivers get it. The first group is the name, the second a filter
// or a default. They stand by the character that they begin with.
var dialects = map[byte][]*regexp.Regexp{
	'{': {regexp.MustCompile(`^\{[$@]?` + dialectName + `([|#][^{}\n]*)?\}`), tagInEscapes, regexp.MustCompile(`^\{#` + dialectName + `#\}`)},
	'$': {regexp.MustCompile(`^\$\{` + dialectName + `([|#:][^{}\n]*)?\}`), regexp.MustCompile(`^\$\(` + dialectName + `\)`), bareVariable},
	'#': {regexp.MustCompile(`^#\{` + dialectName + `\}`), regexp.MustCompile(`^##?` + dialectWord + `##?`)},
	'@': {regexp.MustCompile(`^@\{` + dialectName + `\}`)},
	'%': {regexp.MustCompile(`^%` + dialectWord + `%`), regexp.MustCompile(`^%\(` + dialectName + `\)s`), regexp.MustCompile(`^%\{` + dialectName + `\}`), tagOfBrowser},
	'-': {regexp.MustCompile(`^--A--` + dialectWord + `--B--`)}, // ViciDial
	'<': {
		regexp.MustCompile(`^<<` + dialectName + `(\|[^<>\n]*)?>>`), // the platform's, but without its @
		regexp.MustCompile(`^<%[=-]?[ \t]*@?` + dialectName + `-?%>`),
		regexp.MustCompile(`^<\?(?:=|php\s+echo)\s*\$?` + dialectName + `;?\s*\?>`),
	},
	'[': {regexp.MustCompile(`^\[\[` + dialectName + `\]\]`)},
	'*': {regexp.MustCompile(`^\*\|` + dialectName + `\|\*`)},
	':': {pathVariable},
}

// tagInEscapes is a tag whose braces are escapes of JSON, which makes them text.
var tagInEscapes = regexp.MustCompile(`^\{\{` + dialectName + `(\|[^{}\n]*)?\}\}`)

// tagOfBrowser is a tag as browsers write it in a URL that is copied from them.
var tagOfBrowser = regexp.MustCompile(`(?i)^%7B%7B(?:%20)*` + dialectWord + `(?:%20)*(%7C\S*?)?%7D%7D`)

// These two have no end, and are text in more places than the others.
var (
	bareVariable = regexp.MustCompile(`^\$` + dialectWord)
	pathVariable = regexp.MustCompile(`^:` + dialectWord + `(?:[/?]|$)`) // of a route: /users/:id
)

// statements has what the statements of other languages begin and end with.
var statements = []struct{ open, end string }{{"{%", "%}"}, {"{#", "#}"}, {"<%", "%>"}, {"<?php", "?>"}, {"<?=", "?>"}}

const (
	mostPieces = 200 // of a webhook's texts that are looked at: an author reads no more
	maxPiece   = 512 // bytes of a placeholder
)

// mostText is how much text of a webhook is looked through, in bytes: that of all templates
// which are within their limits is less.
const mostText = 2*request.MaxTemplateSize + request.MaxHeaders*request.MaxHeaderSize

// mostMeanings is how much work is put into what texts may mean, in bytes of them and 16
// for each: sixty thousand of a template, or a few hundred of many parts, take a second.
const mostMeanings = 1 << 19

// checkDialects warns about statements and placeholders of other languages in a template's
// text, the latter if a sample knows the name, and about braces that no tag needs. It does
// not need a part: a body is often not JSON for just that reason.
func (c *checker) checkDialects(field, source string) {
	if len(source) > request.MaxTemplateSize { // an error, which says it
		return
	}
	nodes, _ := template.Split(source, field == "body" && c.isJSON(), request.MaxPlaceholders)
	d := dialectChecker{
		checker: c, field: field, isJSON: field == "body" && c.isJSON(),
		start: len(source) - len(strings.TrimLeftFunc(source, request.IsBlank)), end: len(strings.TrimRightFunc(source, request.IsBlank)),
	}
	for i, n := range nodes {
		if n.Placeholder() {
			continue
		}
		if c.looked += len(n.Text); c.looked > mostText {
			return
		}
		if i > 0 {
			d.checkBraces(source, nodes[i-1], n)
		}
		d.countBraces(n.Text)
		d.checkText(n)
	}
}

type dialectChecker struct {
	*checker
	field      string
	isJSON     bool
	start, end int             // of the source without the blanks around it
	open       int             // braces that text has opened, in a JSON text
	text       template.View   // what is looked through
	endless    map[string]bool // what has no end in the text that is left
	quote      int             // where the next quote of the JSON is in the text
	isKey      bool            // what ends there
}

// checkText looks for pieces of other languages in a text. JSON is read as its receiver
// reads it, whose encoder may have written < as \u003c.
func (d *dialectChecker) checkText(n template.Node) {
	d.text = template.Read(n.Text, n.Offset, d.isJSON)
	d.endless, d.quote = map[string]bool{}, -1
	for i := 0; i < len(d.text.Text) && d.pieces < mostPieces; {
		size := d.invisible(i)
		if size == 0 {
			size = d.placeholder(i)
		}
		if size == 0 {
			size = d.statement(i)
		}
		i += max(size, 1)
	}
}

// warnPiece warns about a piece of the text.
func (d *dialectChecker) warnPiece(i, size int, err *problem.Error) {
	d.pieces++
	from := d.text.Offset(i)
	d.warnIn(d.field, from, d.text.Offset(i+size)-from, err)
}

// invisible warns about an invisible character at an offset of the text, if it is in a URL
// or in the key of a JSON object, and returns its size.
func (d *dialectChecker) invisible(i int) int {
	r, size := utf8.DecodeRuneInString(d.text.Text[i:])
	if r < utf8.RuneSelf || !isPasted(d.text.Text[:i], r) {
		return 0
	}
	offset := d.text.Offset(i)
	isInURL := d.field == "url" && d.start <= offset && offset < d.end
	if !isInURL && !d.isInKey(i) {
		return 0
	}
	d.warnPiece(i, size, invisibleCharacter(r))
	return size
}

func invisibleCharacter(r rune) *problem.Error {
	return problem.Errorf(problem.InvisibleCharacter, "an invisible character stands here, %s, which was perhaps pasted: it counts as any other",
		fmt.Sprintf("%U", r))
}

// isInvisible reports whether r is a character that nobody sees. Some signs of Arabic and
// others, which are written around numbers, are of the same category and are seen.
func isInvisible(r rune) bool {
	return unicode.Is(unicode.Cf, r) && !unicode.Is(unicode.Prepended_Concatenation_Mark, r)
}

// isPasted reports whether r is one of the blanks and invisible characters that are pasted
// with a text. In that of other alphabets some have a meaning.
func isPasted(before string, r rune) bool {
	last, _ := utf8.DecodeLastRuneInString(before)
	switch {
	case r == '\u200c', r == '\u200d': // non-joiner and joiner
		return last < utf8.RuneSelf
	case isTag(r): // of a flag such as Scotland's
		return last != blackFlag && !isTag(last)
	}
	return isInvisible(r) || r >= utf8.RuneSelf && unicode.IsSpace(r)
}

// blackFlag is the emoji that tags follow, which say whose flag it is.
const blackFlag = '\U0001f3f4'

// isTag reports whether r is a letter of the kind that only the emoji of flags have.
func isTag(r rune) bool { return r >= 0xe0020 && r <= 0xe007f }

// statement warns about a statement at an offset of the text, and returns its size.
func (d *dialectChecker) statement(i int) int {
	text := d.text.Text[i:]
	for _, s := range statements {
		if !strings.HasPrefix(text, s.open) || d.endless[s.end] {
			continue
		}
		size := strings.Index(text, s.end) + len(s.end)
		if size < len(s.end) {
			d.endless[s.end] = true
			continue
		}
		d.warnPiece(i, size, problem.Errorf(problem.Statement, "there are no conditions or loops, so this is sent as it is; "+
			"the webhook's own condition chooses events, and the filter translate values"))
		return size
	}
	return 0
}

// placeholder warns about a placeholder at an offset of the text, and returns its size.
func (d *dialectChecker) placeholder(i int) int {
	if len(d.samples) == 0 {
		return 0
	}
	text := d.text.Text[i:]
	for _, dialect := range dialects[text[0]] {
		at := dialect.FindStringSubmatchIndex(text[:min(maxPiece, len(text))])
		if at == nil {
			continue
		}
		written := text[at[2]:at[3]]
		name := d.meant(strings.TrimSpace(written))
		size := at[1]
		switch before, _ := utf8.DecodeLastRuneInString(d.text.Text[:i]); dialect {
		case bareVariable:
			for name == "" && strings.Contains(written, ".") { // the end of a sentence
				written = written[:strings.LastIndexByte(written, '.')]
				name = d.meant(written)
			}
			if size = len("$") + len(written); isText(before) || before == '$' || before == '\\' || d.isInKey(i) {
				continue
			}
		case pathVariable:
			if size = at[3]; d.field != "url" || before != '/' {
				continue
			}
		}
		if name == "" {
			continue
		}
		right := "{{" + name + "}}"
		d.warnPiece(i, size, problem.Errorf(problem.OtherDialect, "this is plain text; the placeholder is written %s", right))
		hasFilter := len(at) > 4 && at[4] >= 0 // which would be lost
		if !hasFilter && !d.isInKey(i) {
			d.problems[len(d.problems)-1].Suggestion = right
		}
		return size
	}
	return 0
}

// isInKey reports whether the byte i of the text is in the key of a JSON object. It looks
// for the end of each JSON text once.
func (d *dialectChecker) isInKey(i int) bool {
	if !d.isJSON {
		return false
	}
	text := d.text.Text
	if d.quote < i {
		for d.quote = i; d.quote < len(text) && (text[d.quote] != '"' || d.text.Escaped(d.quote)); {
			d.quote++
		}
		d.isKey = d.quote < len(text) && strings.HasPrefix(strings.TrimLeft(text[d.quote+1:], " \t\r\n"), ":")
	}
	return d.isKey
}

// checkBraces warns about a } behind a tag that closes nothing.
func (d *dialectChecker) checkBraces(source string, tag, n template.Node) {
	written := source[tag.Offset:tag.End]
	if !strings.HasPrefix(n.Text, "}") || !strings.HasSuffix(written, "}}") || d.isJSON && !tag.InString || d.open > 0 {
		return
	}
	if strings.HasPrefix(written, "{{{") { // an error, which says it
		return
	}
	d.warnIn(d.field, tag.Offset, n.Offset+1-tag.Offset, problem.Errorf(problem.ThirdBrace, "the third } is sent: a tag has two braces"))
	d.problems[len(d.problems)-1].Suggestion = written
}

// countBraces counts the braces that a text opens and does not close.
func (d *dialectChecker) countBraces(text string) {
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '{':
			d.open++
		case c == '}':
			d.open = max(d.open-1, 0)
		case d.isJSON && c == '\\':
			i++
		case d.isJSON && c == '"':
			d.open = 0
		}
	}
}

// meant returns the name that other letters and signs in a text stand for: that text if a
// sample knows it, else a name with the same letters and digits; "" if there is none.
func (c *checker) meant(text string) string {
	if c.meanings += len(text) + 16; c.meanings > mostMeanings {
		return ""
	}
	if template.Path(text) != nil && c.knownToAny(newName(text)) {
		return text
	}
	if c.known == nil {
		for _, g := range c.samples {
			c.known = append(c.known, newKnown(g))
		}
	}
	if strings.IndexFunc(text, unicode.IsLetter) < 0 {
		return ""
	}
	for _, k := range c.known {
		if name := k.spelt(text); name != "" {
			return name
		}
	}
	return ""
}
