// Package panel is the page on which customers and operators see their webhooks: what was
// sent, what the receiver answered, why it failed, and what to do about it. It is an
// [http.Handler] for a service that has an engine of package durable:
//
//	p, err := panel.New(panel.Config{
//		Open:      panel.Open(engine, hooks),
//		Authorize: func(r *http.Request) (panel.Access, error) { ... },
//	})
//	...
//	mux.Handle("/panel/", http.StripPrefix("/panel", p))
//	mux.Handle("/panel/api/", http.StripPrefix("/panel/api", p.API()))
//
// All links are relative, so it works under any path that ends in a slash. It needs no
// other files and no other hosts, and its lists and forms work without JavaScript.
//
// # Who sees what
//
// The panel knows no users. [Config] Authorize reads the session or the token that the
// service has, and returns the [Access] of whoever asks: a tenant, or all, and what is
// allowed. It is asked on every request. Without it, every request is refused. What is
// another tenant's does not exist: its IDs are not found.
//
// Values that may be credentials are never shown. Bodies, addresses below the host, what
// receivers answered, and the search for numbers need the right [Bodies].
//
// # In a frame
//
// No page can have the panel in a frame but those of [Config] FrameAncestors. If these are of
// another site, the session's cookie needs SameSite=None, Secure and, since browsers keep no
// other one there, Partitioned. The program in examples/portal is such a portal for customers.
//
// # Behind a proxy
//
// Forged requests are recognized by the headers that browsers send with them, see
// [http.CrossOriginProtection]: a proxy must pass on Host, Origin and Sec-Fetch-Site. It
// must not buffer answers of the type text/event-stream, which carry live updates. Before a
// server is shut down, [Panel.Close] ends these.
package panel
