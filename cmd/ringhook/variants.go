package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/ringhook/webhook"
)

// What people do to keys, signatures and bodies on the way to a verifier. The first
// variant of each is what is there.

type keyVariant struct {
	key key
	why []deviation
}

// keys returns the keys that secrets may have been taken for.
func (r *received) keys(s scheme) (variants []keyVariant) {
	for _, text := range r.secrets {
		variants = append(variants, s.variants(text, nil)...)
		// No text of a key has blanks in it. Between lines they come from a terminal or a
		// document that has broken it.
		if joined := strings.Join(strings.Fields(text), ""); joined != text {
			why := deviation{"key_blanks", "the secret has blanks or line breaks around it, or in it, that the signing one has not"}
			variants = append(variants, s.variants(joined, &why)...)
		}
	}
	return variants
}

// variants returns the keys that one text may have been taken for. What was done to the
// text already is before.
func (s scheme) variants(text string, before *deviation) (variants []keyVariant) {
	add := func(k key, also ...deviation) {
		if before != nil {
			also = append([]deviation{*before}, also...)
		}
		variants = append(variants, keyVariant{k, also})
	}
	if k, err := s.key(text); err == nil {
		add(k)
	}
	if s.public || isPair(text) {
		return variants
	}
	addBytes := func(b []byte, code, reason string) {
		secret := webhook.WebhookIDSecret(string(b)) // of any length
		if s.hmac == nil {
			var err error
			if secret, err = webhook.RawSecret(b); err != nil {
				return
			}
		}
		add(key{secret: secret}, deviation{code, reason})
	}
	bare := strings.TrimPrefix(text, secretPrefix)
	if b, err := base64.StdEncoding.DecodeString(bare); err == nil && !strings.ContainsAny(bare, "\r\n") {
		addBytes(b, "key_base64", "the key is the bytes that the secret's base64 stands for, and not its text")
	}
	if b, err := hex.DecodeString(text); err == nil {
		addBytes(b, "key_hex", "the key is the bytes that the secret's hex stands for, and not its text")
	}
	addBytes([]byte(text), "key_text", "the key is the text of the secret as it is, and not the bytes that its base64 stands for")
	if bare != text {
		addBytes([]byte(bare), "key_unprefixed", "the key is the text of the secret without whsec_, and not the bytes that it stands for")
	}
	addBytes([]byte(text+"\n"), "key_line_break", "the signing secret has a line break at its end, as of a file")
	return variants
}

type headerVariant struct {
	header http.Header
	why    []deviation
}

var (
	hexMAC    = regexp.MustCompile(`[0-9a-fA-F]{64}`)
	base64MAC = regexp.MustCompile(`[A-Za-z0-9+/]{43}=`)
	anyPrefix = regexp.MustCompile(`^[A-Za-z0-9]+=([0-9a-fA-F]{64})$`)
)

// headers returns the header with the signature in the ways that it may be written.
func (r *received) headers(s scheme) []headerVariant {
	variants := []headerVariant{{r.header, nil}}
	if s.public {
		return variants
	}
	name, value := s.header(), r.header.Get(s.header())
	add := func(changed, code, reason string) {
		if changed != value {
			h := r.header.Clone()
			h.Set(name, changed)
			variants = append(variants, headerVariant{h, []deviation{{code, reason}}})
		}
	}
	if isBase64 := s.hmac == nil || s.hmac.Encoding == webhook.EncodingBase64; isBase64 {
		add(hexMAC.ReplaceAllStringFunc(value, func(text string) string {
			b, _ := hex.DecodeString(text)
			return base64.StdEncoding.EncodeToString(b)
		}), "signature_hex", "the signature is written in hex, and should be in base64")
		if s.hmac == nil && !strings.Contains(value, ",") {
			add("v1,"+value, "signature_prefix", "the signature is there without its version, v1 and a comma")
		}
		return variants
	}
	add(base64MAC.ReplaceAllStringFunc(value, func(text string) string {
		b, _ := base64.StdEncoding.DecodeString(text)
		return hex.EncodeToString(b)
	}), "signature_base64", "the signature is written in base64, and should be in hex")
	if prefix, _, ok := strings.Cut(s.hmac.Value, "{mac}"); ok && !strings.Contains(prefix, "{t}") && hexMAC.FindString(value) == value {
		add(prefix+value, "signature_prefix", "the signature is there without "+prefix+" before it")
	}
	if s.hmac.Value == "" {
		add(anyPrefix.ReplaceAllString(value, "$1"), "signature_prefix", "the signature has something before it that does not belong there")
	}
	return variants
}

type bodyVariant struct {
	body []byte
	why  []deviation
}

const byteOrderMark = "\ufeff"

// bodies returns what was perhaps signed, if this body is what became of it.
func (r *received) bodies() []bodyVariant {
	text := string(r.body)
	variants := []bodyVariant{{r.body, nil}}
	add := func(signed, code, reason string) {
		if signed != text {
			variants = append(variants, bodyVariant{[]byte(signed), []deviation{{code, reason}}})
		}
	}
	const added = "the body has a line break at its end that the signed one has not: an editor or echo added it"
	add(strings.TrimSuffix(text, "\n"), "line_break_added", added)
	add(strings.TrimSuffix(text, "\r\n"), "line_break_added", added)
	const lost = "the body has lost the line break at the end of the signed one"
	add(text+"\n", "line_break_lost", lost)
	add(text+"\r\n", "line_break_lost", lost)
	unix := strings.ReplaceAll(text, "\r\n", "\n")
	const breaks = "the line breaks of the body were changed between LF and CRLF"
	add(unix, "line_breaks", breaks)
	add(strings.ReplaceAll(unix, "\n", "\r\n"), "line_breaks", breaks)
	const mark = "a byte order mark was added to the body, or taken away"
	add(strings.TrimPrefix(text, byteOrderMark), "byte_order_mark", mark)
	add(byteOrderMark+text, "byte_order_mark", mark)
	for _, signed := range writings(r.body) {
		add(signed, "json", "the body was read as JSON and written again; what is signed is the bytes as they came, the same JSON with "+
			"other blanks or escapes")
	}
	return variants
}

// writings returns a JSON text as the usual encoders write it, without sorting members.
func writings(body []byte) (all []string) {
	var compact bytes.Buffer
	if json.Compact(&compact, body) != nil {
		return nil
	}
	for _, quote := range []func(string) string{nil, quoteUTF8, quoteASCII, quotePHP, quoteGo} {
		text := requoted(compact.String(), quote, "", "")
		all = append(all, text, requoted(text, nil, " ", " "))
		for _, indent := range []string{"  ", "    ", "\t"} {
			var b bytes.Buffer
			if json.Indent(&b, []byte(text), "", indent) == nil {
				all = append(all, b.String())
			}
		}
	}
	return all
}

// requoted writes compact JSON with its texts as quote has them, and with something behind
// commas and colons.
func requoted(compact string, quote func(string) string, comma, colon string) string {
	var b strings.Builder
	for i := 0; i < len(compact); i++ {
		switch c := compact[i]; c {
		case '"':
			end := i + 1
			for ; compact[end] != '"'; end++ {
				if compact[end] == '\\' {
					end++
				}
			}
			text := compact[i : end+1]
			if quote != nil {
				var s string
				_ = json.Unmarshal([]byte(text), &s)
				text = quote(s)
			}
			b.WriteString(text)
			i = end
		case ',':
			b.WriteString("," + comma)
		case ':':
			b.WriteString(":" + colon)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// quoteUTF8 writes a text as JavaScript, and Python with ensure_ascii=False, do.
func quoteUTF8(s string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s)
	return strings.NewReplacer(`\u2028`, "\u2028", `\u2029`, "\u2029").Replace(strings.TrimSuffix(b.String(), "\n"))
}

// quoteGo writes a text as encoding/json does.
func quoteGo(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

// quoteASCII writes a text as Python does.
func quoteASCII(s string) string {
	var b strings.Builder
	for _, r := range quoteUTF8(s) {
		if r < utf8.RuneSelf {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
}

// quotePHP writes a text as PHP does.
func quotePHP(s string) string { return strings.ReplaceAll(quoteASCII(s), "/", `\/`) }
