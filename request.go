package webhook

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// What a request may be. Compile asks when a webhook is saved, and Try asks again before every attempt, since a message
// may have been made by hand or come out of a store.

// The limits on templates and on what they make. Each is checked at [Compile] where it can be, else when composing, and
// everything over one of them is an error that wraps [ErrLimit].
const (
	MaxTemplateSize = 64 << 10 // bytes of a URL, header or body template
	MaxPlaceholders = 500      // placeholders in all templates of one webhook
	MaxNameSize     = 256      // bytes of a placeholder's name, and of a header's
	MaxFilters      = 32       // filters of one placeholder
	MaxFilterWork   = 8 << 20  // bytes that all filters of one message take and give
	MaxDepth        = 32       // parts of a name; nesting of a body template, and of a value that is written as form fields
	MaxOutputSize   = 1 << 20  // bytes of a composed body
	MaxURLSize      = 8 << 10  // bytes of a composed URL
	MaxHeaderSize   = 8 << 10  // bytes of a composed header value; a longer one is cut at a rune boundary
	MaxHeaders      = 50       // headers of a webhook
)

// ErrLimit is wrapped by the errors of [Compile] and [Composer.Compose] when one of the limits (MaxTemplateSize and the
// others) is passed.
var ErrLimit = errors.New("over the limit")

// The methods that a webhook may use.
var methods = []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}

func checkMethod(method string) error {
	if !slices.Contains(methods, method) {
		return fmt.Errorf("unknown method %.32q, want one of %s", method, strings.Join(methods, ", "))
	}
	return nil
}

// checkURL parses a complete URL and refuses what must not be dialled. Its errors never quote the URL: a path or a query
// may hold personal data.
func checkURL(raw string) (*url.URL, error) {
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
		return nil, errors.New("URL has a character in its host that no host has")
	}
	if i := strings.LastIndexByte(u.Host, ':'); i >= 0 && !strings.HasSuffix(u.Host, "]") {
		if n, err := strconv.ParseUint(u.Host[i+1:], 10, 16); err != nil || n == 0 {
			return nil, errors.New("URL has a port outside 1 to 65535")
		}
	}
	return u, nil
}

// notInHosts reports whether no host name and no address has r; other alphabets' letters become ASCII when it is dialled.
func notInHosts(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) && !strings.ContainsRune("-._:", r) || r == unicode.ReplacementChar
}

// isSignatureHeader reports whether signers set the header, and nobody else.
func isSignatureHeader(canonical string) bool {
	switch canonical {
	case HeaderSignature, HeaderID, HeaderTimestamp, HeaderWebhookSignature:
		return true
	}
	return false
}

// isReservedHeader reports whether the header belongs to the connection or to the framing of the request, or unlocks the
// metadata services of clouds (a second line of defence behind the dial guard). Nobody sets it: net/http would leave some
// of them out.
func isReservedHeader(canonical string) bool {
	switch canonical {
	case "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization",
		"Te", "Trailer", "Transfer-Encoding", "Upgrade", "Http2-Settings",
		"Host", "Content-Length", "Content-Encoding", "Expect",
		"Metadata", "Metadata-Flavor":
		return true
	}
	return strings.HasPrefix(canonical, "X-Aws-Ec2-Metadata-Token")
}

// checkHeaderName refuses names that are not tokens and names that a webhook must not set. It returns the canonical name.
func checkHeaderName(name string) (canonical string, err error) {
	if err := checkToken(name); err != nil {
		return "", err
	}
	canonical = http.CanonicalHeaderKey(name)
	if isReservedHeader(canonical) || isSignatureHeader(canonical) {
		return "", fmt.Errorf("header %s must not be set", canonical)
	}
	return canonical, nil
}

// checkSignatureName is checkHeaderName for signers.
func checkSignatureName(name string) error {
	if err := checkToken(name); err != nil {
		return err
	}
	if canonical := http.CanonicalHeaderKey(name); isReservedHeader(canonical) { // the request would go out unsigned
		return fmt.Errorf("header %s must not be set", canonical)
	}
	return nil
}

// checkHeader refuses a message's header that has a name or value that must not be, a name twice, or too many.
func checkHeader(h http.Header) error {
	count := 0
	for name, values := range h {
		if count += max(len(values), 1); count > MaxHeaders {
			return fmt.Errorf("more than %d headers: %w", MaxHeaders, ErrLimit)
		}
		canonical, err := checkHeaderName(name)
		if err != nil {
			return err
		}
		if err := checkHeaderValues(name, values); err != nil {
			return err
		}
		if canonical == name {
			continue
		}
		for other := range h {
			if other != name && http.CanonicalHeaderKey(other) == canonical {
				return fmt.Errorf("header %s is there twice", canonical)
			}
		}
	}
	return nil
}

func checkHeaderValues(name string, values []string) error {
	for _, value := range values {
		if err := checkHeaderValue(value); err != nil {
			return fmt.Errorf("header %s: %w", name, err)
		}
	}
	return nil
}

// checkToken refuses what cannot be a header's name.
func checkToken(name string) error {
	if name == "" {
		return errors.New("empty header name")
	}
	if len(name) > MaxNameSize {
		return fmt.Errorf("header name of %d bytes, at most %d: %w", len(name), MaxNameSize, ErrLimit)
	}
	for i := range len(name) {
		if !tokenChars[name[i]] { // it may be a whole header line, with a credential
			return fmt.Errorf("a header name has a character that it must not have at offset %d", i)
		}
	}
	return nil
}

// checkHeaderValue refuses control characters other than TAB, which would end the header or be refused on the wire.
func checkHeaderValue(value string) error {
	if len(value) > MaxHeaderSize {
		return fmt.Errorf("header value of %d bytes, at most %d: %w", len(value), MaxHeaderSize, ErrLimit)
	}
	for i := range len(value) {
		if c := value[i]; c < ' ' && c != '\t' || c == 0x7f {
			return fmt.Errorf("header value has a control character at offset %d", i)
		}
	}
	return nil
}

// tokenChars has what may stand in a header name: tchar of RFC 9110, 5.6.2.
var tokenChars = func() (set [256]bool) {
	const chars = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	for i := range len(chars) {
		set[chars[i]] = true
	}
	return set
}()

// checkID holds a message id to what may stand in a header and in a signature: a dot would shift the fields of a
// Standard Webhooks signature.
func checkID(id string) error {
	if len(id) < 1 || len(id) > 64 {
		return fmt.Errorf("message id of %d bytes, want 1 to 64", len(id))
	}
	for i := range len(id) {
		c := id[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-') {
			return fmt.Errorf("message id has a character other than letters, digits, _ and - at offset %d", i)
		}
	}
	return nil
}
