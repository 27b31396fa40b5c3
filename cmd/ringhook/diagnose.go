package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ringhook/webhook"
)

// A finding is why a request is genuine or not.
type finding struct {
	Verified bool     `json:"verified"`
	Scheme   string   `json:"scheme"`
	Codes    []string `json:"codes,omitempty"` // of the reasons; see the help of verify
	Reasons  []string `json:"reasons,omitempty"`
}

// String is the finding for people.
func (f finding) String() string {
	s, _ := schemeNamed(f.Scheme)
	if f.Verified {
		return "verified: " + s.title
	}
	return "not verified: " + s.title + "\n  - " + strings.Join(f.Reasons, "\n  - ")
}

func (f *finding) add(code, reason string, args ...any) {
	f.Codes = append(f.Codes, code)
	f.Reasons = append(f.Reasons, fmt.Sprintf(reason, args...))
}

// diagnose verifies a request as a receiver would. If that fails, it tries what people
// usually do to a body and a key, and tells which of it explains the signature.
func (r *received) diagnose(ctx context.Context) (finding, error) {
	f := finding{Scheme: r.scheme.name}
	verifier, refused := r.verifier()
	err := refused
	if refused == nil {
		err = verifier.Verify(ctx, r.header, r.body)
	}
	switch {
	case err == nil:
		f.Verified = true
		return f, nil
	case errors.Is(err, webhook.ErrExpired):
		r.addTime(&f)
		return f, nil
	}
	if d, ok := r.explain(ctx); ok {
		for _, part := range d.parts {
			f.add(part.code, "%s", part.reason)
		}
		verifier := d.scheme.verifier(d.key)
		verifier.Tolerance, verifier.Now = r.tolerance, func() time.Time { return r.at }
		if errors.Is(verifier.Verify(ctx, d.header, d.body), webhook.ErrExpired) {
			r.addTime(&f)
		}
		return f, nil
	}
	if refused != nil { // and no other reading of the secret fits either
		return f, refused
	}
	r.addMissing(&f)
	if len(f.Codes) == 0 {
		r.addUnknown(ctx, &f)
	}
	return f, nil
}

func (r *received) verifier() (v webhook.Verifier, err error) {
	var keys []key
	for _, text := range r.secrets {
		k, err := r.scheme.key(text)
		if err != nil {
			return v, err
		}
		keys = append(keys, k)
	}
	v = r.scheme.verifier(keys...)
	v.Tolerance, v.Now = r.tolerance, func() time.Time { return r.at }
	return v, nil
}

func (r *received) addTime(f *finding) {
	at, _ := r.scheme.signedTime(r.header)
	away, side := r.at.Sub(at), "before"
	if away < 0 {
		away, side = -away, "after"
	}
	f.add("time", "the signature is right, but its time, %s, is %s %s %s: the request was kept or sent again, or a clock is wrong",
		at.Format(time.RFC3339), away.Round(time.Second), side, r.at.UTC().Format(time.RFC3339))
}

// addMissing tells what the header lacks.
func (r *received) addMissing(f *finding) {
	names := []string{r.scheme.header()}
	if name := r.scheme.timeHeader(); name != "" {
		names = append(names, name)
	}
	if r.scheme.hmac == nil {
		names = append(names, webhook.HeaderID)
	}
	for _, name := range names {
		switch values := r.header.Values(name); {
		case len(values) == 0 || values[0] == "":
			f.add("no_header", "the header %s is missing: not signed in this way, or a proxy took it away", name)
		case len(values) > 1:
			f.add("header_twice", "the header %s is there %d times, and of those only one may be", name, len(values))
		}
	}
	if !r.has(r.scheme) {
		for _, s := range schemes {
			switch {
			case !r.has(s):
			case s.header() == r.scheme.header():
				f.add("scheme", "the header %s has a signature of %s, and none of %s: they have different keys", s.header(), s.title, r.scheme.title)
			default:
				f.add("scheme", "the header %s is there: perhaps the request is signed as %s; try -scheme %s", s.header(), s.title, s.name)
			}
		}
	}
}

// addUnknown tells what can be known where nothing fits.
func (r *received) addUnknown(ctx context.Context, f *finding) {
	platform := schemes[slices.IndexFunc(schemes, func(s scheme) bool { return s.name == "platform" })]
	length, err := strconv.Atoi(r.header.Get("Content-Length"))
	switch {
	case err == nil && length != len(r.body):
		f.add("body", "the body was changed: it has %d bytes, and Content-Length says %d", len(r.body), length)
	case r.webhookID != "" && r.scheme.name != platform.name && r.has(platform):
		verifier := platform.verifier(key{secret: webhook.WebhookIDSecret(r.webhookID)})
		if verifier.Verify(ctx, r.header, r.body) == nil {
			f.add("key", "the body is as it was signed, since the header %s fits it and the webhook's id: the secret is another one", platform.header())
		} else {
			f.add("body", "the body was changed: the header %s does not fit it and the webhook's id either", platform.header())
		}
	default:
		f.add("key_or_body", "the secret is another one, or the body was changed by more than blanks, line breaks and escapes; "+
			"if another request can be verified with this secret, it is the body")
	}
}

// A deviation is something that was done to a request, or to its secret.
type deviation struct{ code, reason string }

// An attempt to explain a signature.
type explanation struct {
	scheme scheme
	key    key
	header http.Header
	body   []byte
	parts  []deviation
}

// explain looks for the fewest deviations that explain the signature: at most two.
func (r *received) explain(ctx context.Context) (explanation, bool) {
	bodies := r.bodies()
	for most := 1; most <= 2; most++ {
		for _, s := range schemes {
			if !r.has(s) {
				continue
			}
			var other []deviation
			if s.name != r.scheme.name {
				other = []deviation{{"scheme", fmt.Sprintf("it is signed as %s, in the header %s", s.title, s.header())}}
			}
			for _, header := range r.headers(s) {
				for _, key := range r.keys(s) {
					for _, body := range bodies {
						x := explanation{s, key.key, header.header, body.body, slices.Concat(other, header.why, key.why, body.why)}
						verifier := s.verifier(key.key)
						verifier.Tolerance = -1
						if len(x.parts) == most && verifier.Verify(ctx, x.header, x.body) == nil {
							return x, true
						}
					}
				}
			}
		}
	}
	return explanation{}, false
}
