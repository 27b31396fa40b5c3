package compose

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/filter"
	"github.com/ringhook/webhook/internal/problem"
	"github.com/ringhook/webhook/internal/rawjson"
	"github.com/ringhook/webhook/internal/request"
	"github.com/ringhook/webhook/internal/template"
)

// A Problem is one thing that the author of a webhook should see.
type Problem struct {
	Field          string
	Offset, Length int
	*problem.Error
	Suggestion string
	Warning    bool // if false, it is an error
}

// Problems returns the faults as problems, in the order in which an author reads a
// webhook, and then warnings of what the author may not have meant.
func (p *Program) Problems(faults []*Error) []Problem {
	c := checker{Program: p}
	for _, f := range faults {
		c.problems = append(c.problems, Problem{f.Field, f.Offset, f.Length, f.Err, f.Suggestion, false})
	}
	errorsEnd := len(c.problems)
	c.checkForm()
	c.checkFormat()
	c.checkQuery()
	c.checkFieldsObject()
	for _, part := range p.parts {
		if url := strings.TrimLeftFunc(part.source, request.IsBlank); part == p.url && isPlainHTTP(url) {
			c.warn(part, len(part.source)-len(url), len("http:"), problem.PlainHTTP, "http sends everything in the clear; use https")
		}
		if part.cut {
			c.checkHeader(part)
		}
		for _, ph := range part.placeholders {
			c.checkTag(part, ph.Node)
			c.checkDates(part, ph)
			if ph.name != nil {
				c.checkName(part, ph)
			}
			ph.names(func(u *placeholder, _ int) { c.checkReserved(part, u) })
		}
	}
	for _, ph := range p.operands {
		c.checkReserved(p.whenPart, ph)
	}
	c.checkCondition(p.when)
	for i, r := range p.webhook.When {
		if r >= utf8.RuneSelf && c.pieces < mostPieces && isPasted(p.webhook.When[:i], r) {
			c.pieces++
			c.warnIn("when", i, utf8.RuneLen(r), invisibleCharacter(r))
		}
	}
	c.checkKinds()
	c.checkDialects("url", p.webhook.URL)
	for _, name := range slices.Sorted(maps.Keys(p.webhook.Headers)) {
		c.checkDialects("headers."+name, p.webhook.Headers[name])
	}
	c.checkDialects("body", p.webhook.Body)
	slices.SortStableFunc(c.problems[:errorsEnd], inOrder)
	slices.SortStableFunc(c.problems[errorsEnd:], inOrder)
	return theFirst(c.problems)
}

// mostProblems is how many problems an author reads.
const mostProblems = 100

// theFirst returns the first problems and, where there are more, one that says so at the
// place where they begin.
func theFirst(problems []Problem) []Problem {
	if len(problems) <= mostProblems {
		return problems
	}
	more := problems[mostProblems]
	// There may be others that nobody has looked for.
	more.Error = problem.Errorf(problem.More, "from here on, problems are not listed: there are at least %d more", len(problems)-mostProblems)
	more.Suggestion = ""
	return append(problems[:mostProblems:mostProblems], more)
}

func isPlainHTTP(url string) bool {
	const scheme = "http://"
	return len(url) >= len(scheme) && strings.EqualFold(url[:len(scheme)], scheme)
}

// inOrder compares the fields of two problems, then their offsets.
func inOrder(a, b Problem) int {
	rank := func(field string) int {
		switch {
		case field == "body":
			return 3
		case strings.HasPrefix(field, "headers."):
			return 2
		case field == "url":
			return 1
		}
		return 0
	}
	return cmp.Or(
		cmp.Compare(rank(a.Field), rank(b.Field)),
		cmp.Compare(a.Field, b.Field),
		cmp.Compare(a.Offset, b.Offset),
	)
}

// A checker collects warnings of what the author may not have meant.
type checker struct {
	*Program
	problems []Problem
	pieces   int      // that look like another language
	meanings int      // work that was put into what texts may mean
	looked   int      // bytes of text that were looked through for such pieces
	known    []*known // of the samples, once one is asked for
}

func (c *checker) warn(p *part, offset, length int, code problem.Code, format string, args ...any) {
	c.warnIn(p.field, offset, length, problem.Errorf(code, format, args...))
}

func (c *checker) warnIn(field string, offset, length int, err *problem.Error) {
	c.problems = append(c.problems, Problem{field, offset, length, err, "", true})
}

// checkHeader warns about a header that does not arrive everywhere.
func (c *checker) checkHeader(p *part) {
	if strings.ContainsAny(p.field[len("headers."):], "_.") {
		c.warn(p, 0, 0, problem.HeaderNameDropped,
			"nginx drops headers with _ or . in their names, unless it is told otherwise; - arrives everywhere")
	}
	fixed := p.source
	if len(p.placeholders) > 0 {
		fixed = fixed[:p.placeholders[0].Offset]
	}
	if strings.EqualFold(p.field, "headers.Authorization") && plainBasic.MatchString(fixed) {
		c.warn(p, 0, len(fixed), problem.BasicNotBase64,
			"behind Basic, user and password stand in base64, as in Basic {{'user:password' | base64_encode}}")
	}
	start := 0
	for i := 0; i <= len(p.placeholders); i++ {
		end, next := len(p.source), len(p.source)
		if i < len(p.placeholders) {
			end, next = p.placeholders[i].Offset, p.placeholders[i].End
		}
		isASCII := func(r rune) bool { return r < utf8.RuneSelf }
		text := p.source[start:end]
		if from := strings.IndexFunc(text, func(r rune) bool { return !isASCII(r) }); from >= 0 {
			length := strings.IndexFunc(text[from:], isASCII)
			if length < 0 {
				length = len(text) - from
			}
			c.warn(p, start+from, length, problem.HeaderNotASCII, "many receivers garble what is not ASCII in a header; "+
				"the filter url_encode makes ASCII of it, which they can decode")
			return // one is enough
		}
		start = next
	}
}

// plainBasic is a user and a password that are not encoded.
var plainBasic = regexp.MustCompile(`(?i)^\s*Basic\s.*:`)

// checkForm warns about forms that receivers cannot read, or not check.
func (c *checker) checkForm() {
	method, format := c.webhook.Method, c.webhook.Format
	if method != http.MethodGet && format == FormatFormData {
		c.warnIn("format", 0, len(format), problem.Errorf(problem.FormDataUnsigned,
			"PHP and most frameworks cannot verify the signature of form-data, whose bytes they do not keep; "+
				"use form-urlencoded or json where requests are signed"))
	}
	isForm := format == FormatFormData || format == FormatFormURLEncoded
	if isForm && method != http.MethodGet && method != http.MethodPost {
		c.warnIn("method", 0, len(method), problem.Errorf(problem.FormMethod,
			"PHP, Django and Java servlets read forms of POST only, not of %s", method))
	}
	if !c.ownKeys || c.body == nil {
		return
	}
	body := c.body.withoutTags()
	body = strings.TrimPrefix(body, string(byteOrderMark))
	start := len(c.body.source) - len(strings.TrimLeft(body, " \t\r\n"))
	for it := rawjson.Walk(rawjson.Trim(body)); it.Next(); {
		if name := it.Key(); !phpName.MatchString(name) {
			c.warn(c.body, start+it.KeyStart, it.KeyEnd-it.KeyStart, problem.FieldNamePHP, phpRenames)
		}
	}
}

// checkFormat warns about a format that is not the one of its body, or whose signature
// says nothing.
func (c *checker) checkFormat() {
	format := c.webhook.Format
	if format == FormatNone && c.webhook.Method != http.MethodGet {
		c.warnIn("format", 0, len(format), problem.Errorf(problem.NoneUnsigned,
			"without a body, the header Signature is always the same and proves nothing; Webhook-Signature covers the id and the time"))
	}
	if format != FormatText || c.csv || c.body == nil || len(c.body.placeholders) == 0 {
		return
	}
	text := c.body.withoutTags()
	start := len(text) - len(strings.TrimLeft(text, " \t\r\n"))
	like := ""
	switch text = text[start:]; {
	case strings.ContainsAny(text[:1], "{[") && (rawjson.Check([]byte(text)) < 0 || jsonStart.MatchString(text)):
		like = FormatJSON
	case xmlStart.MatchString(text):
		like = FormatXML
	default:
		return
	}
	c.warn(c.body, start, 1, problem.TextLike, "this looks like %s, for which the values of a text are not escaped; use the format %[1]s", like)
}

// jsonStart is what JSON begins with, also if it is faulty.
var jsonStart = regexp.MustCompile(`^(\[\s*)*\{\s*"`)

// xmlStart is what XML, or HTML, begins with.
var xmlStart = regexp.MustCompile(`^<[?!A-Za-z_]`)

const phpRenames = "PHP reads another name than this one: of a name it changes blanks, points and a [ that is not closed"

// phpName is a name of a field that PHP keeps as it is.
var phpName = regexp.MustCompile(`^[^ .\[]+(\[[^\[\]]*\])*$`)

// withoutTags returns a template with a JSON value as long as the tag for each tag.
func (p *part) withoutTags() string {
	b := []byte(p.source)
	for _, ph := range p.placeholders {
		for i := ph.Offset; i < ph.End; i++ {
			b[i] = ' '
		}
		if b[ph.Offset] = '0'; ph.Offset > 0 && b[ph.Offset-1] == '@' {
			b[ph.Offset-1] = ' '
		}
	}
	return string(b)
}

// owners tells whose the reserved names are.
var owners = map[string]string{
	"event": "the type of the event", "webhook_id": "the webhook's", "message_id": "the delivery's", "payload": "the whole event",
}

// checkReserved warns about a reserved name where an event has a member of that name.
func (c *checker) checkReserved(p *part, ph *placeholder) {
	owner, ok := owners[ph.Name]
	if !ok {
		return
	}
	for _, g := range c.samples {
		own, hidden := g.hides(ph.name)
		if !hidden {
			continue
		}
		text := fmt.Sprintf("%s is %s; the event's own is %s", ph.Name, owner, cmp.Or(own, "out of reach"))
		c.warnIn(p.field, ph.At, ph.NameEnd-ph.At, problem.New(problem.ReservedName, text, nil, ph.Name, owner, own))
		c.problems[len(c.problems)-1].Suggestion = own
		return
	}
}

// checkCondition warns about comparisons without a name, and about numbers in quotes that
// a name is less or greater than: as a text, 23 is greater than 100.
func (c *checker) checkCondition(when *condition) {
	if when == nil {
		return
	}
	for _, part := range when.parts {
		c.checkCondition(part)
	}
	if len(when.parts) > 0 {
		return
	}
	operands := append([]operand{when.left}, when.right...)
	if !slices.ContainsFunc(operands, func(o operand) bool { return c.operands[o.index].name != nil }) {
		c.warnFixed(c.operands[when.left.index])
		return
	}
	switch when.op {
	case "<", "<=", ">", ">=":
	default:
		return
	}
	isNumber := func(o operand) bool { return c.isNumber(c.operands[o.index].name) }
	for _, o := range operands {
		ph := c.operands[o.index]
		if ph.name != nil || ph.Literal.Kind != rawjson.String || !slices.ContainsFunc(operands, isNumber) {
			continue
		}
		number := strings.TrimSpace(ph.Literal.Text)
		if _, ok := filter.Compare(number, "0"); !ok {
			continue
		}
		c.warn(c.whenPart, ph.At, ph.End-ph.At, problem.NumberQuoted,
			"a text is compared letter by letter, so that 23 is greater than 100: write a number without quotes")
		if template.IsDecimal(number) {
			c.problems[len(c.problems)-1].Suggestion = number
		}
	}
}

// warnFixed warns about a comparison of fixed values, whose left one may be a name in quotes.
func (c *checker) warnFixed(left *placeholder) {
	isText, text := left.Literal.Kind == rawjson.String, "this compares fixed values, so it is the same for every event"
	if isText {
		text += ": a name has no quotes"
	}
	c.warnIn("when", left.At, left.End-left.At, problem.New(problem.FixedComparison, text, nil))
	if isText && len(c.samples) > 0 {
		c.problems[len(c.problems)-1].Suggestion = c.meant(left.Literal.Text)
	}
}

// isNumber reports whether a name is a number in some sample, or a text of one.
func (c *checker) isNumber(n *name) bool {
	return n != nil && slices.ContainsFunc(c.samples, func(g *sampleGroup) bool {
		return slices.ContainsFunc(g.docs, func(doc field.Value) bool {
			v := n.lookUp(doc, shapeOf(g.entry.Type))
			_, ok := filter.Compare(v.String(), "0")
			return ok && (v.Kind == rawjson.Number || v.Kind == rawjson.String)
		})
	})
}

// checkKinds warns about kinds of samples of which no message can be made, if there are
// others. Of those with a type that the condition refuses none is wanted; nor should it
// refuse them all.
func (c *checker) checkKinds() {
	var unsent []Problem
	groups, wanted := 0, 0
	for _, g := range c.samples {
		missing := c.missing(g)
		before := len(unsent)
		for i, eventType := range g.eventTypes {
			if slices.Contains(g.eventTypes[:i], eventType) || c.refuses(eventType) {
				continue
			}
			if wanted++; len(missing) == 0 {
				continue
			}
			first := missing[0]
			err := problem.Errorf(problem.KindUnsent, "%s is no name of %s: such events will not be sent; a default can replace it",
				first.Name, eventType)
			unsent = append(unsent, Problem{first.part.field, first.At, first.NameEnd - first.At, err, "", true})
		}
		if len(unsent) > before {
			groups++
		}
	}
	if groups < len(c.samples) {
		c.problems = append(c.problems, unsent...)
	}
	if wanted == 0 && len(c.samples) > 0 && c.when != nil {
		c.warn(c.whenPart, 0, len(c.whenPart.source), problem.NoneWanted, "this holds for no type of event that is known: none of them will be sent")
	}
}

// checkTag warns about the way a tag is written.
func (c *checker) checkTag(p *part, n template.Node) {
	at := n.Offset - 1
	if at > 0 && p.source[at] == '@' && p.source[at-1] != '@' && strings.HasPrefix(p.source[n.Offset:], "{{") {
		before, _ := utf8.DecodeLastRuneInString(p.source[:at])
		if unicode.IsLetter(before) || unicode.IsDigit(before) {
			c.warn(p, at, 1, problem.AtDropped, "the @ before a tag is a part of it and not sent; write @@ to send one")
		}
	}
	if last := len(n.Filters) - 1; p == c.url && last >= 0 && n.Filters[last].Name == "url_encode" {
		c.warn(p, n.Filters[last].At, len("url_encode"), problem.EncodedTwice,
			"url_encode changes nothing at the end of a tag in a URL, where every value is encoded")
	}
}

// checkName warns about the kind of value that a name stands for. Filters may change it.
func (c *checker) checkName(p *part, ph *placeholder) {
	m := c.member(ph.name)
	if m == nil {
		return
	}
	written := ph.NameEnd - ph.At
	if m.Absent != "" && nextDefault(ph.Filters, 0) < 0 && !ph.optional {
		empty := "empty"
		if ph.op == opJSON {
			empty = "null"
		}
		if p == c.url && p.isSegment(ph) {
			c.warn(p, ph.At, written, problem.AbsentInPath, "%s is absent %s, and then no message is composed, "+
				"since a path must not lose a segment; the filter default can replace it", ph.Name, m.Absent)
		} else {
			c.warn(p, ph.At, written, problem.OftenAbsent, "%s is absent %s, and then %s here; the filter default can replace it",
				ph.Name, m.Absent, empty)
		}
	}
	if len(ph.Filters) > 0 {
		return
	}
	if ph.op == opJSON && m.Kind == "string" && !p.isPlaceholder() {
		c.warn(p, ph.Offset, ph.End-ph.Offset,
			problem.TextUnquoted, "%s is a text: outside quotes, it is sent with quotes of its own", ph.Name)
	}
	if p == c.url && (m.Kind == "object" || m.Kind == "array") {
		c.warn(p, ph.At, written,
			problem.CompositeInURL, "%s is an %s, which is not allowed in a URL: no message will be composed", ph.Name, m.Kind)
	}
	if p == c.url && m.Kind == "number" && strings.Contains(p.source[:ph.Offset], "?") {
		after, _ := utf8.DecodeRuneInString(p.source[ph.End:])
		before, _ := utf8.DecodeLastRuneInString(p.source[:ph.Offset])
		if isText(before) || isText(after) {
			c.warn(p, ph.Offset, ph.End-ph.Offset,
				problem.NumberTouchesURL, "%s is a number directly next to other text", ph.Name)
		}
	}
}

// isSegment reports whether a placeholder is a whole segment of a URL's path.
func (p *part) isSegment(ph *placeholder) bool {
	before, behind := strings.TrimSuffix(p.source[:ph.Offset], "@"), p.source[ph.End:]
	return strings.HasSuffix(before, "/") && !strings.Contains(before, "?") &&
		(behind == "" || strings.ContainsRune("/?;", rune(behind[0])))
}

// isPlaceholder reports whether the template is nothing but one placeholder.
func (p *part) isPlaceholder() bool {
	return len(p.placeholders) == 1 && strings.TrimSpace(p.placeholders[0].before+p.tail) == ""
}

func isText(r rune) bool { return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r)) }
