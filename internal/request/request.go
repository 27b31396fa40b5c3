// Package request has the limits on what is composed and sent, and the checks of the
// parts of a request: method, URL, header and message id.
//
// Compile asks when a webhook is saved, and Try asks again before every attempt, since a
// message may have been made by hand or come out of a store.
package request

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// The limits, which package webhook exports under the same names.
const (
	MaxTemplateSize = 64 << 10
	MaxPlaceholders = 500
	MaxNameSize     = 256
	MaxFilters      = 32
	MaxFilterWork   = 8 << 20
	MaxDepth        = 32
	MaxOutputSize   = 1 << 20
	MaxURLSize      = 8 << 10
	MaxHeaderSize   = 8 << 10
	MaxHeaders      = 50
)

// ErrLimit is wrapped by errors about what is over one of the limits.
var ErrLimit = errors.New("over the limit")

// Methods are those that a webhook may use.
var Methods = []string{
	http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
}

// CheckMethod refuses all but Methods.
func CheckMethod(method string) error {
	if !slices.Contains(Methods, method) {
		return fmt.Errorf("unknown method %.32q, want one of %s", method, strings.Join(Methods, ", "))
	}
	return nil
}

// CheckID holds a message id to what may appear in a header and in a signature: a dot
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
