package http1

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"sync"
)

// maxHeadSize is how many bytes of a request are written first, with the header, to which
// the body is copied: a TLS record. What is left of a large body is written from where it
// is.
const maxHeadSize = 16 << 10

// appendHead appends what is written first of a request: its header and as much of its
// body as goes with it. It returns the rest of the body as well.
func appendHead(b []byte, r *Request, via route, auth string) (head, rest []byte, err error) {
	host := r.host
	if host == "" {
		host = r.URL.Host
	}
	if !isToken(r.Method) {
		return nil, nil, errors.New("invalid method")
	}
	b = append(append(b, r.Method...), ' ')
	start := len(b)
	if via == forward {
		b = append(append(append(b, r.URL.Scheme...), "://"...), r.URL.Host...)
	}
	b = appendTarget(b, r.URL)
	for _, c := range b[start:] {
		if c <= ' ' || c == 0x7f {
			return nil, nil, errors.New("invalid character in the URL")
		}
	}
	b = append(b, " HTTP/1.1\r\n"...)
	if b, err = appendField(b, "Host", host); err != nil {
		return nil, nil, err
	}
	if len(r.Body) > 0 || r.Method == http.MethodPost || r.Method == http.MethodPut || r.Method == http.MethodPatch {
		b = append(b, "Content-Length: "...)
		b = append(strconv.AppendInt(b, int64(len(r.Body)), 10), "\r\n"...)
	}
	if via == forward && auth != "" {
		b = append(append(append(b, "Proxy-Authorization: "...), auth...), "\r\n"...)
	}
	if b, err = appendFields(b, r.Header); err != nil {
		return nil, nil, err
	}
	b = append(b, "\r\n"...)
	n := max(0, min(len(r.Body), maxHeadSize-len(b)))
	return append(b, r.Body[:n]...), r.Body[n:], nil
}

func appendTarget(b []byte, u *url.URL) []byte {
	path := u.EscapedPath()
	if path == "" || path[0] != '/' {
		b = append(b, '/')
	}
	b = append(b, path...)
	if u.RawQuery != "" || u.ForceQuery {
		b = append(append(b, '?'), u.RawQuery...)
	}
	return b
}

// names has slices to sort the names of a header in.
var names = sync.Pool{New: func() any { s := make([]string, 0, 16); return &s }}

// appendFields appends a header in the order of its names, so that equal requests are
// equal bytes.
func appendFields(b []byte, header http.Header) (_ []byte, err error) {
	sorted := names.Get().(*[]string)
	defer func() {
		clear(*sorted)
		names.Put(sorted)
	}()
	*sorted = (*sorted)[:0]
	for name := range header {
		*sorted = append(*sorted, name)
	}
	slices.Sort(*sorted)
	for _, name := range *sorted {
		if !isToken(name) {
			return nil, errors.New("invalid name of a header")
		}
		switch http.CanonicalHeaderKey(name) {
		case "Host", "Content-Length", "Transfer-Encoding", "Trailer", "Connection", "Expect", "Te", "Upgrade":
			continue // they are ours
		}
		values := header[name]
		if name == "User-Agent" && len(values) > 0 { // one, or none if it is empty
			values = values[:min(len(values[0]), 1)]
		}
		for _, value := range values {
			if b, err = appendField(b, name, value); err != nil {
				return nil, err
			}
		}
	}
	return b, nil
}

func appendField(b []byte, name, value string) ([]byte, error) {
	for i := range len(value) {
		if c := value[i]; c < ' ' && c != '\t' || c == 0x7f {
			return nil, errors.New("invalid character in the header " + name)
		}
	}
	return append(append(append(append(b, name...), ": "...), textproto.TrimString(value)...), "\r\n"...), nil
}

// isToken reports whether s is a token of RFC 9110, 5.6.2.
func isToken(s string) bool {
	for i := range len(s) {
		if !tokens[s[i]] {
			return false
		}
	}
	return s != ""
}

var tokens = func() (set [256]bool) {
	for _, c := range []byte("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") {
		set[c] = true
	}
	return set
}()

// basicAuth returns the value of a header for a user, or "" for none.
func basicAuth(u *url.Userinfo) string {
	if u == nil {
		return ""
	}
	password, _ := u.Password()
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(u.Username()+":"+password))
}
