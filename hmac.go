package webhook

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/ringhook/webhook/internal/mac"
	"github.com/ringhook/webhook/internal/request"
)

// HMAC signs with HMAC-SHA256 in the form that its fields describe. The zero HMAC is the
// platform's: the header Signature holds the MAC of the body in lower-case hex, which PHP
// checks with hash_hmac('sha256', $body, $key), and the key is the webhook's id. [GitHub],
// [Shopify], [Stripe] and [Slack] describe forms for which receivers have libraries.
//
// The webhook's id is no secret: it is in API calls, and whoever knows it can sign. Nor
// does the zero HMAC cover a time, an id or the URL, so a request that was seen once can be
// sent again for ever. [StandardWebhooks] with a secret from [GenerateSecret] has neither
// weakness and is recommended; see [Signers] for the time of the change.
//
// For a GET, which has no body, {body} is the query as it is in the URL, without the
// question mark. The platform signs the body that a GET does not have, which no receiver
// can check; [Verifier.Handler] checks ours. The query of any other method is not covered,
// so that of a request of [FormatNone] nothing is.
//
// All but Keys is plain data with a JSON form. HMAC is safe for concurrent use.
type HMAC struct {
	// Keys gives the secrets of a webhook. If nil, the key is WebhookIDSecret of the
	// message's WebhookID. The first one signs; if Value is a list, all do.
	Keys Keyring `json:"-"`
	// Header is the name of the header. If empty, HeaderSignature is used.
	Header string `json:"header,omitzero"`
	// Signed is what is signed: a text with {body} in it and perhaps {t}, the time of the
	// attempt in seconds since 1970, such as "{t}.{body}". If empty, "{body}".
	Signed string `json:"signed,omitzero"`
	// Value is the value of the header: a text of printable ASCII with {mac} in it and
	// perhaps {t}, such as "sha256={mac}". If there are commas in it, or semicolons, it is
	// a list: its element with {mac} is there once for each key, newest first, so that
	// "t={t},v1={mac}" gives "t=1614265330,v1=…,v1=…" while a secret is replaced. If
	// empty, "{mac}".
	Value string `json:"value,omitzero"`
	// TimeHeader is the name of a header for the time, if it is signed and Value does not
	// have it.
	TimeHeader string `json:"time_header,omitzero"`
	// Encoding is how the MAC is written. If empty, EncodingHex.
	Encoding Encoding `json:"encoding,omitzero"`
	// Text makes the text that [Secret.Reveal] returns the key, whsec_ included, rather
	// than the bytes that it stands for. It is for receivers whose library takes the
	// secret as it was pasted. A secret that a receiver had before, made by
	// [ExistingSecret] of its text, wants it to be false.
	Text bool `json:"text,omitzero"`
}

var _ Signer = HMAC{}

// An Encoding is how an [HMAC] writes a MAC.
type Encoding string

// The encodings.
const (
	EncodingHex    Encoding = "hex"    // lower case; a Verifier takes both cases
	EncodingBase64 Encoding = "base64" // standard, with padding
)

// GitHub describes the header X-Hub-Signature-256 of GitHub and of Meta (WhatsApp,
// Messenger): sha256= and the MAC of the body. The first key signs. See
// https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries.
func GitHub(keys Keyring) HMAC {
	return HMAC{Keys: keys, Header: "X-Hub-Signature-256", Value: "sha256={mac}", Text: true}
}

// Shopify describes the header X-Shopify-Hmac-Sha256: the MAC of the body in base64. The
// first key signs. See
// https://shopify.dev/docs/apps/build/webhooks/subscribe/https.
func Shopify(keys Keyring) HMAC {
	return HMAC{Keys: keys, Header: "X-Shopify-Hmac-Sha256", Encoding: EncodingBase64, Text: true}
}

// Stripe describes the header Stripe-Signature, with a signed time and a MAC for every key.
// See https://docs.stripe.com/webhooks#verify-manually.
func Stripe(keys Keyring) HMAC {
	return HMAC{Keys: keys, Header: "Stripe-Signature", Signed: "{t}.{body}", Value: "t={t},v1={mac}", Text: true}
}

// Slack describes the headers X-Slack-Signature and X-Slack-Request-Timestamp, which is
// signed with the body. The first key signs. See
// https://api.slack.com/authentication/verifying-requests-from-slack.
func Slack(keys Keyring) HMAC {
	return HMAC{
		Keys: keys, Header: "X-Slack-Signature", Signed: "v0:{t}:{body}", Value: "v0={mac}",
		TimeHeader: "X-Slack-Request-Timestamp", Text: true,
	}
}

// Check returns what is wrong with the description, or nil. [HMAC.Sign] and a [Verifier]
// fail with the same: call it at start-up, or where a description is saved.
func (h HMAC) Check() error {
	if _, err := h.form(); err != nil {
		return fmt.Errorf("webhook: %w", err)
	}
	return nil
}

// Sign sets the signature of m. It fails with [ErrNoKey], with the error of Keys, if the
// description is faulty, or if the URL of a GET is not valid.
func (h HMAC) Sign(ctx context.Context, m *Message, at time.Time, header http.Header) error {
	form, err := h.form()
	if err != nil {
		return err
	}
	var ownID [1]Secret
	secrets := ownID[:]
	if h.Keys == nil {
		secrets[0] = WebhookIDSecret(m.WebhookID)
	} else if secrets, err = h.Keys.secrets(ctx, m.WebhookID); err != nil {
		return err
	}
	if !form.isList() {
		secrets = secrets[:1]
	}
	covered := m.Body
	if m.Method == http.MethodGet {
		u, err := request.ParseURL(m.URL)
		if err != nil {
			return err
		}
		covered = []byte(u.RawQuery)
	}
	var t []byte
	if form.signed.has(placeTime) {
		t = strconv.AppendInt(nil, at.Unix(), 10)
	}
	var buf [128]byte
	value, err := form.appendValue(buf[:0], h.Text, secrets, t, covered)
	if err != nil {
		return err
	}
	header[form.header] = []string{string(value)}
	if form.timeHeader != "" {
		header[form.timeHeader] = []string{string(t)}
	}
	return nil
}

// appendValue appends the value of the header.
func (f *hmacForm) appendValue(dst []byte, text bool, secrets []Secret, t, body []byte) ([]byte, error) {
	for i, element := range f.elements {
		if i > 0 {
			dst = append(dst, f.separator)
		}
		if !element.has(placeMAC) {
			dst = element.append(dst, t, nil)
			continue
		}
		for n, secret := range secrets {
			key := secret.mac(text)
			if key == nil {
				return nil, ErrNoKey
			}
			if n > 0 {
				dst = append(dst, f.separator)
			}
			sum := f.sum(key, t, body)
			var encoded [2 * len(sum)]byte
			if f.encoding == EncodingBase64 {
				dst = element.append(dst, t, base64.StdEncoding.AppendEncode(encoded[:0], sum[:]))
			} else {
				dst = element.append(dst, t, hex.AppendEncode(encoded[:0], sum[:]))
			}
		}
	}
	return dst, nil
}

// sum returns the MAC of what is signed.
func (f *hmacForm) sum(key *mac.Key, t, body []byte) [mac.Size]byte {
	if f.signed == (pattern{places: [2]string{placeBody}, n: 1}) {
		return key.Sum(body)
	}
	var parts [5][]byte
	for i := range f.signed.n + 1 {
		parts[2*i] = []byte(f.signed.texts[i])
		if i == f.signed.n {
			break
		}
		parts[2*i+1] = body
		if f.signed.places[i] == placeTime {
			parts[2*i+1] = t
		}
	}
	return key.Sum(parts[:]...)
}

// An hmacForm is the description of an [HMAC], read and checked.
type hmacForm struct {
	header, timeHeader string
	signed             pattern
	elements           []pattern // of the value
	separator          byte      // between them; zero if the value is no list
	encoding           Encoding
}

func (f *hmacForm) isList() bool { return f.separator != 0 }

// maxDescription is how many bytes Signed and Value may have.
const maxDescription = 256

var plainElements = []pattern{{places: [2]string{placeMAC}, n: 1}} // never written to

// form reads the description. Its errors begin with the field.
func (h HMAC) form() (f hmacForm, err error) {
	if f.header, f.timeHeader, err = h.names(); err != nil {
		return f, err
	}
	switch f.encoding = h.Encoding; f.encoding {
	case "":
		f.encoding = EncodingHex
	case EncodingHex, EncodingBase64:
	default:
		return f, fmt.Errorf("hmac encoding: %q, want hex or base64", string(h.Encoding))
	}
	if f.signed, err = parseSigned(h.Signed); err != nil {
		return f, fmt.Errorf("hmac signed: %w", err)
	}
	if f.elements, f.separator, err = parseValue(h.Value); err != nil {
		return f, fmt.Errorf("hmac value: %w", err)
	}
	isSent := f.timeHeader != ""
	for _, element := range f.elements {
		if element.has(placeTime) && isSent {
			return f, errors.New("hmac value: {t} is there already, in the value or in the time header")
		}
		isSent = isSent || element.has(placeTime)
	}
	switch isSigned := f.signed.has(placeTime); {
	case isSigned && !isSent:
		return f, errors.New("hmac signed: {t} is sent nowhere: put it into the value, or into a time header")
	case isSent && !isSigned:
		return f, errors.New("hmac signed: {t} is missing, so that anybody could change the time that is sent")
	}
	return f, nil
}

// names returns the canonical names of the headers.
func (h HMAC) names() (header, timeHeader string, err error) {
	header = HeaderSignature
	if h.Header != "" {
		if header, err = request.CheckSignatureName(h.Header); err != nil {
			return "", "", fmt.Errorf("hmac header: %w", err)
		}
	}
	if h.TimeHeader != "" {
		if timeHeader, err = request.CheckSignatureName(h.TimeHeader); err != nil {
			return "", "", fmt.Errorf("hmac time header: %w", err)
		}
	}
	switch {
	case header == HeaderID || timeHeader == HeaderID:
		return "", "", errors.New("hmac header: Webhook-Id has the id")
	case header == timeHeader:
		return "", "", errors.New("hmac time header: it is that of the signature")
	}
	return header, timeHeader, nil
}

func parseSigned(s string) (pattern, error) {
	if s == "" {
		return pattern{places: [2]string{placeBody}, n: 1}, nil
	}
	if len(s) > maxDescription {
		return pattern{}, fmt.Errorf("%d bytes, at most %d", len(s), maxDescription)
	}
	p, err := parsePattern(s, placeBody, placeTime)
	switch {
	case err != nil:
		return p, err
	case !p.has(placeBody):
		return p, errors.New("{body} is missing")
	case p.n > 1 && strings.Trim(p.texts[1], "0123456789") == "":
		// else a digit of one could be taken for one of the other
		return p, errors.New("between {t} and {body} there must be something other than digits")
	}
	return p, nil
}

func parseValue(s string) (elements []pattern, separator byte, err error) {
	if s == "" {
		return plainElements, 0, nil
	}
	if strings.Trim(s, " ") != s || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) {
		return nil, 0, errors.New("there is something other than printable ASCII in it, or a blank at an end")
	}
	for _, char := range []byte{',', ';'} {
		if strings.IndexByte(s, char) < 0 {
			continue
		}
		if separator != 0 {
			return nil, 0, errors.New("it has commas and semicolons")
		}
		separator = char
	}
	if len(s) > maxDescription {
		return nil, 0, fmt.Errorf("%d bytes, at most %d", len(s), maxDescription)
	}
	macs := 0
	for more := true; more; {
		element := s
		if separator != 0 {
			element, s, more = strings.Cut(s, string(separator))
		} else {
			more = false
		}
		p, err := parsePattern(element, placeMAC, placeTime)
		if err != nil {
			return nil, 0, err
		}
		if p.has(placeMAC) {
			macs++
		}
		if p.n > 1 && separator != 0 {
			return nil, 0, errors.New("{t} and {mac} are in one element of a list")
		}
		elements = append(elements, p)
	}
	if macs != 1 {
		return nil, 0, errors.New("{mac} must be there once")
	}
	return elements, separator, nil
}

// appendMACs appends the MACs that a header's value has, and returns the time if it is in
// there. Elements of a list that are not of the form are passed over, as there may be
// new ones; two times are none.
func (f *hmacForm) appendMACs(macs [][mac.Size]byte, value string) (_ [][mac.Size]byte, t string, ok bool) {
	for n, more := 0, true; more && n < maxSignatures; n++ {
		text := value
		if more = f.isList(); more {
			text, value, more = strings.Cut(value, string(f.separator))
			text = strings.Trim(text, " \t")
		}
		for _, element := range f.elements {
			if f.isList() {
				element = element.trimmed()
			}
			gotTime, gotMAC, matches := element.match(text, f.encodedLen())
			if !matches {
				continue
			}
			if element.has(placeTime) {
				if _, isTime := parseTime(gotTime); !isTime {
					continue
				}
				if t != "" {
					return nil, "", false
				}
				t = gotTime
			}
			if sum, isMAC := f.decode(gotMAC); element.has(placeMAC) && isMAC {
				macs = append(macs, sum)
			}
		}
	}
	return macs, t, true
}

func (f *hmacForm) encodedLen() int {
	if f.encoding == EncodingBase64 {
		return base64.StdEncoding.EncodedLen(mac.Size)
	}
	return hex.EncodedLen(mac.Size)
}

func (f *hmacForm) decode(text string) (sum [mac.Size]byte, ok bool) {
	if f.encoding == EncodingBase64 {
		b, ok := decodeExactly(text, mac.Size)
		copy(sum[:], b)
		return sum, ok
	}
	if len(text) != hex.EncodedLen(len(sum)) {
		return sum, false
	}
	_, err := hex.Decode(sum[:], []byte(text))
	return sum, err == nil
}

// parseTime reads a time in seconds since 1970 that has one spelling.
func parseTime(text string) (time.Time, bool) {
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil || seconds < 0 || strconv.FormatInt(seconds, 10) != text {
		return time.Time{}, false
	}
	return time.Unix(seconds, 0), true
}
