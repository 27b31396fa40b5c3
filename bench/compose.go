package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/bench/internal/pair"
	"github.com/ringhook/webhook/internal/rawjson"
	"github.com/ringhook/webhook/payload"
)

// compute is a case of two functions that only compute.
func (o options) compute(name, what string, unit pair.Unit, goal pair.Goal, subject, reference func()) pair.Case {
	return o.computeSlices(name, what, unit, goal, pair.Loop(o.computeSlice, subject), pair.Loop(o.computeSlice, reference))
}

func (o options) computeSlices(name, what string, unit pair.Unit, goal pair.Goal, subject, reference pair.Slice) pair.Case {
	return pair.Of(name, func() (pair.Figure, error) {
		c, err := pair.Compare(o.computeRounds, subject, reference)
		return c.Figure(name, what, unit, goal, pair.ComputeSlack), err
	})
}

// allocs is a case that counts what a call allocates.
func allocs(name, what string, goal pair.Goal, f func()) pair.Case {
	return counted(name, what, goal, func() float64 { return testing.AllocsPerRun(1000, f) })
}

func counted(name, what string, goal pair.Goal, count func() float64) pair.Case {
	return pair.Of(name, func() (pair.Figure, error) {
		return pair.Figure{Name: name, What: what, Unit: pair.Allocs, Value: pair.Exactly(count()), Goal: goal}, nil
	})
}

// must is for what cannot fail in a loop, since it did not before it.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// A rendering is two ways to compose the same bytes.
type rendering struct {
	name, what   string
	unit         pair.Unit
	goal         pair.Goal
	ours, theirs func() []byte
}

func (o options) renderings(all ...rendering) []pair.Case {
	var cases []pair.Case
	for _, r := range all {
		cases = append(cases, o.compute(r.name, r.what, r.unit, r.goal, func() { r.ours() }, func() { r.theirs() }))
	}
	return cases
}

// into is a way to append to a buffer of its own that is there already.
func into(size int, appendTo func(dst []byte) []byte) func() []byte {
	buf := make([]byte, 0, size)
	return func() []byte {
		buf = appendTo(buf[:0])
		return buf
	}
}

func composeCases(o options) ([]pair.Case, func(), error) {
	seeds, err := seedRenderings()
	if err != nil {
		return nil, nil, err
	}
	sizes := []int{16, 64, 256, webhook.MaxPlaceholders}
	var slopes []rendering
	for _, n := range sizes {
		slopes = append(slopes, slope(n))
	}
	cases := o.renderings(seeds...)
	cases = append(cases, o.renderings(slopes...)...)
	cases = append(cases, o.flat(sizes[0], slopes[0], sizes[len(sizes)-1], slopes[len(slopes)-1]))
	cases = append(cases, o.renderings(values()...)...)
	cases = append(cases, o.renderings(leavingOut())...)
	cases = append(cases, o.when())
	return append(cases, composeAllocs()...), nil, nil
}

// seedRenderings compose the seed template, all of it or its body.
func seedRenderings() ([]rendering, error) {
	engines, err := newEngines()
	if err != nil {
		return nil, err
	}
	var (
		in, event    = open(seedWebhook, seedStatus), webhook.Event(&seedStatus)
		own, ofOwn   = open(seedWebhook, seedOwn), webhook.Event(&seedOwn)
		timed        = seedStatus
		ofTimed      = webhook.Event(&timed)
		body         = seedBody(seedOwn)
		none         = pair.Goal{}
		ours         = into(4096, func(dst []byte) []byte { return in.appendRequest(dst, event) })
		hand         = into(4096, func(dst []byte) []byte { return appendByHand(dst, &seedStatus) })
		wholeMessage = "Compose, a whole message with id and policy : "
	)
	oursOwn := into(4096, func(dst []byte) []byte { return own.appendRequest(dst, ofOwn) })
	oursTimed := into(4096, func(dst []byte) []byte {
		timed.ReadAt = payload.TimeInstant(readAt) // that has to be formatted
		return in.appendRequest(dst, ofTimed)
	})
	handTimed := into(4096, func(dst []byte) []byte { return appendByHandTime(dst, &seedStatus, readAt) })
	composer := webhook.MustCompile(seedWebhook, seedStatus)
	whole := func() []byte {
		m, err := composer.Compose(event)
		must(err)
		return m.Body
	}
	ourBody := into(4096, func(dst []byte) []byte { return in.appendBody(dst, event) })
	marshal := func() []byte {
		text, err := json.Marshal(&body)
		must(err)
		return text
	}
	all := []rendering{
		{"compose/limit", "URL, header, body : appended by hand", pair.Time, pair.AtMost(1.5), ours, hand},
		{"compose/limit-reflect", "the same of an embedder's struct : appended by hand", pair.Time, pair.AtMost(2.2), oursOwn, hand},
		{"compose/limit-stdlib", "URL, header, body, of a time.Time : by hand with time.AppendFormat", pair.Time, pair.AtMost(1.15), oursTimed, handTimed},
		{"compose/whole", wholeMessage + "appended by hand", pair.Time, none, whole, hand},
	}
	for _, e := range engines {
		all = append(all, rendering{"compose/" + e.name, "URL, header, body : " + e.what, pair.Speed, e.goal, ours, e.run})
	}
	return append(
		all,
		rendering{"compose/whole-text-template", wholeMessage + "text/template", pair.Speed, none, whole, engines[0].run},
		rendering{"compose/json", "body : json.Marshal of an equivalent struct", pair.Speed, pair.AtLeast(5), ourBody, marshal},
	), nil
}

// slope composes a body of n placeholders.
func slope(n int) rendering {
	names := []string{"id", "mobile", "status", "foreign_id"}
	value := func(s *payload.MessageStatus, i int) string {
		switch i % 4 {
		case 0:
			return s.ID
		case 1:
			return s.To.String()
		case 2:
			return string(s.Status)
		}
		return s.ForeignID
	}
	var body strings.Builder
	var literals []string
	for i := range n {
		literal := `", "m` + strconv.Itoa(i) + `": "`
		if i == 0 {
			literal = `{"m0": "`
		}
		literals = append(literals, literal)
		body.WriteString(literal + "@{{payload." + names[i%len(names)] + "}}")
	}
	body.WriteString(`"}`)
	in := open(webhook.Webhook{ID: "wh", URL: "https://example.com/", Body: body.String()}, seedStatus)
	what := strconv.Itoa(n) + " placeholders"
	if n == webhook.MaxPlaceholders {
		what += ", as many as there may be"
	}
	return rendering{
		"compose/slope-" + strconv.Itoa(n), what + " : a loop by hand", pair.Time, pair.AtMost(1.15),
		into(128*n, func(dst []byte) []byte { return in.appendBody(dst, &seedStatus) }),
		into(128*n, func(dst []byte) []byte {
			for i, literal := range literals {
				dst = append(dst, literal...)
				dst = rawjson.AppendEscaped(dst, value(&seedStatus, i))
			}
			return append(dst, `"}`...)
		}),
	}
}

// flat compares what a placeholder costs when there are many with what it costs when
// there are few.
func (o options) flat(few int, ofFew rendering, many int, ofMany rendering) pair.Case {
	per := func(n int, r rendering) pair.Slice {
		return pair.Per(n, pair.Loop(o.computeSlice, func() { r.ours() }))
	}
	return o.computeSlices("compose/slope-flat", fmt.Sprintf("a placeholder of %d : one of %d", many, few),
		pair.Growth, pair.AtMost(1.15), per(many, ofMany), per(few, ofFew))
}

// leavingOut composes the seed's body where all members are optional, and one has no
// value.
func leavingOut() rendering {
	status := seedStatus
	status.ReadAt = payload.Time{}
	event := webhook.Event(&status)
	all := seedWebhook
	all.Body = strings.ReplaceAll(all.Body, "}}", " | optional}}")
	in, plain := open(all, seedStatus), open(seedWebhook, seedStatus)
	return rendering{
		"compose/optional", "body of four optional members, of which one is left out : not optional", pair.Time, pair.AtMost(2),
		into(4096, func(dst []byte) []byte { return in.appendBody(dst, event) }),
		into(4096, func(dst []byte) []byte { return plain.appendBody(dst, event) }),
	}
}

// when decides about an event by two comparisons.
func (o options) when() pair.Case {
	w := seedWebhook
	w.When = "payload.status == 'read' and payload.mobile != '919019120120'"
	in, event := open(w, seedStatus), webhook.Event(&seedStatus)
	want := string(seedStatus.Status)
	ours := pair.Loop(o.computeSlice, func() {
		if !in.wants(event) {
			panic("not wanted")
		}
	})
	hand := pair.Loop(o.computeSlice, func() {
		if string(seedStatus.Status) != want || seedStatus.To.String() == "919019120120" {
			panic("not wanted")
		}
	})
	const name = "compose/when"
	return pair.Of(name, func() (pair.Figure, error) {
		c, err := pair.Compare(o.computeRounds, ours, hand)
		return pair.Figure{
			Name: name, What: "a condition of two comparisons", Unit: pair.Nanos,
			Value: c.Time.Subject.Linear(1e9, 0), Goal: pair.AtMost(150),
			Self: c.Time.Self, Slack: pair.ComputeSlack, Ours: c.Time.Subject.Median,
			Note: "by hand " + pair.Seconds(c.Time.Reference.Median),
		}, err
	})
}

// values compose one long value: clean, and with an escape for three bytes of nine.
func values() []rendering {
	in := open(webhook.Webhook{ID: "wh", URL: "https://example.com/", Body: `"@{{payload.id}}"`}, seedStatus)
	of := func(text string) (ours, marshal, copied func() []byte) {
		status := seedStatus
		status.ID = strings.Repeat(text, longValue/len(text))
		ours = into(4*longValue, func(dst []byte) []byte { return in.appendBody(dst, &status) })
		copied = into(4*longValue, func(dst []byte) []byte { return append(dst, status.ID...) })
		return ours, func() []byte {
			text, err := json.Marshal(status.ID)
			must(err)
			return text
		}, copied
	}
	clean, marshalClean, copied := of("A clean value. ")
	escaped, marshalEscaped, _ := of("\"Quoted\"\n")
	return []rendering{
		{"compose/value-json", "a clean value of 64 KB : json.Marshal", pair.Speed, pair.AtLeast(4), clean, marshalClean},
		{"compose/value-memmove", "a clean value of 64 KB : copying it", pair.Time, pair.AtMost(12), clean, copied},
		{"compose/value-escapes", "a value of 64 KB, 3 bytes of 9 escaped : json.Marshal", pair.Speed, pair.Goal{}, escaped, marshalEscaped},
	}
}

const longValue = 64 << 10 // bytes

// composeAllocs count into a buffer that is there, what a body of one's own adds to a
// message, and the whole message.
func composeAllocs() []pair.Case {
	in, composer := open(seedWebhook, seedStatus), webhook.MustCompile(seedWebhook, seedStatus)
	event := webhook.Event(&seedStatus)
	bodyless := seedWebhook
	bodyless.Method, bodyless.Body = http.MethodGet, ""
	without := webhook.MustCompile(bodyless, seedStatus)
	compose := func(c *webhook.Composer) func() {
		return func() {
			_, err := c.Compose(event)
			must(err)
		}
	}
	appendBody := into(4096, func(dst []byte) []byte { return in.appendBody(dst, event) })
	return []pair.Case{
		allocs("compose/allocs-body", "body into a caller's buffer", pair.AtMost(0), func() { appendBody() }),
		counted("compose/allocs-owned", "body of a message: what Compose allocates more than without one", pair.AtMost(1), func() float64 {
			return testing.AllocsPerRun(1000, compose(composer)) - testing.AllocsPerRun(1000, compose(without))
		}),
		allocs("compose/allocs-whole", "Compose, a whole message", pair.AtMost(6), compose(composer)),
	}
}
