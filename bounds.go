package webhook

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ringhook/webhook/internal/compose"
	"github.com/ringhook/webhook/internal/problem"
)

// Bounds say what customers may ask for in a webhook. They are the embedder's to set. A
// zero field has the default that its comment names, which is safe for a service whose
// customers are strangers; a negative one lifts that bound, up to what every [Policy] is
// held to.
//
// Use the same Bounds where webhooks are saved ([Bounds.Check]), where they are composed
// ([Registry]) and where messages are sent ([Client]): what was stored before a bound was
// set is held to it all the same.
type Bounds struct {
	// MaxTimeout is the longest Timeout of a policy. If zero, 30 seconds.
	MaxTimeout time.Duration
	// MaxAttempts is how many Attempts a policy may have. If zero, 50.
	MaxAttempts int
	// MaxExpires is the longest Expires of a policy; one that never expires may stay so. If
	// zero, 30 days.
	MaxExpires time.Duration
	// MinWait is the shortest wait of a policy, Jitter included. If zero, 1 second.
	MinWait time.Duration
	// MaxTemplateBytes is how many bytes condition, URL, header names and values, and
	// body of a webhook may have together. If zero, 256 KiB.
	MaxTemplateBytes int
	// CheckURL judges the URL of a webhook, with a letter for each placeholder;
	// [Egress.Check] is meant for this. Its error is shown to the customer. If nil, any
	// URL that Compile takes is allowed.
	CheckURL func(rawURL string) error
}

// complete fills in the defaults. What is lifted gets the greatest value.
func (b Bounds) complete() Bounds {
	b.MaxTimeout = bound(b.MaxTimeout, 30*time.Second, maxTimeout)
	b.MaxAttempts = bound(b.MaxAttempts, 50, maxAttempts)
	b.MaxExpires = bound(b.MaxExpires, 30*24*time.Hour, maxExpires)
	b.MinWait = bound(b.MinWait, time.Second, 0)
	b.MaxTemplateBytes = bound(b.MaxTemplateBytes, 256<<10, MaxTemplateSize*(MaxHeaders+3))
	return b
}

// bound returns the value of a bound: usual if it is zero, lifted if it is negative.
func bound[T int | time.Duration](value, usual, lifted T) T {
	if value < 0 {
		return lifted
	}
	return cmp.Or(value, usual)
}

// Check is the package's [Check], and tells of what w asks for beyond the bounds, as
// errors. It sends nothing and looks no name up.
func (b Bounds) Check(w Webhook, samples ...Event) []Problem {
	program, faults := compile(w, samples)
	fail := func(field string, length int, err error) {
		faults = append(faults, &compose.Error{Field: field, Length: length, Err: problem.Of(err)})
	}
	if u := program.SampleURL(); b.CheckURL != nil && u != "" {
		if err := b.CheckURL(u); err != nil {
			fail("url", len(w.URL), errors.New(strings.TrimPrefix(err.Error(), "webhook: ")))
		}
	}
	if a := w.Auth; b.CheckURL != nil && a != nil && a.Type == AuthOAuth2 && a.checkValues() == nil {
		if err := b.CheckURL(a.TokenURL); err != nil {
			text := strings.TrimPrefix(err.Error(), "webhook: ")
			fail("auth", 0, fieldError("token_url", text))
		}
	}
	b = b.complete()
	if field, n := firstOver(w, b.MaxTemplateBytes); field != "" {
		fail(field, 0, problem.Errorf(problem.BoundTemplates, "%d bytes of templates in all, at most %d: %w", n, b.MaxTemplateBytes, ErrLimit))
	}
	if w.Policy != nil && w.Policy.check() == nil {
		for _, err := range b.overBounds(*w.Policy) {
			fail("policy", 0, err)
		}
	}
	return problemsOf(w, program, faults)
}

// overBounds returns what a policy asks for beyond the bounds, which are complete.
func (b Bounds) overBounds(p Policy) (errs []error) {
	if p.Timeout > b.MaxTimeout {
		errs = append(errs, problem.Errorf(problem.BoundTimeout, "timeout: %v, at most %v", p.Timeout, b.MaxTimeout))
	}
	if p.Attempts > b.MaxAttempts {
		errs = append(errs, problem.Errorf(problem.BoundAttempts, "attempts: %d, at most %d", p.Attempts, b.MaxAttempts))
	}
	if p.Expires > b.MaxExpires {
		errs = append(errs, problem.Errorf(problem.BoundExpires, "expires: %v, at most %v", p.Expires, b.MaxExpires))
	}
	if len(p.Waits) > 0 && slices.Min(p.Waits) < b.MinWait {
		errs = append(errs, problem.Errorf(problem.BoundWait, "waits: %v, at least %v", slices.Min(p.Waits), b.MinWait))
	}
	return errs
}

// firstOver returns the template in which the bytes of all of them pass a bound, and how
// many there are in all.
func firstOver(w Webhook, most int) (field string, n int) {
	add := func(name, text string) {
		if n += len(text); n > most && field == "" {
			field = name
		}
	}
	add("when", w.When)
	add("url", w.URL)
	for _, name := range slices.Sorted(maps.Keys(w.Headers)) {
		add("headers."+name, name+w.Headers[name])
	}
	add("body", w.Body)
	return field, n
}

// Clamp returns p within the bounds: a longer timeout, more attempts, a later
// expiry and shorter waits become the bound. It shares no slice with p that it has changed.
func (b Bounds) Clamp(p Policy) Policy {
	b = b.complete()
	p.Timeout = min(p.Timeout, b.MaxTimeout)
	p.Attempts = min(p.Attempts, b.MaxAttempts)
	p.Expires = min(p.Expires, b.MaxExpires)
	tooShort := func(wait time.Duration) bool { return wait < b.MinWait }
	if slices.ContainsFunc(p.Waits, tooShort) {
		p.Waits = slices.Clone(p.Waits)
		for i, wait := range p.Waits {
			p.Waits[i] = max(wait, b.MinWait)
		}
	}
	return p
}
