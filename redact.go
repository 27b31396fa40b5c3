package webhook

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"html"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ringhook/webhook/internal/http1"
)

const (
	minHidden = 6  // bytes of a value that is looked for; shorter ones are in any text
	minSecret = 8  // bytes of the shortest secret that there may be
	minPart   = 16 // bytes of a part of a signature
)

// Redact returns text, such as the Body or the Location of an attempt, with *** in
// place of what was sent that is secret: the values of the headers of m that may be
// credentials, from 6 bytes on (see [SensitiveHeader]), what Auth has and the tokens got with
// it, the secrets that the Signer has, and the signatures that it makes for that
// attempt. Receivers repeat them in their answers. They are also found percent-encoded,
// escaped as in JSON or HTML, and in base64; otherwise encoded they are not, nor a
// signature that is another one each time, or the secrets of a Signer that is not of
// this package.
//
// Auth and the Signer are asked again, unless text is too short to hold a secret; if one
// fails, all of text is ***. Redact does not change text.
func (c *Client) Redact(ctx context.Context, m *Message, a Attempt, text []byte) []byte {
	if m == nil || len(bytes.TrimSpace(text)) < minHidden {
		return text
	}
	var h hidden
	h.addHeader(m.Header, false)
	if !c.hideAuth(ctx, m.WebhookID, &h) {
		return []byte(Mask)
	}
	if c.Signer != nil && len(text) >= minSecret {
		signature := make(http.Header)
		if err := c.sign(ctx, m, a.At, signature); err != nil || !h.addSecrets(ctx, c.Signer, m) {
			return []byte(Mask)
		}
		h.addHeader(signature, true)
	}
	return h.replace(text, len(text) >= http1.MaxBody)
}

// hidden are the values that must not be shown.
type hidden []string

func (h *hidden) add(value string, atLeast int) {
	if value = strings.TrimSpace(value); len(value) >= atLeast {
		*h = append(*h, value)
	}
}

// addHeader adds the values of a header, of signatures also the parts.
func (h *hidden) addHeader(header http.Header, signature bool) {
	for name, values := range header {
		if !SensitiveHeader(name) {
			continue
		}
		for _, value := range values {
			h.add(value, minHidden)
			if scheme, rest, ok := strings.Cut(strings.TrimSpace(value), " "); ok && isWord(scheme) {
				h.addCredentials(scheme, rest)
			}
			if !signature {
				continue
			}
			// as of v1,base64 v1,base64 and of t=1,v1=hex
			parts := strings.FieldsFunc(value, func(r rune) bool { return r == ' ' || r == ',' || r == ';' })
			for _, part := range parts {
				h.add(part, minPart)
				_, after, _ := strings.Cut(part, "=")
				h.add(after, minPart)
			}
		}
	}
}

// addCredentials adds what follows the scheme in a header such as Authorization.
func (h *hidden) addCredentials(scheme, rest string) {
	h.add(rest, minHidden)
	if !strings.EqualFold(scheme, "Basic") {
		return
	}
	if plain, err := base64.StdEncoding.DecodeString(strings.TrimSpace(rest)); err == nil {
		_, password, _ := strings.Cut(string(plain), ":")
		h.add(string(plain), minHidden)
		h.add(password, minHidden)
	}
}

func isWord(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && r != '-' }) < 0
}

// addSecrets adds those of a signer, and reports whether it could.
func (h *hidden) addSecrets(ctx context.Context, signer Signer, m *Message) (ok bool) {
	keeper, isKeeper := signer.(interface {
		signWith(ctx context.Context, webhookID string) ([]Secret, error)
	})
	if !isKeeper || m == nil {
		return true
	}
	defer func() {
		if recover() != nil { // of a Keyring
			ok = false
		}
	}()
	secrets, err := keeper.signWith(ctx, m.WebhookID)
	if err != nil {
		return false
	}
	for _, secret := range secrets {
		if secret.key == nil || secret.isWebhookID {
			continue
		}
		raw := secret.key.Bytes()
		*h = append(*h, string(raw)) // with blanks, if it has some at its ends
		h.add(base64.StdEncoding.EncodeToString(raw), minHidden)
	}
	return true
}

// signWith returns the secrets that Sign uses.
func (h HMAC) signWith(ctx context.Context, webhookID string) ([]Secret, error) {
	if h.Keys == nil {
		return nil, nil
	}
	return h.Keys.secrets(ctx, webhookID)
}

// signWith returns the secrets that Sign uses.
func (s StandardWebhooks) signWith(ctx context.Context, webhookID string) ([]Secret, error) {
	return s.Keys.secrets(ctx, webhookID)
}

// signWith returns the secrets of all signers that tell theirs.
func (s Signers) signWith(ctx context.Context, webhookID string) (all []Secret, err error) {
	for _, signer := range s {
		keeper, ok := signer.(interface {
			signWith(ctx context.Context, webhookID string) ([]Secret, error)
		})
		if !ok {
			continue
		}
		secrets, err := keeper.signWith(ctx, webhookID)
		if err != nil {
			return nil, err
		}
		all = append(all, secrets...)
	}
	return all, nil
}

// replace hides the values in text. If text was cut at its end, so is perhaps a value; so
// it is at the end of a line that is as long as the value of a header that was cut.
func (h hidden) replace(text []byte, isCut bool) []byte {
	forms := h.forms()
	for _, form := range forms {
		if bytes.Contains(text, []byte(form)) {
			text = bytes.ReplaceAll(text, []byte(form), []byte(Mask))
		}
	}
	lines := bytes.Split(text, []byte("\n"))
	for i, line := range lines {
		if isCut && i == len(lines)-1 || len(line) >= maxAnswerValue-utf8.UTFMax {
			lines[i] = hideCut(line, forms)
		}
	}
	return bytes.Join(lines, []byte("\n"))
}

// hideCut hides the beginning of a value that a line ends with.
func hideCut(line []byte, forms []string) []byte {
	for _, form := range forms {
		for n := min(len(form)-1, len(line)); n >= minHidden; n-- {
			if bytes.HasSuffix(line, []byte(form[:n])) {
				return append(slices.Clip(line[:len(line)-n]), Mask...)
			}
		}
	}
	return line
}

// forms returns the values in all the ways that they are looked for, the longest first,
// so that no part of one is left.
func (h hidden) forms() []string {
	forms := make([]string, 0, 8*len(h))
	for _, value := range h {
		query, path := url.QueryEscape(value), url.PathEscape(value)
		forms = append(forms, value, query, lowerHex(query), path, lowerHex(path),
			html.EscapeString(value), strings.ReplaceAll(value, "/", `\/`),
			strings.ReplaceAll(strings.ReplaceAll(value, `\`, `\\`), `"`, `\"`),
			// without the last characters, which depend on what follows
			strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(value)), "="),
			strings.TrimRight(base64.URLEncoding.EncodeToString([]byte(value)), "="))
	}
	slices.SortFunc(forms, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b))
	})
	return slices.Compact(forms)
}

// lowerHex writes the digits of percent-encoding in lower case.
func lowerHex(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	b := []byte(s)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i:i+3], bytes.ToLower(b[i:i+3]))
		}
	}
	return string(b)
}
