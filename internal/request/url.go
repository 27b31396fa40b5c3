package request

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/ringhook/webhook/internal/problem"
)

// ParseURL parses a complete URL and refuses URLs that must not be dialled. The Host of what
// it returns is that of [ASCIIHost]. Its errors never quote the URL: a path or a query may
// contain personal data.
func ParseURL(raw string) (*url.URL, error) {
	if len(raw) > MaxURLSize {
		return nil, problem.Errorf(problem.URLTooLong, "URL of %d bytes, at most %d: %w", len(raw), MaxURLSize, ErrLimit)
	}
	for i := range len(raw) {
		if c := raw[i]; c <= ' ' || c == 0x7f || c == '\\' {
			return nil, fmt.Errorf("URL has a blank, a control character or a backslash at offset %d", i)
		}
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, problem.Errorf(problem.URLSyntax, "URL cannot be parsed") // the parser's text quotes the URL
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, problem.Errorf(problem.URLScheme, "URL must start with http:// or https://")
	case u.User != nil:
		return nil, problem.Errorf(problem.URLUser, "URL must not have a user name or password; use a header")
	case strings.Contains(raw, "#"):
		return nil, problem.Errorf(problem.URLFragment, "URL must not have a fragment")
	case u.Opaque != "" || u.Hostname() == "":
		return nil, problem.Errorf(problem.URLNoHost, "URL has no host")
	case strings.Contains(u.Host, "%"):
		return nil, problem.Errorf(problem.URLZone, "URL must not have a zone in its host")
	case strings.IndexFunc(u.Hostname(), notInHosts) >= 0:
		return nil, problem.Errorf(problem.URLHostCharacter, "URL has an invalid character in its host")
	}
	if u.Host, err = ASCIIHost(u.Host); err != nil || !isHost(u.Hostname()) {
		return nil, problem.Errorf(problem.URLHostName, "URL has a host name that no server can have")
	}
	if i := strings.LastIndexByte(u.Host, ':'); i >= 0 && !strings.HasSuffix(u.Host, "]") {
		if n, err := strconv.ParseUint(u.Host[i+1:], 10, 16); err != nil || n == 0 {
			return nil, problem.Errorf(problem.URLPort, "URL has a port outside 1 to 65535")
		}
	}
	return u, nil
}

// TrimURL removes what is pasted in front of a URL and behind it, and is not seen: blanks, and
// invisible characters. It is what compiling a webhook takes away.
func TrimURL(s string) string { return strings.TrimFunc(s, IsBlank) }

// IsBlank reports whether nobody sees r.
func IsBlank(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) }

// notInHosts reports whether r never occurs in a host name or an address. Letters of
// other alphabets become ASCII when the host is dialled.
func notInHosts(r rune) bool {
	if unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) {
		return false
	}
	return !strings.ContainsRune("-._:", r) || r == unicode.ReplacementChar
}

// isHost reports whether a host, in ASCII, is an address or may be a name that is looked
// up: of labels that are not too long, of which the last is no number. To some, 127.1 and
// 0x7f.1 are addresses.
func isHost(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	const maxName, maxLabel = 253, 63
	name := strings.TrimSuffix(host, ".")
	labels := strings.Split(name, ".")
	last := strings.ToLower(labels[len(labels)-1])
	isNumber := strings.Trim(last, "0123456789") == "" || strings.HasPrefix(last, "0x") && strings.Trim(last[2:], "0123456789abcdef") == ""
	tooLong := func(label string) bool { return label == "" || len(label) > maxLabel }
	return len(name) <= maxName && !isNumber && !slices.ContainsFunc(labels, tooLong)
}

// BadSegment returns the index of the first segment of the URL's path that would change
// where the request goes, and why; the error is nil if there is none. It reads the path as
// servers do that decode it before they look at it: each segment is percent-decoded once,
// and cut at / and \, since these separate segments then. A part that is . or .. goes up,
// and servers drop a segment in which nothing is left.
//
// sample is a URL of the same segments, with a letter for each value: a segment that is
// empty there, too, is what the author wants.
func BadSegment(url, sample string) (i int, err error) {
	path, samplePath := pathOf(url), pathOf(sample)
	for ; ; i++ {
		segment, rest, more := strings.Cut(path, "/")
		sampleSegment, sampleRest, _ := strings.Cut(samplePath, "/")
		empty, dots := judge(segment)
		switch {
		case dots:
			return i, ErrDotSegment
		case empty:
			if sampleEmpty, _ := judge(sampleSegment); !sampleEmpty {
				return i, ErrEmptySegment
			}
		}
		if !more {
			return i, nil
		}
		path, samplePath = rest, sampleRest
	}
}

// What BadSegment finds.
var (
	ErrDotSegment   = problem.Errorf(problem.URLDotSegment, "a path segment that is . or .. would change the path")
	ErrEmptySegment = problem.Errorf(problem.URLEmptySegment, "a value that leaves a path segment empty would change the path")
)

// pathOf returns the path of a URL, without the slash at its start.
func pathOf(url string) string {
	_, rest, _ := strings.Cut(url, "://")
	rest, _, _ = strings.Cut(rest, "?")
	_, path, _ := strings.Cut(rest, "/")
	return path
}

// judge reports whether a segment consists of empty parts, and whether one of them is
// . or .., once it is decoded.
func judge(segment string) (empty, dots bool) {
	if strings.IndexByte(segment, '%') >= 0 {
		if decoded, err := url.PathUnescape(segment); err == nil {
			segment = decoded
		}
	}
	empty = true
	for segment != "" {
		part := segment
		end := strings.IndexAny(segment, `/\`)
		if end >= 0 {
			part = segment[:end]
		}
		part, _, _ = strings.Cut(part, ";") // some servers remove parameters first
		dots = dots || part == "." || part == ".."
		empty = empty && part == ""
		if end < 0 {
			break
		}
		segment = segment[end+1:]
	}
	return empty, dots
}
