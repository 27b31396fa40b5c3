package compose

import (
	"slices"

	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/filter"
	"github.com/ringhook/webhook/internal/problem"
	"github.com/ringhook/webhook/internal/rawjson"
	"github.com/ringhook/webhook/internal/template"
)

// checkDates warns about patterns of dates that write something else than was meant.
func (c *checker) checkDates(p *part, ph *placeholder) {
	for i, call := range ph.Filters {
		letters := filter.LettersOf(call.Name)
		if letters == "" || len(call.Args) == 0 || call.Args[0].Value.Kind != rawjson.String {
			continue
		}
		if len(call.Args) > 1 {
			c.checkZone(p, call.Args[1])
		}
		arg := call.Args[0]
		pattern, size := arg.Value.Text, arg.End-arg.At
		if other, own := letters.Foreign(pattern); other != "" {
			c.warn(p, arg.At, size, problem.DateForeign, "this looks like a pattern of %s, but %s has the letters of %s",
				other, call.Name, letters)
			if own != "" {
				c.problems[len(c.problems)-1].Suggestion = quoteLike(p.source[arg.At:arg.End], own)
			}
			continue
		}
		if letters.IsFixed(pattern) {
			c.warn(p, arg.At, size, problem.DateFixed, "%s writes the same for every time: its pattern has no letter of a date", call.Name)
		}
		slips, mended := letters.Slips(pattern)
		for _, slip := range slips {
			c.warn(p, arg.At, size, slip.Code, slip.Message, slip.Wrong, slip.Right)
			c.problems[len(c.problems)-1].Suggestion = quoteLike(p.source[arg.At:arg.End], mended)
		}
		letter := letters.Zoned(pattern)
		if letter != "" && len(call.Args) == 1 && onlyDefaults(ph.Filters[:i]) && c.hasNoZone(ph) {
			c.warn(p, arg.At, size, problem.DateNoZone,
				"the time has no zone: %s says that it is UTC; give its zone, such as 'Asia/Kolkata', as second argument", letter)
		}
	}
}

// checkZone warns about a zone without summer time, and with a sign that many take for its
// opposite.
func (c *checker) checkZone(p *part, arg template.Arg) {
	if offset := filter.FixedZone(arg.Value.Text); offset != "" {
		c.warn(p, arg.At, arg.End-arg.At, problem.DateZoneFixed,
			"%s is UTC%s all year; the name of a place, such as 'Asia/Kolkata', stands for the time there", arg.Value.Text, offset)
	}
}

// hasNoZone reports whether a placeholder's value, as far as it is known, is a time without
// a zone.
func (c *checker) hasNoZone(ph *placeholder) bool {
	if ph.name == nil {
		return filter.HasNoZone(ph.Literal)
	}
	if ph.name.kind != readMember {
		return false
	}
	return slices.ContainsFunc(c.samples, func(g *sampleGroup) bool {
		return slices.ContainsFunc(g.docs, func(doc field.Value) bool {
			return filter.HasNoZone(ph.name.lookUp(doc, shapeOf(g.entry.Type)))
		})
	})
}

func onlyDefaults(calls []template.Call) bool {
	return !slices.ContainsFunc(calls, func(call template.Call) bool { return call.Name != "default" })
}

// quoteLike returns a text in the quotes of another one, as they are written there.
func quoteLike(quoted, text string) string {
	quote := quoted[:1]
	if quote == `\` { // an escape of JSON
		v := template.Read(quoted, 0, true)
		quote = quoted[:v.Offset(1)]
	}
	return quote + text + quote
}
