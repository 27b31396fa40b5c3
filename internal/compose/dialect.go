package compose

import (
	"regexp"
	"strings"

	"github.com/ringhook/webhook/internal/problem"
	"github.com/ringhook/webhook/internal/request"
	"github.com/ringhook/webhook/internal/template"
)

const dialectName = `([\pL_][\pL\d_]*(?:\.[\pL\d_]+)*)`

// dialects has what other languages would replace, and authors paste: here it is text, and
// nobody sees it before receivers get it. These are statements of Liquid and Jinja, then
// placeholders, with the name as the group: of the platform's older language, with its
// filters and defaults, of shells and JavaScript; of batch files; of ViciDial; of the platform,
// but without its @; of CRMs.
var dialects = []*regexp.Regexp{
	regexp.MustCompile(`(?s)\{%.*?%\}|\{#.*?#\}`),
	regexp.MustCompile(`\$?\{[ \t]*` + dialectName + `[ \t]*(?:[|#][^{}\n]*)?\}`),
	regexp.MustCompile(`%` + dialectName + `%`),
	regexp.MustCompile(`--A--` + dialectName + `--B--`),
	regexp.MustCompile(`<<[ \t]*` + dialectName + `[ \t]*(?:\|[^<>\n]*)?>>`),
	regexp.MustCompile(`\[\[[ \t]*` + dialectName + `[ \t]*\]\]`),
}

// mostPieces is how many pieces of a webhook's texts are looked at: an author reads no more.
const mostPieces = 200

// mostText is how much text of a webhook is looked through, in bytes: that of all templates
// which are within their limits is less.
const mostText = 2*request.MaxTemplateSize + request.MaxHeaders*request.MaxHeaderSize

// checkDialects warns about statements and placeholders of other languages in a template's
// text, the latter if a sample knows the name. It does not need a part: a body is often not
// JSON for just that reason.
func (c *checker) checkDialects(field, source string) {
	if len(source) > request.MaxTemplateSize {
		return
	}
	nodes, _ := template.Split(source, field == "body" && c.isJSON(), request.MaxPlaceholders)
	for _, n := range nodes {
		if c.looked += len(n.Text); c.looked > mostText {
			return
		}
		for _, d := range dialects {
			for _, at := range d.FindAllStringSubmatchIndex(n.Text, mostPieces-c.pieces) {
				c.pieces++
				c.checkDialect(field, n, at)
			}
		}
	}
}

// checkDialect warns about the piece of a text at some offsets, as package regexp has them.
func (c *checker) checkDialect(field string, n template.Node, at []int) {
	from, length := n.Offset+at[0], at[1]-at[0]
	if len(at) == 2 {
		c.warnIn(field, from, length, problem.Errorf(problem.Statement, "there are no conditions or loops, so this is sent as it is; "+
			"the webhook's own condition chooses events, and the filter translate values"))
		return
	}
	name := n.Text[at[2]:at[3]]
	if len(c.samples) == 0 || template.Path(name) == nil || !c.knownToAny(newName(name)) {
		return
	}
	right := "{{" + name + "}}"
	c.warnIn(field, from, length, problem.Errorf(problem.OtherDialect, "this is plain text; the placeholder is written %s", right))
	if !strings.ContainsAny(n.Text[at[3]:at[1]], "|#") { // a filter or a default would be lost
		c.problems[len(c.problems)-1].Suggestion = right
	}
}
