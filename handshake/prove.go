package handshake

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/ringhook/webhook/internal/http1"
	"github.com/ringhook/webhook/internal/request"
)

// ErrTooSoon is what the error of [Prover.Prove] wraps if the host was asked less than a
// minute ago.
var ErrTooSoon = errors.New("the host was asked less than a minute ago")

// pause is the time between two challenges to a host: whoever saves webhooks in a loop
// must not make a weapon of them.
const pause = time.Minute

// A Prover asks receivers by a handshake, each host once a minute. It is safe for
// concurrent use and must not be copied; the limit is that of one Prover.
type Prover struct {
	// Handshake asks. If nil, it is the zero [Echo].
	Handshake Handshake
	// Transport carries the challenges. If nil, it is a [webhook.NewTransport] of the
	// zero Egress.
	Transport http.RoundTripper

	mu    sync.Mutex
	asked map[string]time.Time // by host; those of the last minute
}

// Prove asks the receiver of a webhook with that ID and URL, which may be a template; see
// [Target]. The Transport uses what [webhook.Egress] has for the ID, such as a client
// certificate. It returns nil if the receiver has answered right, else an error that wraps
// [ErrRefused], [ErrTooSoon] or the cause of ctx's end, or says what the URL lacks.
//
// What is proved is [Place] of the URL; the next one needs no new proof as long as that
// is the same.
func (p *Prover) Prove(ctx context.Context, webhookID, rawURL string) error {
	target := Target(rawURL)
	u, err := parse(target)
	if err != nil {
		return err
	}
	if err := p.take(hostOf(u), time.Now()); err != nil {
		return err
	}
	h := p.Handshake
	if h == nil {
		h = Echo{}
	}
	return h.Verify(http1.WithOwner(ctx, webhookID), p.Transport, target)
}

// take notes that a host is asked now.
func (p *Prover) take(host string, now time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for h, at := range p.asked {
		if now.Sub(at) >= pause {
			delete(p.asked, h)
		}
	}
	if at, ok := p.asked[host]; ok {
		wait := (pause - now.Sub(at)).Round(time.Second)
		return fmt.Errorf("handshake: %w: try again in %v", ErrTooSoon, max(wait, time.Second))
	}
	if p.asked == nil {
		p.asked = make(map[string]time.Time)
	}
	p.asked[host] = now
	return nil
}

// Target returns the URL that a challenge goes to: that of a webhook up to the first
// placeholder. If that stands in the query, all of the query is left out.
func Target(rawURL string) string {
	fixed, isTemplate := beforePlaceholder(rawURL)
	if !isTemplate {
		return rawURL
	}
	path, _, _ := strings.Cut(fixed, "?")
	return path
}

// beforePlaceholder returns what stands before the first placeholder, in either of the two
// spellings, and reports whether there is one.
func beforePlaceholder(rawURL string) (fixed string, ok bool) {
	at := len(rawURL)
	for _, opens := range []string{"{{", "@<<"} {
		if i := strings.Index(rawURL, opens); i >= 0 {
			at, ok = min(at, i), true
		}
	}
	return strings.TrimSuffix(rawURL[:at], "@"), ok
}

// Place returns what a challenge proves of a URL: scheme, host and port, and the path up
// to the first placeholder, where it ends in {{: that is another place than the path alone,
// since a value may lead further. URLs of one place have the same one, however it is spelt.
func Place(rawURL string) (string, error) {
	u, err := parse(Target(rawURL))
	if err != nil {
		return "", err
	}
	if u.Host == "" {
		return "", errors.New("handshake: the URL has no host")
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	host := hostOf(u)
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	if before, isTemplate := beforePlaceholder(rawURL); isTemplate && !strings.Contains(before, "?") {
		path += "{{"
	}
	return u.Scheme + "://" + host + ":" + port + path, nil
}

// hostOf returns the host as it is dialled.
func hostOf(u *url.URL) string {
	host := u.Hostname()
	if ascii, err := request.ASCIIHost(host); err == nil {
		host = ascii
	}
	return strings.TrimSuffix(strings.ToLower(host), ".")
}
