// Package request has the limits of webhooks and messages, and the checks of the parts
// of a request: method, URL, header and message id.
//
// Compile checks a webhook when it is saved. Try checks a message again before every
// attempt, since it may be made by hand or come from a store.
package request

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/ringhook/webhook/internal/problem"
)

// The limits, which package webhook exports under the same names.
const (
	MaxTemplateSize = 64 << 10
	MaxPlaceholders = 500
	MaxNameSize     = 256
	MaxFilters      = 32
	MaxFilterWork   = 8 << 20
	MaxPatternSize  = 256 // of a text that is looked for in another: some longer ones take very long
	MaxDepth        = 32
	MaxOutputSize   = 1 << 20
	MaxURLSize      = 8 << 10
	MaxHeaderSize   = 4 << 10 // common servers refuse 8 KiB
	MaxHeaders      = 50
)

// ErrLimit is wrapped by the errors about one of the limits.
var ErrLimit = errors.New("over the limit")

// Methods has the methods that a webhook may use.
var Methods = []string{
	http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
}

// CheckMethod refuses methods that are not in Methods.
func CheckMethod(method string) error {
	if !slices.Contains(Methods, method) {
		return problem.Errorf(problem.UnknownMethod, "unknown method %.32q, want one of %s", method, strings.Join(Methods, ", "))
	}
	return nil
}

// IsTraceparent reports whether s is a traceparent of version 00 of W3C Trace Context:
// 00-TRACE-SPAN-FLAGS, in lower case hexadecimal digits, with a trace and a span.
func IsTraceparent(s string) bool {
	const form = "00-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-xxxxxxxxxxxxxxxx-xx"
	if len(s) != len(form) {
		return false
	}
	for i := range len(form) {
		c := s[i]
		isHex := '0' <= c && c <= '9' || 'a' <= c && c <= 'f'
		if form[i] == 'x' && !isHex || form[i] != 'x' && c != form[i] {
			return false
		}
	}
	return strings.Trim(s[3:35], "0") != "" && strings.Trim(s[36:52], "0") != ""
}

// CheckID refuses message ids that must not occur in a header or in a signature: a dot
// would shift the fields of a Standard Webhooks signature.
func CheckID(id string) error {
	if len(id) < 1 || len(id) > 64 {
		return fmt.Errorf("message id of %d bytes, want 1 to 64", len(id))
	}
	for i := range len(id) {
		c := id[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (c < '0' || c > '9') && c != '_' && c != '-' {
			return fmt.Errorf("message id has a character other than letters, digits, _ and - at offset %d", i)
		}
	}
	return nil
}
