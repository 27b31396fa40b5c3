package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	html "html/template"
	"io"
	"net/url"
	"strings"
	text "text/template"
	"unicode"

	"github.com/cbroglie/mustache"
	"github.com/osteele/liquid"
	"github.com/valyala/fasttemplate"

	"github.com/ringhook/webhook/bench/internal/pair"
	"github.com/ringhook/webhook/internal/escape"
	"github.com/ringhook/webhook/internal/rawjson"
)

// An engine composes the seed template's URL, header and body in another way.
type engine struct {
	name, what string
	goal       pair.Goal
	run        func() []byte
}

// seedParts is the seed template with its placeholders written by f: for each the field
// of the event's struct, the name of a map's key, and the place.
func seedParts(f func(field, key, place string) string) []string {
	part := func(source, place string) string {
		return strings.NewReplacer(
			"@{{payload.id}}", f("ID", "id", place), "@{{payload.mobile}}", f("To", "mobile", place),
			"@{{payload.status}}", f("Status", "status", place), "@{{payload.read_at}}", f("ReadAt", "read_at", place),
		).Replace(source)
	}
	return []string{part(seedWebhook.URL, "url"), part(seedWebhook.Headers["X-Message"], "header"), part(seedWebhook.Body, "json")}
}

// The escaping functions that one writes with the standard library.
func escapeURL(s string) string { return url.QueryEscape(s) }

func escapeHeader(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
}

func escapeJSON(s string) string {
	b, err := json.Marshal(s)
	must(err)
	return string(b[1 : len(b)-1])
}

// ofAny is for templates that hand over a value as it is.
func ofAny(escape func(string) string) func(any) string {
	return func(v any) string { return escape(fmt.Sprint(v)) }
}

// newEngines returns text/template first.
func newEngines() ([]engine, error) {
	textEngine, err1 := textEngine()
	htmlEngine, err2 := htmlEngine()
	funcEngine, mapEngine, rawEngine, err3 := fastEngines()
	mustacheEngine, err4 := mustacheEngine()
	liquidEngine, err5 := liquidEngine()
	return []engine{textEngine, htmlEngine, funcEngine, mapEngine, rawEngine, mustacheEngine, liquidEngine},
		errors.Join(err1, err2, err3, err4, err5)
}

// buffered is an engine that writes the parts one after the other.
func buffered(name, what string, goal pair.Goal, write func(w *bytes.Buffer)) engine {
	var w bytes.Buffer
	return engine{name, what, goal, func() []byte {
		w.Reset()
		write(&w)
		return w.Bytes()
	}}
}

func textEngine() (engine, error) {
	var parts []*text.Template
	funcs := text.FuncMap{"url": ofAny(escapeURL), "header": ofAny(escapeHeader), "json": ofAny(escapeJSON)}
	for _, source := range seedParts(func(field, _, place string) string { return "{{." + field + " | " + place + "}}" }) {
		t, err := text.New("").Funcs(funcs).Parse(source)
		if err != nil {
			return engine{}, err
		}
		parts = append(parts, t)
	}
	return buffered("text-template", "text/template with escaping functions", pair.AtLeast(25), func(w *bytes.Buffer) {
		for _, t := range parts {
			must(t.Execute(w, &seedStatus))
		}
	}), nil
}

// htmlEngine writes the JSON into a script and the URL into an attribute, which is how
// html/template knows their places.
func htmlEngine() (engine, error) {
	var parts []*html.Template
	around := []string{`<a href="%s">`, "%s", "<script>%s</script>"}
	for i, source := range seedParts(func(field, _, _ string) string { return "{{." + field + "}}" }) {
		t, err := html.New("").Parse(fmt.Sprintf(around[i], source))
		if err != nil {
			return engine{}, err
		}
		parts = append(parts, t)
	}
	// Of types that marshal themselves it would quote the JSON once more: it is given
	// strings.
	event := struct{ ID, To, Status, ReadAt string }{seedOwn.ID, seedOwn.Mobile, seedOwn.Status, seedOwn.ReadAt}
	return buffered("html-template", "html/template, as parts of a page", pair.Goal{}, func(w *bytes.Buffer) {
		for _, t := range parts {
			must(t.Execute(w, &event))
		}
	}), nil
}

// fastEngines use fasttemplate with a function that escapes, with a map of escaped
// values, and with a map of values as they are, which is not safe.
func fastEngines() (byFunc, byMap, raw engine, err error) {
	var parts []*fasttemplate.Template
	for _, source := range seedParts(func(_, key, _ string) string { return "{{" + key + "}}" }) {
		t, err := fasttemplate.NewTemplate(source, "{{", "}}")
		if err != nil {
			return byFunc, byMap, raw, err
		}
		parts = append(parts, t)
	}
	value := func(tag string) string {
		switch tag {
		case "id":
			return seedStatus.ID
		case "mobile":
			return seedStatus.To.String()
		case "status":
			return string(seedStatus.Status)
		case "read_at":
			return seedStatus.ReadAt.String()
		}
		panic("no tag " + tag)
	}
	var scratch []byte
	var funcs []fasttemplate.TagFunc
	for _, appendTo := range []func(dst []byte, s string) []byte{escape.AppendURL, escape.AppendHeader, rawjson.AppendEscaped} {
		funcs = append(funcs, func(w io.Writer, tag string) (int, error) {
			scratch = appendTo(scratch[:0], value(tag))
			return w.Write(scratch)
		})
	}
	byFunc = buffered("fasttemplate", "fasttemplate's ExecuteFunc, a switch, the same escapes", pair.AtLeast(1), func(w *bytes.Buffer) {
		for i, t := range parts {
			_, err := t.ExecuteFunc(w, funcs[i])
			must(err)
		}
	})
	// that each part has
	keys := [][]string{{"id", "status"}, {"id"}, {"id", "mobile", "status", "read_at"}}
	mapOf := func(part int, f func(string) string) map[string]any {
		m := make(map[string]any, len(keys[part]))
		for _, key := range keys[part] {
			m[key] = f(value(key))
		}
		return m
	}
	escapes := []func(string) string{escapeURL, escapeHeader, escapeJSON}
	byMap = buffered("fasttemplate-map", "fasttemplate with maps of escaped values", pair.AtLeast(8), func(w *bytes.Buffer) {
		for i, t := range parts {
			_, err := t.Execute(w, mapOf(i, escapes[i]))
			must(err)
		}
	})
	raw = buffered("fasttemplate-raw", "fasttemplate with a map, nothing escaped", pair.Goal{}, func(w *bytes.Buffer) {
		m := mapOf(2, func(s string) string { return s })
		for _, t := range parts {
			_, err := t.Execute(w, m)
			must(err)
		}
	})
	return byFunc, byMap, raw, nil
}

func mustacheEngine() (engine, error) {
	var parts []*mustache.Template
	escapes := map[string]mustache.EscapeFunc{
		"url": escapeURL, "header": escapeHeader, "json": escapeJSON,
	}
	places := []string{"url", "header", "json"}
	for i, source := range seedParts(func(_, key, _ string) string { return "{{" + key + "}}" }) {
		t, err := mustache.ParseString(source)
		if err != nil {
			return engine{}, err
		}
		t.Escape(escapes[places[i]])
		parts = append(parts, t)
	}
	return buffered("mustache", "cbroglie/mustache with escaping functions", pair.Goal{}, func(w *bytes.Buffer) {
		m := map[string]string{"id": seedStatus.ID, "mobile": seedStatus.To.String(), "status": string(seedStatus.Status), "read_at": seedStatus.ReadAt.String()}
		for _, t := range parts {
			must(t.FRender(w, m))
		}
	}), nil
}

func liquidEngine() (engine, error) {
	var parts []*liquid.Template
	e := liquid.NewEngine()
	e.RegisterFilter("url", ofAny(escapeURL))
	e.RegisterFilter("header", ofAny(escapeHeader))
	e.RegisterFilter("json", ofAny(escapeJSON))
	for _, source := range seedParts(func(_, key, place string) string { return "{{ " + key + " | " + place + " }}" }) {
		t, err := e.ParseString(source)
		if err != nil {
			return engine{}, err
		}
		parts = append(parts, t)
	}
	return buffered("liquid", "osteele/liquid with escaping filters", pair.Goal{}, func(w *bytes.Buffer) {
		bindings := liquid.Bindings{"id": seedStatus.ID, "mobile": seedStatus.To.String(), "status": string(seedStatus.Status), "read_at": seedStatus.ReadAt.String()}
		for _, t := range parts {
			b, err := t.Render(bindings)
			must(err)
			w.Write(b)
		}
	}), nil
}
