package panel

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/queue"
)

// A failure is why something cannot be done, as who asked is told: each code has a title
// and a text in the catalogue, as "error.CODE.title" and "error.CODE.text". Codes never
// change: programs decide by them.
type failure struct {
	status int
	code   string
}

func (f failure) Error() string { return "panel: " + f.code }

var (
	errNobody     = failure{http.StatusForbidden, "forbidden"}
	errForged     = failure{http.StatusForbidden, "cross_origin"}
	errNotAllowed = failure{http.StatusForbidden, "not_allowed"}
	errNoPage     = failure{http.StatusNotFound, "no_page"}
	errForm       = failure{http.StatusBadRequest, "form"}
	errTooLarge   = failure{http.StatusRequestEntityTooLarge, "too_large"}
	errBusy       = failure{http.StatusServiceUnavailable, "busy"}
	errTests      = failure{http.StatusTooManyRequests, "tests"}
	errUnverified = failure{http.StatusConflict, "unverified"}
	errInternal   = failure{http.StatusInternalServerError, "internal"}
	errAway       = failure{http.StatusServiceUnavailable, "away"}
)

// failures are what the errors of the views mean, the first that matches. Every other
// error is of the database.
var failures = []struct {
	err error
	failure
}{
	{webhook.ErrNotFound, failure{http.StatusNotFound, "not_found"}},
	{durable.ErrFilter, failure{http.StatusBadRequest, "filter"}},
	{durable.ErrTenant, failure{http.StatusBadRequest, "tenant"}},
	{durable.ErrID, failure{http.StatusBadRequest, "id"}},
	{durable.ErrSecret, failure{http.StatusBadRequest, "secret"}},
	{durable.ErrExists, failure{http.StatusConflict, "exists"}},
	{durable.ErrConflict, failure{http.StatusConflict, "conflict"}},
	{durable.ErrPending, failure{http.StatusConflict, "pending"}},
	{durable.ErrEnded, failure{http.StatusConflict, "ended"}},
	{durable.ErrNoMessage, failure{http.StatusConflict, "no_message"}},
	{durable.ErrNoEvent, failure{http.StatusConflict, "no_event"}},
	{webhook.ErrUnwanted, failure{http.StatusConflict, "unwanted"}},
	{queue.ErrTaken, failure{http.StatusConflict, "taken"}},
	{queue.ErrDisabled, failure{http.StatusConflict, "disabled"}},
	{durable.ErrUnverified, errUnverified},
	{durable.ErrSubscription, failure{http.StatusUnprocessableEntity, "subscription"}},
	{durable.ErrTimeout, failure{http.StatusUnprocessableEntity, "timeout"}},
	{durable.ErrNotComposed, failure{http.StatusUnprocessableEntity, "not_composed"}},
	{durable.ErrSealed, failure{http.StatusInternalServerError, "sealed"}},
	{queue.ErrTooLarge, errTooLarge},
	{queue.ErrStopped, failure{http.StatusServiceUnavailable, "stopped"}},
}

// failureOf returns what an error means to who asked.
func failureOf(err error) failure {
	var own failure
	var large *http.MaxBytesError
	var template *webhook.TemplateError
	switch {
	case errors.As(err, &own):
		return own
	case errors.As(err, &large):
		return errTooLarge
	}
	for _, known := range failures {
		if errors.Is(err, known.err) {
			return known.failure
		}
	}
	if errors.As(err, &template) {
		return failure{http.StatusUnprocessableEntity, "template"}
	}
	return errAway
}

// fail answers with an error.
func (c *call) fail(err error) {
	f := failureOf(err)
	switch {
	case c.r.Context().Err() != nil: // nobody is there any more
		return
	case f == errAway:
		c.config.Logger.ErrorContext(c.r.Context(), "panel: not answered",
			slog.String("route", c.route.pattern), slog.Any("error", err))
	}
	if c.route.kind == kindAPI {
		c.problem(f, err)
		return
	}
	v := c.view("error."+f.code+".title", "error."+f.code+".text")
	v.Bare = f == errNobody
	if f == errUnverified { // what was wrong with the answer, for who can mend the server
		_, v.Detail, _ = strings.Cut(err.Error(), durable.ErrUnverified.Error()+": ")
	}
	if err := c.renderView(f.status, "error", v); err != nil {
		http.Error(c.w, http.StatusText(f.status), f.status)
	}
}

// A problem is an error as RFC 9457 has it.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Code   string `json:"code"`
	Detail string `json:"detail,omitempty"`
}

func (c *call) problem(f failure, err error) {
	p := problem{"about:blank", c.text("error." + f.code + ".title"), f.status, f.code, c.text("error." + f.code + ".text")}
	var own failure
	if f != errAway && f != errInternal && !errors.As(err, &own) && !errors.Is(err, context.Canceled) {
		p.Detail = err.Error() // of this library, which quotes no values
	}
	if err := c.send(f.status, "application/problem+json", p); err != nil {
		http.Error(c.w, http.StatusText(f.status), f.status)
	}
}
