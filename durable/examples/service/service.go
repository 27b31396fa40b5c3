package main

import (
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/durable/sqlite"
	"github.com/ringhook/webhook/payload"
	"github.com/ringhook/webhook/queue"
)

type service struct {
	engine *sqlite.Engine
	hooks  *durable.Webhooks[*sql.Tx]
	queue  *queue.Queue
	bounds webhook.Bounds
}

// sample is the call report that templates are checked and previewed with. Its values are
// made up.
var sample = payload.CallReport{
	Source: payload.SourceOBD, MID: "42", To: payload.PhoneNumber(919019912345),
	Status: payload.CallStatusAnswer, Duration: payload.SecondsString(65 * time.Second),
}

func newService(file string, egress webhook.Egress) (_ *service, err error) {
	s := &service{bounds: webhook.Bounds{CheckURL: egress.Check}}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if s.engine, err = sqlite.Open(file, durable.Config{Bounds: s.bounds}); err != nil {
		return nil, err
	}
	// In production, with a Sealer, whose keys come from outside of the database.
	secrets := s.engine.Webhooks(nil)
	client := &webhook.Client{
		Signer: webhook.StandardWebhooks{Keys: secrets.Keyring()}, Auth: secrets.Auth(), Transport: webhook.NewTransport(egress),
	}
	if s.queue, err = queue.New(client, s.engine, queue.Config{}); err != nil {
		return nil, err
	}
	s.hooks = s.engine.Webhooks(s.queue, sample)
	return s, nil
}

// Close closes the database.
func (s *service) Close() (err error) {
	if s.engine != nil {
		err = s.engine.Close()
	}
	return err
}

func (s *service) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /webhooks", s.create)
	mux.HandleFunc("POST /webhooks/preview", s.preview)
	mux.HandleFunc("GET /webhooks/{id}/deliveries", s.deliveries)
	mux.HandleFunc("POST /webhooks/{id}/calls", s.call)
	mux.HandleFunc("POST /deliveries/{id}/resend", s.resend)
	mux.HandleFunc("GET /health", s.health)
	return mux
}

// A created webhook is shown with its secret, once.
type created struct {
	durable.Definition
	Secret string `json:"secret"`
}

func (s *service) create(w http.ResponseWriter, r *http.Request) {
	hook, ok := s.read(w, r)
	if !ok {
		return
	}
	hook.ID = newUUID() // ours to choose, never the customer's
	d, err := s.hooks.Create(r.Context(), hook)
	if err != nil {
		fail(w, err)
		return
	}
	secrets, err := s.hooks.Secrets(r.Context(), d.ID)
	if err != nil {
		fail(w, err)
		return
	}
	reply(w, http.StatusCreated, created{d, secrets[0].Secret.Reveal()})
}

// preview shows the request that a webhook would send of the sample.
func (s *service) preview(w http.ResponseWriter, r *http.Request) {
	hook, ok := s.read(w, r)
	if !ok {
		return
	}
	c, err := webhook.Compile(hook, sample)
	if err != nil {
		fail(w, err)
		return
	}
	m, err := c.Compose(sample)
	if err != nil {
		fail(w, err)
		return
	}
	reply(w, http.StatusOK, map[string]any{
		"method": m.Method, "url": m.URL, "header": m.Header, "body": string(m.Body), "curl": m.Curl(),
		"warnings": s.bounds.Check(hook, sample),
	})
}

// read returns the webhook in the body of a request. If it has errors, it answers with
// all its problems, each with the place to underline.
func (s *service) read(w http.ResponseWriter, r *http.Request) (hook webhook.Webhook, ok bool) {
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&hook); err != nil {
		reply(w, http.StatusBadRequest, map[string]any{"error": "not a webhook: " + err.Error()})
		return hook, false
	}
	problems := s.bounds.Check(hook, sample)
	for _, p := range problems {
		if p.Severity == webhook.SeverityError {
			reply(w, http.StatusUnprocessableEntity, map[string]any{"error": "the webhook has errors", "problems": problems})
			return hook, false
		}
	}
	return hook, true
}

// call takes the report on a call for a webhook. When it answers 202, the report is on
// disk. The same report sent again is known by its content.
func (s *service) call(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	var report payload.Event
	if err == nil {
		report, err = payload.ParseAs(payload.EventCall, body)
	}
	if err != nil {
		reply(w, http.StatusBadRequest, map[string]any{"error": err.Error()})
		return
	}
	id, err := s.hooks.ContentID(r.PathValue("id"), report)
	if err == nil {
		err = s.hooks.DispatchID(r.Context(), r.PathValue("id"), id, report)
	}
	if err != nil {
		fail(w, err)
		return
	}
	reply(w, http.StatusAccepted, map[string]any{"id": id})
}

// deliveries lists what became of the reports to a webhook, the newest first.
func (s *service) deliveries(w http.ResponseWriter, r *http.Request) {
	if _, err := s.hooks.Get(r.Context(), r.PathValue("id")); err != nil {
		fail(w, err)
		return
	}
	page, err := s.engine.List(r.Context(), durable.Filter{
		WebhookID: r.PathValue("id"), State: durable.State(r.FormValue("state")), After: r.FormValue("after"),
	})
	if err != nil {
		fail(w, err)
		return
	}
	reply(w, http.StatusOK, page)
}

// resend sends a delivery again; with ?recompose=1, composed with today's template.
func (s *service) resend(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	var err error
	if r.FormValue("recompose") == "1" {
		var d durable.Delivery
		d, err = s.hooks.Recompose(r.Context(), id)
		id = d.ID
	} else {
		err = s.engine.Resend(r.Context(), id)
	}
	if err != nil {
		fail(w, err)
		return
	}
	reply(w, http.StatusAccepted, map[string]any{"id": id})
}

func (s *service) health(w http.ResponseWriter, r *http.Request) {
	health, err := s.engine.Check(r.Context())
	if err != nil {
		fail(w, err)
		return
	}
	reply(w, http.StatusOK, health)
}

// fail answers with an error. The text of the known ones has nothing that a customer must
// not see.
func fail(w http.ResponseWriter, err error) {
	status, text := statusOf(err), err.Error()
	if status == http.StatusInternalServerError {
		slog.Error("request", slog.Any("error", err))
		text = "try again later"
	}
	reply(w, status, map[string]any{"error": text})
}

// statusOf returns the status for an error, as the documents of package durable have it.
func statusOf(err error) int {
	is := func(targets ...error) bool {
		return slices.ContainsFunc(targets, func(target error) bool { return errors.Is(err, target) })
	}
	switch {
	case is(webhook.ErrNotFound):
		return http.StatusNotFound
	case is(durable.ErrFilter, durable.ErrID, durable.ErrSecret, durable.ErrTenant):
		return http.StatusBadRequest
	case is(queue.ErrTooLarge):
		return http.StatusRequestEntityTooLarge
	case is(durable.ErrNotComposed, durable.ErrTimeout), errors.As(err, new(*webhook.TemplateError)):
		return http.StatusUnprocessableEntity
	case is(durable.ErrExists, durable.ErrConflict, durable.ErrPending, durable.ErrEnded, durable.ErrNoMessage, durable.ErrNoEvent,
		queue.ErrTaken, queue.ErrDisabled):
		return http.StatusConflict
	case is(queue.ErrStopped):
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the caller may have gone
}

// newUUID returns a random UUID in lower case.
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
