package compose

import (
	"maps"
	"mime"
	"slices"
	"strings"

	"github.com/ringhook/webhook/internal/problem"
	"github.com/ringhook/webhook/internal/request"
	"github.com/ringhook/webhook/internal/template"
)

func (c *compiler) compileHeaders() {
	if n := len(c.webhook.Headers); n > request.MaxHeaders {
		c.fail(&Error{Field: "headers", Err: problem.Errorf(problem.TooManyHeaders, "%d headers, at most %d: %w",
			n, request.MaxHeaders, request.ErrLimit)})
		return
	}
	c.contentType = contentTypes[c.webhook.Format]
	for _, name := range slices.Sorted(maps.Keys(c.webhook.Headers)) {
		c.compileHeader(name, c.webhook.Headers[name])
	}
}

func (c *compiler) compileHeader(name, source string) {
	key, err := request.CheckHeaderName(name)
	if err != nil {
		c.fail(inTemplate("headers", "", err))
		return
	}
	fieldName := "headers." + name
	if slices.Contains(c.headerKeys, key) {
		c.fail(inTemplate("headers", "", request.DuplicateHeader(key)))
		return
	}
	nodes, ok := c.split(fieldName, source)
	if !ok {
		return
	}
	size := 0
	for _, n := range nodes {
		size += len(n.Text)
		if i := strings.IndexFunc(n.Text, request.IsHeaderControl); i >= 0 {
			c.fail(inTemplate(fieldName, source, template.Errorf(n.Offset+i, problem.HeaderControl, "a control character in a header value")))
			return
		}
	}
	if size > request.MaxHeaderSize {
		c.fail(&Error{Field: fieldName, Err: problem.Errorf(problem.HeaderTooLong, "%d bytes without its placeholders, at most %d: %w",
			size, request.MaxHeaderSize, request.ErrLimit)})
		return
	}
	if key == "Content-Type" {
		if err := c.ownContentType(nodes); err != nil {
			c.fail(inTemplate(fieldName, "", err))
			return
		}
		c.contentType = ""
	}
	c.headerKeys = append(c.headerKeys, key)
	p := c.add(fieldName, source, request.MaxHeaderSize, nodes, func(int) place {
		return place{opHeader, 0, unless(len(nodes) == 1, errOptionalHeader)}
	})
	p.cut = true
	c.headers = append(c.headers, p)
}

// contentTypes has those of bodies whose header the author does not set. That of a
// multipart form has its boundary.
var contentTypes = map[string]string{
	FormatJSON:           "application/json",
	FormatFormURLEncoded: "application/x-www-form-urlencoded; charset=utf-8",
	FormatText:           "text/plain; charset=utf-8",
	FormatXML:            "application/xml; charset=utf-8",
}

// ownContentType checks the author's header, which must name a type of the format. That of
// a text or XML says that it is UTF-8, if it does not already: receivers may take it for
// ASCII else.
func (c *compiler) ownContentType(nodes []template.Node) error {
	var mediaType, sub string
	var params map[string]string
	if len(nodes) == 1 && !nodes[0].Placeholder() {
		if t, p, err := mime.ParseMediaType(nodes[0].Text); err == nil {
			mediaType, params = t, p
			_, sub, _ = strings.Cut(t, "/")
		}
	}
	charset := params["charset"]
	utf8 := charset == "" || strings.EqualFold(charset, "utf-8")
	want, ok := "", false
	switch c.webhook.Format {
	case FormatJSON:
		ok = sub == "json" || strings.HasSuffix(sub, "+json")
		want = "a type of JSON in UTF-8 such as application/json"
	case FormatText:
		c.csv = mediaType == "text/csv"
		ok = c.csv || mediaType == "text/plain"
		want = "text/plain or text/csv in UTF-8"
	case FormatXML:
		ok = mediaType == "application/xml" || mediaType == "text/xml" || strings.HasSuffix(sub, "+xml")
		want = "a type of XML in UTF-8 such as application/xml"
	case FormatNone:
		return errBodyOfNone
	default:
		return problem.Errorf(problem.ContentTypeOfFormats, "the format %.64q sets its own Content-Type", c.webhook.Format)
	}
	if !ok || !utf8 {
		return problem.Errorf(problem.ContentType, "want %s, without placeholders", want)
	}
	if charset == "" && !c.isJSON() {
		nodes[0].Text = strings.TrimRight(nodes[0].Text, " \t;") + "; charset=utf-8"
	}
	return nil
}

var errBodyOfNone = problem.Errorf(problem.BodyOfNone, "the format none has no body")
