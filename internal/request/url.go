package request

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"unicode"
)

// ParseURL parses a complete URL and refuses URLs that must not be dialled. Its errors
// never quote the URL: a path or a query may contain personal data.
func ParseURL(raw string) (*url.URL, error) {
	if len(raw) > MaxURLSize {
		return nil, fmt.Errorf("URL of %d bytes, at most %d: %w", len(raw), MaxURLSize, ErrLimit)
	}
	for i := range len(raw) {
		if c := raw[i]; c <= ' ' || c == 0x7f || c == '\\' {
			return nil, fmt.Errorf("URL has a blank, a control character or a backslash at offset %d", i)
		}
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, errors.New("URL cannot be parsed") // the parser's text quotes the URL
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("URL must start with http:// or https://")
	case u.User != nil:
		return nil, errors.New("URL must not have a user name or password; use a header")
	case strings.Contains(raw, "#"):
		return nil, errors.New("URL must not have a fragment")
	case u.Opaque != "" || u.Hostname() == "":
		return nil, errors.New("URL has no host")
	case strings.Contains(u.Host, "%"):
		return nil, errors.New("URL must not have a zone in its host")
	case strings.IndexFunc(u.Hostname(), notInHosts) >= 0:
		return nil, errors.New("URL has an invalid character in its host")
	}
	if i := strings.LastIndexByte(u.Host, ':'); i >= 0 && !strings.HasSuffix(u.Host, "]") {
		if n, err := strconv.ParseUint(u.Host[i+1:], 10, 16); err != nil || n == 0 {
			return nil, errors.New("URL has a port outside 1 to 65535")
		}
	}
	return u, nil
}

// notInHosts reports whether r never occurs in a host name or an address. Letters of
// other alphabets become ASCII when the host is dialled.
func notInHosts(r rune) bool {
	if unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) {
		return false
	}
	return !strings.ContainsRune("-._:", r) || r == unicode.ReplacementChar
}

// HasDotSegment reports whether a segment of the URL's path is . or .., in any
// encoding: it would change the path.
func HasDotSegment(url string) bool {
	_, rest, _ := strings.Cut(url, "://")
	rest, _, _ = strings.Cut(rest, "?")
	_, path, _ := strings.Cut(rest, "/")
	for segment := range strings.SplitSeq(path, "/") {
		// Some servers remove parameters first.
		segment, _, _ = strings.Cut(segment, ";")
		if len(segment) > len("%2e%2e") || segment == "" {
			continue
		}
		segment = strings.ReplaceAll(strings.ReplaceAll(segment, "%2e", "."), "%2E", ".")
		if segment == "." || segment == ".." {
			return true
		}
	}
	return false
}
