package webhook

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"sync"
	"time"
)

// ErrNotFound is what a [Registry]'s Source returns, or wraps, for an id that it has no
// webhook for, or none any longer. The registry returns it at once, where after other
// errors it goes on with the webhook as it last knew it. Package durable returns it for
// webhooks and deliveries that are not there.
var ErrNotFound = errors.New("no such webhook")

// A Registry keeps webhooks compiled, by id, so that API calls can name one by its
// webhook_id. The zero Registry finds no webhook. Set the fields before the first use;
// from then on it is safe for concurrent use and must not be copied.
//
// The first caller that needs a webhook asks Source and compiles what it says, while
// all others that need it wait for the result, which then serves for MaxAge. After that
// the next caller asks again, while the others go on with the old one. If Source fails
// then, all go on with the old one, and it is asked again a few seconds later, until it
// answers or says [ErrNotFound]. Only webhooks that Source has found are kept, and none
// is dropped for not being used.
type Registry struct {
	// Source looks a webhook up: in the embedder's own table, a file, a durable store.
	// It is called in the goroutine and with the context of a caller, for each id once
	// at a time. A Webhook without an ID gets the one that was asked for. A panic
	// counts as an error. If nil, nothing is found.
	Source func(ctx context.Context, id string) (Webhook, error)
	// Samples are passed to [Compile].
	Samples []Event
	// Defaults says what a webhook's Policy leaves open, by the type of the event; its
	// own zero fields are as [PolicyFor] says. If nil, all of it is.
	Defaults func(eventType string) Policy
	// Bounds hold the policies of composed messages. What was saved before a bound was
	// set, or without [Bounds.Check], is held to it all the same.
	Bounds Bounds
	// MaxAge is how long a webhook serves before Source is asked again, and so how late
	// a change may show. If zero, one minute; if negative, Source is not asked again
	// for what it has found.
	MaxAge time.Duration

	mu      sync.Mutex // guards entries
	entries map[string]registryEntry
}

const (
	defaultMaxAge = time.Minute
	// retrySource is the pause after a Source that failed, unless MaxAge is shorter:
	// long enough not to add to the trouble of a database, short enough for a look-up
	// that only its caller's deadline cut off.
	retrySource = 5 * time.Second
)

// A registryEntry is a webhook that is known, or asked for, or both.
type registryEntry struct {
	known  *result // nil until Source has found it
	until  time.Time
	asking *lookup // nil if no caller asks
}

// A result is what a look-up came to: composer or err. It does not change.
type result struct {
	webhook  Webhook
	composer *Composer
	err      error
}

// A lookup is one call of Source, for which callers wait that have nothing older.
type lookup struct {
	done chan struct{} // closed when result is set
	// nil if who asked has given up, so that the others must ask themselves
	result *result
}

// Composer returns the webhook with that id, compiled. The error wraps that of Source,
// such as [ErrNotFound], or the cause of ctx's end; or it is the [*TemplateError] of a
// webhook that does not compile, which all callers get until it changes.
func (r *Registry) Composer(ctx context.Context, id string) (*Composer, error) {
	for {
		res, l, mine := r.look(id)
		if mine {
			res = r.refresh(ctx, id, res, l)
		}
		if res == nil {
			select {
			case <-l.done:
				res = l.result
			case <-ctx.Done():
				return nil, lookupError(id, context.Cause(ctx))
			}
		}
		if res != nil {
			return res.composer, res.err
		}
	}
}

// Dispatch reports e to the webhook with that id: it looks the webhook up, composes the
// message and hands it to s. This is what a webhook_id in an API call asks for. The
// error is that of [Registry.Composer], [Composer.Compose] or s. An event that the
// webhook's When does not want is done with.
func (r *Registry) Dispatch(ctx context.Context, s Sender, id string, e Event) error {
	c, err := r.Composer(ctx, id)
	if err != nil {
		return err
	}
	m, err := c.Compose(e)
	switch {
	case errors.Is(err, ErrUnwanted):
		return nil
	case err != nil:
		return err
	}
	return s.Send(ctx, m)
}

// look returns what is known of a webhook, if anything, and the look-up that is under
// way, if one is. If it is mine, the caller must make it.
func (r *Registry) look(id string) (known *result, l *lookup, mine bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.entries[id]
	if e.asking == nil && (e.known == nil || !time.Now().Before(e.until)) {
		if r.entries == nil {
			r.entries = map[string]registryEntry{}
		}
		e.asking, mine = &lookup{done: make(chan struct{})}, true
		r.entries[id] = e
	}
	return e.known, e.asking, mine
}

// refresh makes the look-up l, keeps what is worth keeping and tells those who wait.
func (r *Registry) refresh(ctx context.Context, id string, old *result, l *lookup) *result {
	var kept *result
	age := r.maxAge()
	defer func() { // deferred, since Source may end the goroutine, as a test's does
		r.mu.Lock()
		defer r.mu.Unlock()
		if kept != nil {
			r.entries[id] = registryEntry{known: kept, until: time.Now().Add(age)}
		} else { // so that ids that do not exist take no memory
			delete(r.entries, id)
		}
		close(l.done)
	}()
	w, err := r.ask(ctx, id)
	switch {
	case err == nil && old != nil && reflect.DeepEqual(w, old.webhook):
		kept = old
	case err == nil:
		c, err := Compile(w, r.Samples...)
		if err == nil {
			c.defaults, c.bounds = r.Defaults, &r.Bounds
		}
		kept = &result{w, c, err}
	case old != nil && !errors.Is(err, ErrNotFound):
		kept, age = old, min(age, retrySource)
	case ctx.Err() != nil: // the end of this caller only
		return &result{err: err}
	default:
		l.result = &result{err: err}
		return l.result
	}
	l.result = kept
	return kept
}

// ask calls Source. The webhook is a copy, which Source cannot change any more.
func (r *Registry) ask(ctx context.Context, id string) (w Webhook, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = recovered("Source", v)
		}
		if err != nil {
			err = lookupError(id, err)
		}
	}()
	if r.Source == nil {
		return Webhook{}, fmt.Errorf("%w: the registry has no Source", ErrNotFound)
	}
	w, err = r.Source(ctx, id)
	if err != nil {
		if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
			err = context.Cause(ctx)
		}
		return Webhook{}, err
	}
	if w.ID == "" {
		w.ID = id
	}
	return w.clone(), nil
}

func (r *Registry) maxAge() time.Duration {
	switch {
	case r.MaxAge == 0:
		return defaultMaxAge
	case r.MaxAge < 0:
		return math.MaxInt64
	default:
		return r.MaxAge
	}
}

// lookupError says which webhook err is about. Sources that read JSON pass on errors of
// this package, prefix and all.
func lookupError(id string, err error) error {
	text := fmt.Sprintf("look-up of webhook %.64q: %s", id, strings.TrimPrefix(err.Error(), "webhook: "))
	return &textError{text, err}
}
