package template

import (
	"slices"
	"strings"

	"github.com/ringhook/webhook/internal/problem"
)

// URL checks the places of the placeholders in a URL: they must be after the authority,
// and in the query only in values. It returns how many bytes of the first node belong
// to scheme and authority. It does not check the URL itself.
func URL(nodes []Node) (authority int, err error) {
	for _, n := range nodes {
		if i := strings.IndexFunc(n.Text, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '\\' }); i >= 0 {
			return 0, Errorf(n.Offset+i, problem.URLCharacter, "a blank, a control character or a backslash")
		}
		if i := strings.IndexByte(n.Text, '#'); i >= 0 {
			return 0, Errorf(n.Offset+i, problem.URLFragment, "a fragment is never sent")
		}
	}
	if len(nodes) == 0 {
		return 0, Errorf(0, problem.URLEmpty, "empty")
	}
	authority, complete := authorityEnd(nodes[0].Text)
	if !complete {
		for _, n := range nodes {
			if n.Placeholder() {
				return 0, n.Errorf(problem.URLAddress, "a placeholder in scheme, user, host or port: "+
					"the address must not depend on an event")
			}
		}
	}
	return authority, checkQueryNames(nodes)
}

// authorityEnd returns the end of a URL's authority. complete reports whether the text
// after it shows that it is complete.
func authorityEnd(url string) (end int, complete bool) {
	start := strings.Index(url, "://")
	if start < 0 {
		return len(url), false
	}
	start += len("://")
	if i := strings.IndexAny(url[start:], "/?"); i >= 0 {
		return start + i, i > 0
	}
	return len(url), false
}

// checkQueryNames refuses placeholders in the name of a query parameter: an event would
// choose the name.
func checkQueryNames(nodes []Node) error {
	inQuery, inName := false, false
	for _, n := range nodes {
		if n.Placeholder() {
			if inName {
				return n.Errorf(problem.URLQueryName, "a placeholder in the name of a query parameter")
			}
			continue
		}
		for _, c := range []byte(n.Text) {
			switch {
			case c == '?' && !inQuery:
				inQuery, inName = true, true
			case c == '&':
				inName = inQuery
			case c == '=':
				inName = false
			}
		}
	}
	return nil
}

// QueryLead returns how many bytes of the text before a placeholder belong to the
// parameter of the query whose whole value it is: the name and the = behind it. It is 0
// in every other place.
func QueryLead(nodes []Node, i int) int {
	last := i+1 == len(nodes)
	if i == 0 || !last && !strings.HasPrefix(nodes[i+1].Text, "&") {
		return 0
	}
	text := nodes[i-1].Text
	start := strings.LastIndexByte(text, '&') + 1
	inQuery := slices.ContainsFunc(nodes[:i-1], func(n Node) bool { return strings.Contains(n.Text, "?") })
	if !inQuery {
		query := strings.IndexByte(text, '?') + 1
		inQuery, start = query > 0, max(start, query)
	}
	name, value, ok := strings.Cut(text[start:], "=")
	if !inQuery || start == 0 || !ok || value != "" {
		return 0
	}
	return len(name) + len("=")
}
