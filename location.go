package webhook

import (
	"net/http"
	"net/url"
	"strings"
)

// maxLocation is how many bytes an Attempt keeps of a Location.
const maxLocation = 512

// isRedirect reports whether a status asks for the request to be sent elsewhere.
func isRedirect(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// location returns what an Attempt keeps of the Location in the answer to a request to
// u, and where that is in words. The words quote nothing: a path may hold values of the
// event. Both are empty for one that is no URL.
func location(header string, u *url.URL) (text, points string) {
	header, _, _ = strings.Cut(header, "#")
	header, _, _ = strings.Cut(header, "?")
	to, err := url.Parse(header)
	if err != nil || header == "" {
		return "", ""
	}
	if to.User != nil {
		to.User = nil
		header = to.String()
	}
	return cutText(visibleText(header), maxLocation), pointsTo(u.ResolveReference(to), u)
}

// pointsTo says where a redirect from u points.
func pointsTo(to, from *url.URL) string {
	port := func(u *url.URL) string {
		if p := u.Port(); p != "" {
			return p
		}
		return map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	switch {
	case !strings.EqualFold(to.Hostname(), from.Hostname()):
		return "another host"
	case to.Scheme != from.Scheme && (to.Scheme == "http" || to.Scheme == "https"):
		return to.Scheme + " of the same host"
	case port(to) != port(from):
		return "another port of the same host"
	case to.EscapedPath() != from.EscapedPath():
		return "another path of the same host"
	}
	return "the same path of the same host"
}

// cutText returns at most n bytes of s, which ends at a rune's boundary.
func cutText(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}
