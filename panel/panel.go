package panel

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/queue"
)

// Config says what a panel shows, and to whom.
type Config struct {
	// Open returns what there is for an [Access], which has a Tenant or All. The function
	// [Open] makes one of an engine. It is needed.
	Open func(Access) (Deliveries, Webhooks, error)
	// Authorize says who asks, from the session or token of the embedder. It is called
	// on every request, from many goroutines, and again each minute that a stream of live
	// updates goes on; if it returns an error, which is logged, the answer is 403. If nil,
	// every request is 403.
	Authorize func(*http.Request) (Access, error)
	// Queue is the queue of this process: it knows which webhooks rest or are slowed down,
	// and what waits most. If nil, that is not shown.
	Queue *queue.Queue
	// Client sends the tests of webhooks. Tests are signed, and end with the first
	// attempt. If nil, none can be sent.
	Client *webhook.Client
	// Samples are made-up events to preview webhooks with, one of each kind. Their values
	// are shown to everyone who may change webhooks.
	Samples []webhook.Event
	// Check judges a webhook before it is saved, and as one types, for whoever bounds more
	// than the database does, such as with [webhook.Bounds.Check] and the Egress's. If nil,
	// [webhook.Check] does, with the Samples.
	Check func(webhook.Webhook) []webhook.Problem
	// FrameAncestors are the origins that may embed the panel in a frame, such as
	// "https://portal.example", or "'self'". If empty, none may.
	FrameAncestors []string
	// Brand is how the panel looks.
	Brand Brand
	// Text returns the text for a code in a language, such as "de" or "pt-BR", the one
	// that the browser wants most; the files text*.go have all codes, with the English
	// texts. The arguments are as for [fmt.Sprintf]. If it is nil or returns an empty
	// text, the text is English.
	Text func(lang, code string, args ...any) string
	// Logger is told what goes wrong, without any value of an event. If nil,
	// [slog.Default].
	Logger *slog.Logger
}

// A Brand is how the panel looks. The zero value is plain.
type Brand struct {
	// Name is shown at the top of each page. If empty, it is "Webhooks".
	Name string
	// Logo is an image as SVG or PNG, shown in front of the name, 24 pixels high.
	Logo []byte
	// Accent is the colour of links and buttons, as #rrggbb. It should be dark enough for
	// white text on it. If empty, it is a blue.
	Accent string
}

// A Panel serves the pages. It is safe for concurrent use.
type Panel struct {
	config Config
	pages  http.Handler
	api    http.Handler
	assets assets
	csp    string
	tests  tests
	forged *http.CrossOriginProtection
	live   *live
}

var _ http.Handler = (*Panel)(nil)

// New returns a panel. The error tells what in the config is wrong.
func New(config Config) (*Panel, error) {
	if config.Open == nil {
		return nil, errors.New("panel: Config has no Open")
	}
	if err := usable(config.Samples); err != nil {
		return nil, err
	}
	if config.Logger == nil {
		config.Logger = slog.Default()
	}
	if config.Brand.Name == "" {
		config.Brand.Name = "Webhooks"
	}
	ancestors, err := frameAncestors(config.FrameAncestors)
	if err != nil {
		return nil, err
	}
	p := &Panel{config: config, csp: contentPolicy + ancestors, forged: http.NewCrossOriginProtection()}
	if p.assets, err = newAssets(config.Brand); err != nil {
		return nil, err
	}
	p.live = newLive(config.Logger)
	p.pages = p.mux(kindPage)
	p.api = p.mux(kindAPI)
	return p, nil
}

// usable returns an error for a sample that no webhook can be previewed with.
func usable(samples []webhook.Event) error {
	for i, sample := range samples {
		text, err := json.Marshal(sample)
		switch {
		case err != nil:
			return fmt.Errorf("panel: Samples[%d]: %w", i, err)
		case string(text) == "null":
			return fmt.Errorf("panel: Samples[%d] is nil", i)
		}
	}
	return nil
}

// ServeHTTP serves a page. The path of the request is that below where the panel is
// mounted: see [http.StripPrefix].
func (p *Panel) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.pages.ServeHTTP(w, r) }

// API returns the same as JSON, for programs. The file openapi.yaml describes it, and is
// served as one of its routes. Errors are of the type application/problem+json, with a
// member code that does not change between versions.
func (p *Panel) API() http.Handler { return p.api }

// Close ends the streams of live updates, for good. The Shutdown of an [http.Server] waits
// for them, up to 15 minutes, so give Close to its RegisterOnShutdown.
func (p *Panel) Close() { p.live.close() }

// contentPolicy lets nothing load but the panel's own files, and no text become markup or
// script.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; require-trusted-types-for 'script'; frame-ancestors "

// frameAncestors returns the sources of a content policy.
func frameAncestors(origins []string) (string, error) {
	if len(origins) == 0 {
		return "'none'", nil
	}
	for _, origin := range origins {
		u, err := url.Parse(origin)
		if origin == "'self'" || err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" &&
			!strings.ContainsAny(origin, " ;,'\"") && u.Scheme+"://"+u.Host == origin {
			continue
		}
		return "", fmt.Errorf("panel: FrameAncestors: %q is no origin: want one such as https://portal.example, or 'self'", origin)
	}
	return strings.Join(origins, " "), nil
}

// guard sets the headers that every answer has.
func (p *Panel) guard(h http.Header) {
	h.Set("Content-Security-Policy", p.csp)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
}
