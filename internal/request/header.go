package request

import (
	"fmt"
	"net/http"
	"strings"
	"unicode"

	"github.com/ringhook/webhook/internal/problem"
)

// The headers that signers set, which package webhook exports under the same names.
const (
	HeaderID               = "Webhook-Id"
	HeaderTimestamp        = "Webhook-Timestamp"
	HeaderWebhookSignature = "Webhook-Signature"
	HeaderSignature        = "Signature"
)

// isSignatureHeader reports whether only signers may set the header.
func isSignatureHeader(canonical string) bool {
	switch canonical {
	case HeaderSignature, HeaderID, HeaderTimestamp, HeaderWebhookSignature:
		return true
	}
	return false
}

// isReservedHeader reports whether the header belongs to the connection or to the
// framing of the request, or gives access to the metadata services of clouds (a second
// line of defence after the dial guard). No webhook and no signer may set it: net/http
// would drop some of these headers.
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

// CheckHeaderName refuses names that are not tokens, and headers that a webhook must
// not set. It returns the canonical name.
func CheckHeaderName(name string) (canonical string, err error) {
	if err := checkToken(name); err != nil {
		return "", err
	}
	canonical = http.CanonicalHeaderKey(name)
	if isReservedHeader(canonical) || isSignatureHeader(canonical) {
		return "", problem.Errorf(problem.HeaderReserved, "header %s must not be set", canonical)
	}
	return canonical, nil
}

// CheckSignatureName is CheckHeaderName for the headers that signers set.
func CheckSignatureName(name string) (canonical string, err error) {
	if err := checkToken(name); err != nil {
		return "", err
	}
	canonical = http.CanonicalHeaderKey(name)
	if isReservedHeader(canonical) { // net/http would send the request unsigned
		return "", problem.Errorf(problem.HeaderReserved, "header %s must not be set", canonical)
	}
	return canonical, nil
}

// CheckHeader refuses a message's header that has an invalid name or value, a name
// twice, or too many names. The Content-Type does not count: it is added to those of a
// webhook.
func CheckHeader(h http.Header) error {
	count := 0
	for name, values := range h {
		canonical, err := CheckHeaderName(name)
		if err != nil {
			return err
		}
		count += max(len(values), 1)
		if canonical == "Content-Type" && len(values) == 1 {
			count--
		}
		if count > MaxHeaders {
			return fmt.Errorf("more than %d headers: %w", MaxHeaders, ErrLimit)
		}
		if err := CheckHeaderValues(name, values); err != nil {
			return err
		}
		if canonical == name {
			continue
		}
		for other := range h {
			if other != name && http.CanonicalHeaderKey(other) == canonical {
				return DuplicateHeader(canonical)
			}
		}
	}
	return nil
}

// DuplicateHeader returns the error for a header name that occurs twice, in any case.
func DuplicateHeader(canonical string) error {
	return problem.Errorf(problem.HeaderTwice, "duplicate header %s", canonical)
}

// CheckHeaderValues refuses values that are not allowed in a header.
func CheckHeaderValues(name string, values []string) error {
	for _, value := range values {
		if err := checkHeaderValue(value); err != nil {
			return fmt.Errorf("header %s: %w", name, err)
		}
	}
	return nil
}

// checkHeaderValue refuses values that are too long, and control characters other than
// TAB, which would end the header or be refused on the wire.
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

// IsHeaderControl reports whether a character of a header's value becomes a blank.
func IsHeaderControl(r rune) bool { return unicode.IsControl(r) && r != '\t' }

// checkToken refuses text that cannot be the name of a header.
func checkToken(name string) error {
	if name == "" {
		return problem.Errorf(problem.HeaderNameEmpty, "empty header name")
	}
	if len(name) > MaxNameSize {
		return problem.Errorf(problem.HeaderNameTooLong, "header name of %d bytes, at most %d: %w", len(name), MaxNameSize, ErrLimit)
	}
	for i := range len(name) {
		if !tokenChars[name[i]] { // not quoted: it may be a header line with a credential
			return problem.Errorf(problem.HeaderNameCharacter, "invalid character in a header name at offset %d", i)
		}
	}
	return nil
}

// tokenChars has the characters of header names: tchar of RFC 9110, 5.6.2.
var tokenChars = func() (set [256]bool) {
	const chars = "!#$%&'*+-.^_`|~0123456789" +
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	for i := range len(chars) {
		set[chars[i]] = true
	}
	return set
}()
