package webhook

import (
	"cmp"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/ringhook/webhook/internal/request"
)

// A brief is what may be printed and logged of a webhook or a message: the rest is
// credentials, and data of people.
type brief struct{ what, id, method, url string }

// host returns the host and port of the URL; of one that has none, or more than them in
// that place, nothing.
func (b brief) host() string {
	_, rest, ok := strings.Cut(b.url, "://")
	if !ok {
		return ""
	}
	if end := strings.IndexAny(rest, "/?"); end >= 0 {
		rest = rest[:end]
	}
	rest = request.TrimURL(rest)
	u, err := request.ParseURL("https://" + strings.ToValidUTF8(rest, "") + "/")
	if err != nil {
		return ""
	}
	return u.Host
}

func (b brief) String() string {
	return fmt.Sprintf("%s %.64q: %.16s %s", b.what, b.id, b.method, b.host())
}

func (b brief) logValue() slog.Value {
	return slog.GroupValue(slog.String("id", b.id), slog.String("method", b.method), slog.String("host", b.host()))
}

func (w Webhook) brief() brief {
	return brief{"webhook", w.ID, cmp.Or(w.Method, http.MethodPost), w.URL}
}

func (c Composer) brief() brief {
	if c.program == nil {
		return brief{what: "composer"}
	}
	return brief{"composer", c.program.ID(), c.program.Method(), c.program.SampleURL()}
}

func (m Message) brief() brief {
	return brief{"message", m.ID, m.Method, m.URL}
}

// String returns the ID, the method and the host.
func (w Webhook) String() string { return w.brief().String() }

// GoString returns the same, since headers and URL may have credentials.
func (w Webhook) GoString() string { return w.brief().String() }

// LogValue returns the ID, the method and the host.
func (w Webhook) LogValue() slog.Value { return w.brief().logValue() }

// String returns the webhook's ID, the method and the host.
func (c Composer) String() string { return c.brief().String() }

// GoString returns the same, since headers and URL may have credentials.
func (c Composer) GoString() string { return c.brief().String() }

// LogValue returns the webhook's ID, the method and the host.
func (c Composer) LogValue() slog.Value { return c.brief().logValue() }

// String returns the ID, the method and the host.
func (m Message) String() string { return m.brief().String() }

// GoString returns the same, since header, URL and body may have credentials, and data of
// people. See [Message.Curl].
func (m Message) GoString() string { return m.brief().String() }

// LogValue returns the ID, the method and the host.
func (m Message) LogValue() slog.Value { return m.brief().logValue() }
