package panel

import (
	"context"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"

	"github.com/ringhook/webhook/durable"
)

type kind int

const (
	kindPage kind = iota // HTML
	kindAPI              // JSON, below [Panel.API]
)

// A route is something that can be asked for.
type route struct {
	kind    kind
	method  string
	pattern string // as that of an [http.ServeMux]
	right   Right  // what Access must have
	handle  func(*call) error
}

// routes is all that can be asked for. There is no other way in.
var routes = []route{
	{kindPage, "GET", "/assets/{file}", 0, (*call).asset},

	{kindPage, "GET", "/{$}", View, (*call).showOverview},
	{kindPage, "GET", "/live/overview", View, (*call).liveOverview},
	{kindPage, "GET", "/deliveries", View, (*call).listDeliveries},
	{kindPage, "GET", "/deliveries.csv", View | Bodies, (*call).csvDeliveries},
	{kindPage, "GET", "/live", View, (*call).liveDeliveries},
	{kindPage, "POST", "/search", View, (*call).search},
	{kindPage, "GET", "/resend", View | Send, (*call).askResend},
	{kindPage, "POST", "/resend", View | Send, (*call).resendMatching},
	{kindPage, "POST", "/resend/selected", View | Send, (*call).resendSelected},
	{kindPage, "GET", "/deliveries/{id}", View, (*call).showDelivery},
	{kindPage, "GET", "/deliveries/{id}/live", View, (*call).liveDelivery},
	{kindPage, "POST", "/deliveries/{id}/resend", View | Send, (*call).resend},
	{kindPage, "POST", "/deliveries/{id}/retry", View | Send, (*call).retry},
	{kindPage, "POST", "/deliveries/{id}/cancel", View | Send, (*call).cancel},
	{kindPage, "POST", "/deliveries/{id}/recompose", View | Send, (*call).recompose},

	{kindPage, "GET", "/reference", View, (*call).reference},
	{kindPage, "GET", "/webhooks", View, (*call).listHooks},
	{kindPage, "GET", "/webhooks/new", View | Edit, (*call).newHook},
	{kindPage, "POST", "/webhooks", View | Edit, (*call).createHook},
	{kindPage, "POST", "/webhooks/preview", View | Edit, (*call).previewHook},
	{kindPage, "GET", "/webhooks/{id}", View, (*call).showHook},
	{kindPage, "POST", "/webhooks/{id}", View | Edit, (*call).updateHook},
	{kindPage, "POST", "/webhooks/{id}/preview", View | Edit, (*call).previewHook},
	{kindPage, "POST", "/webhooks/{id}/compare", View | Edit | Bodies, (*call).compareHook},
	{kindPage, "POST", "/webhooks/{id}/test", View | Send, (*call).testHook},
	{kindPage, "POST", "/webhooks/{id}/recompose", View | Send, (*call).recomposeHook},
	{kindPage, "POST", "/webhooks/{id}/state/{state}", View | Edit, (*call).setHook},
	{kindPage, "GET", "/webhooks/{id}/delete", View | Delete, (*call).askDelete},
	{kindPage, "POST", "/webhooks/{id}/delete", View | Delete, (*call).deleteHook},
	{kindPage, "GET", "/webhooks/{id}/subscriptions", View, (*call).showSubscriptions},
	{kindPage, "POST", "/webhooks/{id}/subscriptions", View | Edit, (*call).setSubscriptions},
	{kindPage, "GET", "/webhooks/{id}/secrets", View | Secrets, (*call).showSecrets},
	{kindPage, "POST", "/webhooks/{id}/secrets/rotate", View | Secrets, (*call).rotate},
	{kindPage, "POST", "/webhooks/{id}/secrets", View | Secrets, (*call).setSecret},

	// What is here is in openapi.yaml too.
	{kindAPI, "GET", "/openapi.yaml", View, (*call).apiDescription},
	{kindAPI, "GET", "/overview", View, (*call).apiOverview},
	{kindAPI, "GET", "/webhooks", View, (*call).apiHooks},
	{kindAPI, "POST", "/webhooks", View | Edit, (*call).apiStore},
	{kindAPI, "POST", "/webhooks/check", View | Edit, (*call).apiCheck},
	{kindAPI, "GET", "/webhooks/{id}", View, (*call).apiHook},
	{kindAPI, "PUT", "/webhooks/{id}", View | Edit, (*call).apiStore},
	{kindAPI, "DELETE", "/webhooks/{id}", View | Delete, (*call).apiDelete},
	{kindAPI, "GET", "/webhooks/{id}/versions/{version}", View, (*call).apiVersion},
	{kindAPI, "POST", "/webhooks/{id}/check", View | Edit, (*call).apiCheck},
	{kindAPI, "POST", "/webhooks/{id}/compare", View | Edit | Bodies, (*call).apiCompare},
	{kindAPI, "POST", "/webhooks/{id}/test", View | Send, (*call).apiTest},
	{kindAPI, "POST", "/webhooks/{id}/state/{state}", View | Edit, (*call).apiState},
	{kindAPI, "POST", "/webhooks/{id}/recompose", View | Send, (*call).apiRecomposeHook},
	{kindAPI, "GET", "/webhooks/{id}/subscriptions", View, (*call).apiSubscriptions},
	{kindAPI, "PUT", "/webhooks/{id}/subscriptions", View | Edit, (*call).apiSetSubscriptions},
	{kindAPI, "GET", "/webhooks/{id}/secrets", View | Secrets, (*call).apiSecrets},
	{kindAPI, "POST", "/webhooks/{id}/secrets", View | Secrets, (*call).apiSetSecret},
	{kindAPI, "POST", "/webhooks/{id}/secrets/rotate", View | Secrets, (*call).apiRotate},

	{kindAPI, "GET", "/events", View, (*call).apiEvents},
	{kindAPI, "GET", "/deliveries", View, (*call).apiDeliveries},
	{kindAPI, "GET", "/count", View, (*call).apiCount},
	{kindAPI, "POST", "/search", View | Bodies, (*call).apiSearch},
	{kindAPI, "POST", "/resend", View | Send, (*call).apiResendMatching},
	{kindAPI, "GET", "/deliveries/{id}", View, (*call).apiDelivery},
	{kindAPI, "GET", "/deliveries/{id}/event", View | Bodies, (*call).apiEvent},
	{kindAPI, "POST", "/deliveries/{id}/resend", View | Send, (*call).apiResend},
	{kindAPI, "POST", "/deliveries/{id}/retry", View | Send, (*call).apiRetry},
	{kindAPI, "POST", "/deliveries/{id}/cancel", View | Send, (*call).apiCancel},
	{kindAPI, "POST", "/deliveries/{id}/recompose", View | Send, (*call).apiRecompose},
}

// maxBody is how large a request may be: that of a webhook with the largest template
// there is, twice, as when two versions are compared.
const maxBody = 2 << 20

// A call is a request that is allowed, and what there is for who asks.
type call struct {
	*Panel
	route  route
	w      http.ResponseWriter
	r      *http.Request
	ctx    context.Context //nolint:containedctx // that of r, with the actor
	access Access
	lang   string

	deliveries Deliveries
	webhooks   Webhooks
}

// mux returns the routes of a kind.
func (p *Panel) mux(k kind) http.Handler {
	mux := http.NewServeMux()
	for _, rt := range routes {
		if rt.kind == k {
			mux.Handle(rt.method+" "+rt.pattern, p.handler(rt))
		}
	}
	mux.Handle("/", p.handler(route{kind: k, handle: func(*call) error { return errNoPage }}))
	return mux
}

func (p *Panel) handler(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.guard(w.Header())
		c := &call{Panel: p, route: rt, w: w, r: r, ctx: r.Context(), lang: language(r)}
		defer func() {
			switch reason := recover(); reason {
			case nil:
			case http.ErrAbortHandler: // an answer that was cut off
				panic(reason)
			default:
				p.config.Logger.ErrorContext(r.Context(), "panel: panic", slog.String("route", rt.pattern),
					slog.Any("reason", reason), slog.String("stack", string(debug.Stack())))
				c.fail(errInternal)
			}
		}()
		err := c.open()
		if err == nil {
			err = rt.handle(c)
		}
		if err != nil {
			c.fail(err)
		}
	})
}

// open finds out who asks, whether that is allowed, and what there is for them.
func (c *call) open() (err error) {
	if err := c.authorize(); err != nil {
		return err
	}
	if err := c.forged.Check(c.r); err != nil {
		return errForged
	}
	if !c.access.May.Has(c.route.right) {
		return errNotAllowed
	}
	c.r.Body = http.MaxBytesReader(c.w, c.r.Body, maxBody)
	c.ctx = durable.WithActor(c.ctx, c.access.Actor)
	c.deliveries, c.webhooks, err = c.config.Open(c.access)
	return err
}

// authorize asks who asks. Streams ask again while they go on.
func (c *call) authorize() (err error) {
	if c.config.Authorize == nil {
		return errNobody
	}
	access, err := c.config.Authorize(c.r)
	if err == nil && access.Tenant == "" && !access.All {
		err = errNoTenant
	}
	if err != nil {
		c.config.Logger.InfoContext(c.r.Context(), "panel: refused", slog.String("route", c.route.pattern), slog.Any("error", err))
		return errNobody
	}
	c.access = access
	return nil
}

// may reports whether all of some rights are there.
func (c *call) may(want Right) bool { return c.access.May.Has(want) }

// root is the way from the page that was asked for to where the panel is mounted: empty,
// or "../" as often as needed.
func (c *call) root() string {
	return strings.Repeat("../", max(0, strings.Count(c.r.URL.EscapedPath(), "/")-1))
}

// to is a link to a page, by its path without a slash in front.
func (c *call) to(path string) string {
	if path = c.root() + path; path == "" {
		return "./"
	}
	return path
}

// redirect sends the browser to another page.
func (c *call) redirect(path string) error {
	// Not http.Redirect, which makes it absolute, below the root of the host.
	c.w.Header().Set("Location", c.to(path))
	c.w.WriteHeader(http.StatusSeeOther)
	return nil
}

// language returns the language that a request wants most, or "en".
func language(r *http.Request) string {
	first, _, _ := strings.Cut(r.Header.Get("Accept-Language"), ",")
	first, _, _ = strings.Cut(first, ";")
	first = strings.TrimSpace(first)
	for _, b := range []byte(first) {
		if b != '-' && (b|0x20 < 'a' || b|0x20 > 'z') && (b < '0' || b > '9') {
			return "en"
		}
	}
	if first == "" || len(first) > 35 {
		return "en"
	}
	return first
}
