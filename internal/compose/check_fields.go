package compose

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/problem"
	"github.com/ringhook/webhook/internal/rawjson"
	"github.com/ringhook/webhook/internal/request"
)

// checkQuery warns about names in the URL's query that PHP changes, and about those that
// the fields of the body have, too: of two values receivers take the one or the other.
func (c *checker) checkQuery() {
	if c.url == nil {
		return
	}
	text := c.url.withoutTags()
	at := strings.IndexByte(text, '?') + 1
	if at == 0 {
		return
	}
	fields := c.fieldNames()
	for parameter := range strings.SplitSeq(strings.TrimRightFunc(text[at:], request.IsBlank), "&") {
		written, _, _ := strings.Cut(parameter, "=")
		name, err := url.QueryUnescape(written)
		if err != nil {
			name = written
		}
		if strings.HasPrefix(written, "amp;") && text[at-1] == '&' {
			c.warn(c.url, at-1, len("&amp;"), problem.URLHTML, "in a URL, & is written as it is: this begins a parameter whose name begins with amp;")
			c.problems[len(c.problems)-1].Suggestion = "&"
		}
		switch {
		case name == "":
		case !phpName.MatchString(name):
			c.warn(c.url, at, len(written), problem.FieldNamePHP, phpRenames)
		case fields[baseName(name)]:
			c.warn(c.url, at, len(written), problem.QueryNameTwice, "the body has a field %s, too: both are sent, and receivers take one of them", baseName(name))
		}
		at += len(parameter) + 1
	}
}

// baseName returns the name of a field without the brackets of lists and objects.
func baseName(name string) string {
	base, _, _ := strings.Cut(name, "[")
	return base
}

// fieldNames returns the names of the body's fields: those of the template or, if that is
// one placeholder or none, of what the samples have there.
func (c *checker) fieldNames() map[string]bool {
	names := map[string]bool{}
	add := func(object string) {
		for it := rawjson.Walk(object); it.Next(); {
			names[baseName(it.Key())] = true
		}
	}
	switch {
	case !c.hasFields():
	case c.ownKeys && c.body != nil:
		add(rawjson.Trim(strings.TrimPrefix(c.body.withoutTags(), string(byteOrderMark))))
	case c.body == nil && c.webhook.Method != http.MethodGet:
		c.eachDoc(func(doc field.Value, _ shape) { addObject(doc, add) })
	case c.body != nil && c.body.isPlaceholder() && len(c.body.placeholders[0].Filters) == 0 && c.body.placeholders[0].name != nil:
		c.eachDoc(func(doc field.Value, s shape) { addObject(c.body.placeholders[0].name.lookUp(doc, s), add) })
	}
	return names
}

func addObject(v field.Value, add func(object string)) {
	if v.Kind == rawjson.Object {
		add(v.Text)
	}
}

// eachDoc calls visit for each sample.
func (c *checker) eachDoc(visit func(doc field.Value, s shape)) {
	for _, g := range c.samples {
		for _, doc := range g.docs {
			visit(doc, shapeOf(g.entry.Type))
		}
	}
}

// checkFieldsObject warns about a form, or the query of a GET, whose fields are those of
// one value, if in a sample that is no object.
func (c *checker) checkFieldsObject() {
	if !c.hasFields() {
		return
	}
	if c.body == nil {
		if c.webhook.Method != http.MethodGet {
			c.eachDoc(func(doc field.Value, _ shape) { c.checkObject("format", 0, len(c.webhook.Format), "the event", doc) })
		}
		return
	}
	if c.ownKeys || !c.body.isPlaceholder() {
		return
	}
	ph := c.body.placeholders[0]
	at, size := ph.Offset, ph.End-ph.Offset
	switch last := len(ph.Filters) - 1; {
	case last >= 0 && !mayBeObject[ph.Filters[last].Name]:
		c.warnNoObject("body", at, size, ph.Filters[last].Name, "no object")
	case last >= 0:
	case ph.name == nil:
		c.checkObject("body", at, size, "this", ph.Literal)
	default:
		c.eachDoc(func(doc field.Value, s shape) { c.checkObject("body", at, size, ph.Name, ph.name.lookUp(doc, s)) })
	}
}

// mayBeObject has the filters whose result may be an object.
var mayBeObject = map[string]bool{"default": true, "first": true, "last": true, "optional": true, "translate": true}

func (c *checker) checkObject(at string, offset, length int, what string, v field.Value) {
	if v.Kind != rawjson.Object && !v.Empty() {
		c.warnNoObject(at, offset, length, what, kindNames[v.Kind])
	}
}

var kindNames = map[rawjson.Kind]string{
	rawjson.Bool: "true or false", rawjson.Number: "a number", rawjson.String: "a text", rawjson.List: "a list",
}

// warnNoObject warns once.
func (c *checker) warnNoObject(at string, offset, length int, what, kind string) {
	if n := len(c.problems); n > 0 && c.problems[n-1].Code == problem.FieldsNoObject {
		return
	}
	c.warnIn(at, offset, length, problem.Errorf(problem.FieldsNoObject,
		"%s is %s, but the fields of a form are an object's: no message will be composed", what, kind))
}
