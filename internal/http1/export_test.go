package http1

import "net/url"

// Kept returns how many idle connections there are for a URL.
func Kept(t *Transport, u *url.URL) int {
	t.idle.mu.Lock()
	defer t.idle.mu.Unlock()
	return len(t.idle.conns[keyOf(u, t.route(u))])
}
