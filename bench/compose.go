package main

import (
	"encoding/json"
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
	return pair.Case{Name: name, Run: func() ([]pair.Figure, error) {
		c, err := pair.Compare(o.computeRounds, subject, reference)
		return []pair.Figure{c.Figure(name, what, unit, goal, pair.ComputeSlack)}, err
	}}
}

// allocs is a case that counts what a call allocates.
func allocs(name, what string, goal pair.Goal, f func()) pair.Case {
	return pair.Case{Name: name, Run: func() ([]pair.Figure, error) {
		n := testing.AllocsPerRun(1000, f)
		return []pair.Figure{{Name: name, What: what, Unit: pair.Allocs, Value: pair.Exactly(n), Goal: goal}}, nil
	}}
}

// must is for what cannot fail in a loop, since it did not before it.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

func composeCases(o options) ([]pair.Case, func(), error) {
	var (
		in         = open(webhook.MustCompile(seedWebhook, seedStatus))
		own        = open(webhook.MustCompile(seedWebhook, seedOwn))
		buf        = make([]byte, 0, 4096)
		event      = webhook.Event(&seedStatus)
		ours       = func() { buf, _ = in.appendRequest(buf[:0], event) }
		ourBody    = func() { buf, _ = in.appendBody(buf[:0], event) }
		whole      = func() { _, _ = in.c.Compose(event) }
		ownEvent   = webhook.Event(&seedOwn)
		oursOwn    = func() { buf, _ = own.appendRequest(buf[:0], ownEvent) }
		timed      = seedStatus
		timedEvent = webhook.Event(&timed)
		oursTime   = func() { // with a time that has to be formatted
			timed.ReadAt = payload.TimeInstant(readAt)
			buf, _ = in.appendRequest(buf[:0], timedEvent)
		}
		byHand       = func() { buf = appendByHand(buf[:0], &seedStatus) }
		byHandTime   = func() { buf = appendByHandTime(buf[:0], &seedStatus, readAt) }
		body         = seedBody(seedOwn)
		byMarshal    = func() { _, _ = json.Marshal(&body) }
		none         = pair.Goal{}
		compare      = o.compute
		cases        []pair.Case
		add          = func(c ...pair.Case) { cases = append(cases, c...) }
		wholeMessage = "Compose, a whole message with id and policy : "
	)
	engines, err := newEngines()
	if err != nil {
		return nil, nil, err
	}
	add(
		compare("compose/limit", "URL, header, body : appended by hand", pair.Time, pair.AtMost(1.5), ours, byHand),
		compare("compose/limit-reflect", "the same of an embedder's struct : appended by hand", pair.Time, pair.AtMost(2.2), oursOwn, byHand),
		compare("compose/limit-stdlib", "URL, header, body, of a time.Time : by hand with time.AppendFormat", pair.Time, pair.AtMost(1.15), oursTime, byHandTime),
		compare("compose/whole", wholeMessage+"appended by hand", pair.Time, none, whole, byHand),
	)
	add(o.slopeCases()...)
	for _, e := range engines {
		add(compare("compose/"+e.name, "URL, header, body : "+e.what, pair.Speed, e.goal, ours, e.run))
	}
	add(
		compare("compose/whole-text-template", wholeMessage+"text/template", pair.Speed, none, whole, engines[0].run),
		compare("compose/json", "body : json.Marshal of an equivalent struct", pair.Speed, pair.AtLeast(5), ourBody, byMarshal),
	)
	add(o.valueCases()...)
	add(
		allocs("compose/allocs-body", "body into a caller's buffer", pair.AtMost(0), ourBody),
		allocs("compose/allocs-whole", "Compose, a whole message", pair.AtMost(6), whole),
	)
	return cases, nil, nil
}

// slopeCases grow the number of placeholders up to what a webhook may have.
func (o options) slopeCases() []pair.Case {
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
	var cases []pair.Case
	slices := map[int]pair.Slice{}
	sizes := []int{16, 64, 256, webhook.MaxPlaceholders}
	for _, n := range sizes {
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
		in := open(webhook.MustCompile(webhook.Webhook{ID: "wh", URL: "https://example.com/", Body: body.String()}, seedStatus))
		buf := make([]byte, 0, 128*n)
		ours := func() { buf, _ = in.appendBody(buf[:0], &seedStatus) }
		byHand := func() {
			buf = buf[:0]
			for i, literal := range literals {
				buf = append(buf, literal...)
				buf = rawjson.AppendEscaped(buf, value(&seedStatus, i))
			}
			buf = append(buf, `"}`...)
		}
		name := "compose/slope-" + strconv.Itoa(n)
		cases = append(cases, o.compute(name, strconv.Itoa(n)+" placeholders : a loop by hand", pair.Time, pair.AtMost(1.15), ours, byHand))
		slices[n] = pair.Per(n, pair.Loop(o.computeSlice, ours))
	}
	first, last := sizes[0], sizes[len(sizes)-1]
	return append(cases, o.computeSlices("compose/slope-flat",
		"a placeholder of "+strconv.Itoa(last)+" : one of "+strconv.Itoa(first), pair.Growth, pair.AtMost(1.15), slices[last], slices[first]))
}

// valueCases compose one long value that needs no escapes.
func (o options) valueCases() []pair.Case {
	status := seedStatus
	status.ID = strings.Repeat("A clean value. ", 64<<10/15)
	in := open(webhook.MustCompile(webhook.Webhook{ID: "wh", URL: "https://example.com/", Body: `"@{{payload.id}}"`}, seedStatus))
	buf := make([]byte, 0, 128<<10)
	ours := func() { buf, _ = in.appendBody(buf[:0], &status) }
	return []pair.Case{
		o.compute("compose/value-json", "a clean value of 64 KB : json.Marshal", pair.Speed, pair.AtLeast(4), ours, func() { _, _ = json.Marshal(status.ID) }),
		o.compute("compose/value-memmove", "a clean value of 64 KB : copying it", pair.Time, pair.AtMost(12), ours, func() { buf = append(buf[:0], status.ID...) }),
	}
}
