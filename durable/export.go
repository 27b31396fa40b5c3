package durable

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable/internal/store"
)

// An ExportOption is what Export may be told.
type ExportOption int

// ExportBodies has what was sent in an export, and what was answered: bodies, events,
// refs, subjects, answers, their headers and locations. Who reads it reads what it says of people.
const ExportBodies ExportOption = 1

// An ExportedDelivery is a line of an export. New versions may add members to its JSON
// form, and change none.
type ExportedDelivery struct {
	Delivery
	// Request is nil for an event that could not be composed, and for what was erased.
	Request *ExportedRequest `json:"request,omitempty"`
	// Unreadable says that there is a message that this process cannot read.
	Unreadable bool `json:"unreadable,omitempty"`
	// History has all attempts, the oldest first.
	History []Attempt `json:"history"`

	// What follows is there with [ExportBodies] only.

	Subject string `json:"subject,omitempty"`
	// Refs are in the forms of [webhook.NormalizeRef].
	Refs []string `json:"refs,omitempty"`
	// EventJSON is the JSON form of the event, as text.
	EventJSON string `json:"event_json,omitempty"`
}

// An ExportedRequest is the request of an exported delivery.
type ExportedRequest struct {
	Method string `json:"method"`
	// URL is without user, query and fragment, and the path is there with [ExportBodies]
	// only: it may be a credential, or have values of the event.
	URL string `json:"url"`
	// Header has *** in place of all values but those of Accept, Content-Type,
	// User-Agent and Webhook-Id.
	Header http.Header `json:"header"`
	// Body is there with [ExportBodies] only, and BodyBase64 in its place for one that
	// is not UTF-8.
	Body       string `json:"body,omitempty"`
	BodyBase64 []byte `json:"body_base64,omitempty"`
}

const (
	exportPage = 500
	// About how many bytes are in memory at once: a page may have much larger bodies
	// than that, and is read in parts then.
	exportBytes = 4 << 20
)

// Export writes the deliveries that match a filter with their attempts, for the
// operator: a line of JSON for each, in the form of [ExportedDelivery], the newest first.
// The filter's Limit and After do not count. It returns how many lines it has written,
// also with an error.
//
// There are no credentials in it: neither the values of headers, nor the query and the
// user of a URL; and none of what was sent and answered, unless [ExportBodies] is given.
// Then the values of headers that are named as credentials, such as Authorization or
// X-Api-Key, are *** also where the body or the event repeats them; paths of URLs are
// there too, which a receiver may take for a credential.
//
// It reads a page at a time, so that it takes little memory and holds up nobody for long,
// whatever their number. So it is no picture of one moment: those that are enqueued
// while it works are not in it, and those that end meanwhile are in it as they were
// before or after.
//
// Write is called once for each line. Export ends with an error that wraps that of w,
// that of ctx, or [ErrFilter].
func (e *Engine[T]) Export(ctx context.Context, f Filter, w io.Writer, options ...ExportOption) (n int64, err error) {
	x := exporter[T]{engine: e, w: w, bodies: slices.Contains(options, ExportBodies)}
	if err := x.export(ctx, f); err != nil {
		return x.n, fmt.Errorf("durable: export: %w", err)
	}
	return x.n, nil
}

type exporter[T any] struct {
	engine *Engine[T]
	w      io.Writer
	bodies bool
	n      int64
}

// An exported is a delivery of which a line is to be written, and what was read of it.
type exported struct {
	ExportedDelivery
	seq, size int64

	data, content []byte
	refs, subject *string
	event         keptEvent
	attempts      []storedAttempt
}

func (x *exporter[T]) export(ctx context.Context, f Filter) error {
	f.After = ""
	search, err := f.search(x.engine.key)
	if err != nil {
		return err
	}
	from := columns + `, length(message)`
	if x.bodies {
		from += `, coalesce((SELECT length(` + eventJSON + `) FROM @event AS e WHERE e.seq = @delivery.seq), 0)`
	} else {
		from += `, 0`
	}
	for {
		text, params := search.pageOf(from, exportPage)
		var page []exported
		stmt := store.Stmt{SQL: x.engine.dialect.SQL(text), Args: params, Scan: func(row store.Row) error {
			var message, event int64
			d, seq, err := scanDelivery(more{row, []any{&message, &event}})
			page = append(page, exported{
				ExportedDelivery: ExportedDelivery{Delivery: d}, seq: seq, size: message + event,
			})
			return err
		}}
		if err := x.engine.readInOrder(ctx, stmt); err != nil {
			return err
		}
		for rest := page; len(rest) > 0; {
			part := rest[:x.fits(rest)]
			if err := x.write(ctx, part); err != nil {
				return err
			}
			rest = rest[len(part):]
		}
		if len(page) < exportPage {
			return nil
		}
		last := page[len(page)-1]
		search.params[0], search.params[1] = micros(last.Created), last.seq
	}
}

// more is a row with columns behind those that are scanned.
type more struct {
	store.Row
	dest []any
}

func (r more) Scan(dest ...any) error { return r.Row.Scan(append(dest, r.dest...)...) }

// fits returns how many of the deliveries may be in memory at once, at least one.
func (x *exporter[T]) fits(page []exported) int {
	size := int64(0)
	for i, d := range page {
		size += 1000 + d.size
		if x.bodies {
			size += int64(1+d.Resent) * int64(1+d.Attempts) * int64(max(x.engine.config.KeepAnswer, 0))
		}
		if size > exportBytes && i > 0 {
			return i
		}
	}
	return len(page)
}

// write reads what else is kept of some deliveries, and writes their lines.
func (x *exporter[T]) write(ctx context.Context, part []exported) error {
	stmts := make([]store.Stmt, 0, 3*len(part))
	for i := range part {
		stmts = append(stmts, x.details(&part[i])...)
	}
	if err := x.engine.store.Read(ctx, stmts...); err != nil {
		return err
	}
	var line bytes.Buffer
	encoder := json.NewEncoder(&line)
	encoder.SetEscapeHTML(false)
	for _, d := range part {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		x.complete(ctx, &d)
		line.Reset()
		if err := encoder.Encode(d.ExportedDelivery); err != nil {
			return err
		}
		if _, err := x.w.Write(line.Bytes()); err != nil {
			return fmt.Errorf("write: %w", err)
		}
		x.n++
	}
	return nil
}

// details returns the statements that read what else is kept of a delivery.
func (x *exporter[T]) details(d *exported) []store.Stmt {
	sql := &x.engine.sql
	attempts := sql.exportAttempts
	if x.bodies {
		attempts = sql.attempts
	}
	stmts := []store.Stmt{{SQL: sql.exportMessage, Args: []any{d.seq}, Scan: func(row store.Row) error {
		return row.Scan(&d.data, &d.content, &d.refs, &d.subject)
	}}, {SQL: attempts, Args: []any{d.seq}, Scan: func(row store.Row) error {
		a, err := scanAttempt(row)
		d.attempts = append(d.attempts, a)
		return err
	}}}
	if !x.bodies {
		return stmts
	}
	return append(stmts, store.Stmt{SQL: sql.exportEvent, Args: []any{d.seq}, Scan: func(row store.Row) error {
		var shared *string
		err := row.Scan(&d.event.json, &shared)
		d.event.shared = textOf(shared)
		return err
	}})
}

// complete sets what is exported of what was read.
func (x *exporter[T]) complete(ctx context.Context, d *exported) {
	e := x.engine
	if strings.Contains(d.Key, "://") {
		d.Key = openURL(d.Key, false)
	}
	d.History = e.openAttempts(ctx, d.ID, d.attempts)
	if x.bodies {
		if isClear(d.subject) {
			d.Subject = *d.subject
		}
		if d.refs != nil && !strings.HasPrefix(*d.refs, keyedMark) {
			d.Refs = strings.Split(*d.refs, "\n")
		}
	}
	var credentials *webhook.Message // with the headers whose values are hidden
	if len(d.data) > 0 {
		m, err := e.decode(ctx, d.ID, d.data, d.content, d.refs)
		if err != nil { // written by a newer version, or there is no key
			d.Unreadable = true
			return
		}
		credentials = credentialsOf(m)
		d.Request = exportRequest(m, x.bodies)
		if x.bodies {
			d.Subject, d.Refs = clean(m.Subject), m.Refs
			d.Request.setBody(hide(ctx, credentials, m.Body))
		}
	}
	if len(d.event.json) > 0 {
		if err := e.openEvent(ctx, d.ID, &d.event); err != nil {
			d.Unreadable = true
			return
		}
		d.EventJSON = clean(string(hide(ctx, credentials, d.event.json)))
	}
}

func exportRequest(m *webhook.Message, bodies bool) *ExportedRequest {
	r := &ExportedRequest{Method: clean(m.Method), URL: openURL(m.URL, bodies), Header: http.Header{}}
	for name, values := range m.Header {
		values = slices.Clone(values)
		for i := range values {
			if webhook.SensitiveHeader(name) {
				values[i] = webhook.Mask
			}
			values[i] = clean(values[i])
		}
		r.Header[clean(name)] = values
	}
	return r
}

func (r *ExportedRequest) setBody(body []byte) {
	if utf8.Valid(body) {
		r.Body = string(body)
	} else {
		r.BodyBase64 = body
	}
}

// openURL returns a URL, or what else names an endpoint, without what may be secret, or
// without its path too.
func openURL(address string, path bool) string {
	u, err := url.Parse(address)
	if err != nil || u.Opaque != "" {
		address, _, _ = strings.Cut(address, "#")
		address, _, _ = strings.Cut(address, "?")
		if at := strings.LastIndexByte(address, '@'); at >= 0 {
			address = webhook.Mask + address[at:]
		}
		return clean(address)
	}
	u.User, u.RawQuery, u.ForceQuery, u.Fragment, u.RawFragment = nil, "", false, "", ""
	if !path {
		u.Path, u.RawPath = "", ""
	}
	return clean(u.String())
}

// credentialNames are how the names of headers end that carry credentials.
var credentialNames = []string{
	"auth", "authorization", "key", "token", "secret", "password", "passwd", "pwd", "signature", "credential",
	"credentials", "cookie", "jwt", "bearer",
}

// credentialsOf returns a message with those of the headers of m that are named as
// credentials.
func credentialsOf(m *webhook.Message) *webhook.Message {
	some := &webhook.Message{Header: http.Header{}}
	for name, values := range m.Header {
		lower := strings.ToLower(name)
		if slices.ContainsFunc(credentialNames, func(end string) bool { return strings.HasSuffix(lower, end) }) {
			some.Header[name] = values
		}
	}
	return some
}

// hide returns text with *** in place of the values of headers of m.
func hide(ctx context.Context, m *webhook.Message, text []byte) []byte {
	if m == nil || len(m.Header) == 0 {
		return text
	}
	return new(webhook.Client).Redact(ctx, m, webhook.Attempt{}, text)
}

func (s *statements) forExport(d store.Dialect) {
	s.exportMessage = d.SQL(`SELECT message, content, ` + refsColumn + `, subject FROM @delivery WHERE seq = $1`)
	s.exportEvent = d.SQL(`SELECT ` + eventJSON + `, e.shared FROM @event AS e WHERE e.seq = $1`)
	// As attempts, without what was answered.
	s.exportAttempts = d.SQL(`SELECT ` + attemptColumns + strings.Repeat(`, ''`, len(answerColumns)) + `
		FROM @attempt WHERE seq = $1 ORDER BY gen, n`)
}
