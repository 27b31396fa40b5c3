package webhook

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ringhook/webhook/internal/request"
)

// Curl returns a command for a POSIX shell that sends the request of m with curl, for
// people to look at. What may be a credential is written as ***: the values of all
// headers and query parameters that are sensitive, see [SensitiveHeader] and
// [SensitiveParameter]. The path and the body are shown as they are.
//
// Names decide, and not whether a value is fixed text in the template or came from the
// event: a credential is fixed text there, so that would show what must be masked, and mask
// the ids that people look for.
//
// The request has the method, URL, headers and body that [Client.Try] sends. It is not
// signed, since signatures are made for each attempt, so a receiver that verifies will
// refuse it. The connection is curl's own: it heeds no [Egress] and no [Policy], uses
// the proxy of the environment, and leaves the scheme's own port out of Host.
//
// The command needs curl 7.42 or later. Its text is UTF-8 without control characters
// but newline and tab, whatever m holds. For a message that Try refuses it begins with
// a colon and the reason, and does nothing.
func (m *Message) Curl() string { return m.curl(false, defaultUserAgent) }

// CurlWithSecrets is [Message.Curl] with every value in full. It is for the author of
// the webhook only.
func (m *Message) CurlWithSecrets() string { return m.curl(true, defaultUserAgent) }

// Curl is [Message.Curl] with the UserAgent of c.
func (c *Client) Curl(m *Message) string { return m.curl(false, c.userAgent()) }

// CurlWithSecrets is [Message.CurlWithSecrets] with the UserAgent of c.
func (c *Client) CurlWithSecrets(m *Message) string { return m.curl(true, c.userAgent()) }

// Masked returns a copy of m with *** in place of what [Message.Curl] masks, for people to
// look at: the values of headers and of query parameters that may be credentials. The
// body is the same.
func (m *Message) Masked() *Message {
	if m == nil {
		return nil
	}
	_, refused := m.check()
	c := *m
	c.URL, c.Header = maskURL(m.URL, refused != nil), m.Header.Clone()
	for name, values := range c.Header {
		if !SensitiveHeader(name) {
			continue
		}
		for i, value := range values {
			if strings.Trim(value, " \t") != "" {
				values[i] = Mask
			}
		}
	}
	return &c
}

// maxArgument is how long a body may be as an argument, and a piece of one in the
// shell. Linux takes at most 128 KiB.
const maxArgument = 32 << 10

func (m *Message) curl(secrets bool, agent string) string {
	var b strings.Builder
	u, refused := m.check()
	if m == nil {
		m = &Message{}
	}
	address, body := m.URL, string(m.Body)
	if refused != nil {
		b.WriteString(": " + shellQuote("webhook: invalid message: "+refused.Error()) + " \\\n  ")
	} else {
		address = u.Scheme + "://" + u.Host + u.RequestURI() // as net/http writes it
		if isFile := strings.HasPrefix(body, "@"); isFile || len(body) > maxArgument || !isPlain(body) {
			b.WriteString(printfCommand(body) + " | ")
			body = "@-"
		}
	}
	shown := m
	if !secrets {
		shown, address = m.Masked(), maskURL(address, refused != nil)
	}
	// With an empty body net/http says Content-Length: 0 for these methods, and so
	// does curl for an empty --data-binary.
	data := body != "" || m.Method == http.MethodPost || m.Method == http.MethodPut || m.Method == http.MethodPatch
	// Without the user's .curlrc; no patterns in the URL, and no dot segments taken out
	// of it.
	b.WriteString("curl -q -g --path-as-is -X " + shellQuote(m.Method) + " " + shellQuote(address))
	for _, line := range shown.curlHeader(data, agent) {
		b.WriteString(" \\\n  -H " + shellQuote(line))
	}
	if data {
		b.WriteString(" \\\n  --data-binary " + shellQuote(body))
	}
	return b.String()
}

// curlHeader returns the arguments for the header that [Client.Try] sends: "Name:
// value", "Name;" for a value that is empty, and "Name:" for a header that curl would
// add by itself.
func (m *Message) curlHeader(data bool, agent string) []string {
	header := http.Header{"User-Agent": {agent}} // Accept: */* is curl's own
	if data {
		header["Content-Type"] = nil
	}
	if len(m.Body) > 1024 {
		header["Expect"] = nil
	}
	for _, name := range slices.Sorted(maps.Keys(m.Header)) {
		if canonical := http.CanonicalHeaderKey(name); len(m.Header[name]) > 0 || canonical == "User-Agent" || canonical == "Accept" {
			header[canonical] = m.Header[name]
		}
	}
	header.Set(HeaderID, m.ID)
	// net/http sends the first one, if it is not empty
	if agents := header["User-Agent"]; len(agents) > 0 {
		header["User-Agent"] = agents[:min(len(agents[0]), 1)]
	}
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(header)) {
		if len(header[name]) == 0 {
			lines = append(lines, name+":")
		}
		for _, value := range header[name] {
			value = strings.Trim(value, " \t") // as net/http does
			if value == "" {
				lines = append(lines, name+";")
			} else {
				lines = append(lines, name+": "+value)
			}
		}
	}
	return lines
}

// maskURL hides the values of parameters that may be credentials and, if the URL is
// refused, what may be a user.
func maskURL(address string, refused bool) string {
	if at := strings.LastIndexByte(address, '@'); refused && at >= 0 {
		user := strings.Index(address[:at], "://") + 1
		if user > 0 {
			user += len("//")
		}
		address = address[:user] + Mask + address[at:]
	}
	before, query, found := strings.Cut(address, "?")
	if !found {
		return before
	}
	b := []byte(before + "?")
	for query != "" { // some receivers separate parameters by ;
		end := strings.IndexAny(query, "&;")
		if end < 0 {
			end = len(query)
		}
		b = append(b, maskParameter(query[:end])...)
		if query = query[end:]; query != "" {
			b, query = append(b, query[0]), query[1:]
		}
	}
	return string(b)
}

// maskParameter hides the value of a query parameter. Without a value, the name may be one.
func maskParameter(parameter string) string {
	name, value, found := strings.Cut(parameter, "=")
	switch {
	case parameter == "" || found && value == "" || !SensitiveParameter(name):
		return parameter
	case !found:
		return Mask
	}
	return name + "=" + Mask
}

// shellQuote returns s as one word of a POSIX shell. If s is not plain, newlines at its
// end are lost.
func shellQuote(s string) string {
	switch {
	case slices.Contains(request.Methods, s):
		return s
	case isPlain(s):
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	return `"$(` + printfCommand(s) + `)"`
}

// printfCommand returns a command that prints s, in as many pieces as its length asks
// for.
func printfCommand(s string) string {
	var pieces []string
	var b strings.Builder
	for i := 0; i < len(s); {
		_, n := utf8.DecodeRuneInString(s[i:])
		switch char := s[i : i+n]; {
		case char == "%":
			b.WriteString("%%")
		case !isPlain(char), char == "'", char == `\`, char == "-" && b.Len() == 0:
			// a - at the front would be an option
			for _, c := range []byte(char) {
				fmt.Fprintf(&b, `\%03o`, c)
			}
		default:
			b.WriteString(char)
		}
		if i += n; i == len(s) || b.Len() >= maxArgument {
			pieces = append(pieces, "printf '"+b.String()+"'")
			b.Reset()
		}
	}
	if len(pieces) == 1 {
		return pieces[0]
	}
	return "{ " + strings.Join(pieces, "\n  ") + "; }"
}

// isPlain reports whether s can be shown and pasted as it is: UTF-8 that steers no
// terminal.
func isPlain(s string) bool {
	steers := func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }
	return utf8.ValidString(s) && strings.IndexFunc(s, steers) < 0
}
