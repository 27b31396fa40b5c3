package webhook

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"time"
)

// ErrNotFound is what a [Registry]'s Source returns, or wraps, for an id that it has no webhook for, or none any longer. The
// registry returns it at once, where after other errors it goes on with the webhook as it last knew it.
var ErrNotFound = errors.New("no such webhook")

// A Registry keeps webhooks compiled, by id, so that API calls can name one by its webhook_id. It is safe for concurrent use
// and must not be copied after first use. The zero Registry finds no webhook.
//
// What was compiled serves for MaxAge; then Source is asked again, by one caller, while others go on with the old. If Source
// fails, all go on with the old, and it is asked again a little later, until it answers or says [ErrNotFound].
type Registry struct {
	// Source looks a webhook up: in the embedder's own table, a file, a durable store. It is called by one goroutine at a
	// time for each id. A Webhook without an ID gets the one that was asked for.
	Source func(ctx context.Context, id string) (Webhook, error)
	// Samples are passed to [Compile].
	Samples []Event
	// MaxAge is how long a compiled webhook serves before Source is asked again. If zero, one minute; if negative, for ever.
	MaxAge time.Duration

	mu      sync.Mutex
	entries map[string]*registryEntry
}

const (
	defaultMaxAge = time.Minute
	// retrySource is the pause after a Source that failed, unless MaxAge is shorter.
	retrySource = 5 * time.Second
)

// A registryEntry is one webhook. mu guards its fields.
type registryEntry struct {
	mu       sync.Mutex
	asking   *lookup // not nil while Source is being asked
	webhook  Webhook
	composer *Composer
	err      error // of compiling webhook
	until    time.Time
}

// A lookup is one call of Source, which many may wait for. The results stand once done is closed.
type lookup struct {
	done     chan struct{}
	composer *Composer
	err      error
	void     bool // the caller's own end, which says nothing to those who wait
}

// Composer returns the webhook with that id, compiled. The error is that of Source, wrapped, or the [*TemplateError] of a
// webhook that does not compile.
func (r *Registry) Composer(ctx context.Context, id string) (*Composer, error) {
	for {
		e := r.entry(id)
		l, mine := e.look(r.MaxAge < 0)
		if mine {
			r.refresh(ctx, e, id, l)
			return l.composer, l.err
		}
		select {
		case <-l.done:
			if !l.void {
				return l.composer, l.err
			}
		case <-ctx.Done():
			return nil, fmt.Errorf("webhook: look-up of webhook %q: %w", id, context.Cause(ctx))
		}
	}
}

// Dispatch reports e to the webhook with that id: it looks the webhook up, composes the message and hands it to s. This is
// what a webhook_id in an API call asks for. The error is that of [Registry.Composer], [Composer.Compose] or s.
func (r *Registry) Dispatch(ctx context.Context, s Sender, id string, e Event) error {
	c, err := r.Composer(ctx, id)
	if err != nil {
		return err
	}
	m, err := c.Compose(e)
	if err != nil {
		return err
	}
	return s.Send(ctx, m)
}

func (r *Registry) entry(id string) *registryEntry {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, ok := r.entries[id]
	if !ok {
		if r.entries == nil {
			r.entries = map[string]*registryEntry{}
		}
		e = &registryEntry{}
		r.entries[id] = e
	}
	return e
}

// look returns what is there, if it will do, or else a look-up: one to wait for, or one that is the caller's to make.
func (e *registryEntry) look(ageless bool) (l *lookup, mine bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	known := e.composer != nil || e.err != nil
	switch {
	case known && (e.asking != nil || ageless || time.Now().Before(e.until)):
		return &lookup{done: closed, composer: e.composer, err: e.err}, false
	case e.asking != nil:
		return e.asking, false
	}
	e.asking = &lookup{done: make(chan struct{}), void: true}
	return e.asking, true
}

var closed = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// refresh asks Source and sets the results of l. Should Source panic, l stays void, and those who wait ask themselves.
func (r *Registry) refresh(ctx context.Context, e *registryEntry, id string, l *lookup) {
	defer func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.asking = nil
		close(l.done)
	}()
	w, err := r.ask(ctx, id)
	e.mu.Lock()
	defer e.mu.Unlock()
	maxAge := r.MaxAge
	if maxAge == 0 {
		maxAge = defaultMaxAge
	}
	switch {
	case err != nil && e.composer != nil && !errors.Is(err, ErrNotFound):
		e.until = time.Now().Add(min(maxAge, retrySource))
	case err != nil: // nothing is kept, so that the next caller asks again, and ids that do not exist take no memory
		r.forget(id)
		l.err, l.void = err, ctx.Err() != nil
		return
	default:
		e.until = time.Now().Add(maxAge)
		if e.composer == nil && e.err == nil || !reflect.DeepEqual(w, e.webhook) {
			e.webhook = w
			e.composer, e.err = Compile(w, r.Samples...)
		}
	}
	l.composer, l.err, l.void = e.composer, e.err, false
}

func (r *Registry) ask(ctx context.Context, id string) (Webhook, error) {
	if r.Source == nil {
		return Webhook{}, fmt.Errorf("webhook: look-up of webhook %q: %w: the registry has no Source", id, ErrNotFound)
	}
	w, err := r.Source(ctx, id)
	if err != nil {
		return Webhook{}, fmt.Errorf("webhook: look-up of webhook %q: %w", id, err)
	}
	if w.ID == "" {
		w.ID = id
	}
	return w, nil
}

// forget drops an id.
func (r *Registry) forget(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.entries, id)
}
