package panel

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/ringhook/webhook"
)

var tag = regexp.MustCompile(`@?\{\{.*?\}\}`)

// hasCredential reports whether a parameter carries a credential by its name, or by one
// after a ; in it, which some receivers part parameters by.
func hasCredential(parameter string) bool {
	for part := range strings.SplitSeq(parameter, ";") {
		if name, _, _ := strings.Cut(part, "="); webhook.SensitiveParameter(name) {
			return true
		}
	}
	return false
}

// literal matches a text or a number in place of a name, in a tag. That of a date is not one.
var (
	literal = regexp.MustCompile(`['"]|\{\{\s*\d|default:\s*\d`)
	pattern = regexp.MustCompile(`\bdate\w*:\s*('[^']*'|"[^"]*")`)
)

// hasText reports whether a template has more than names in tags, such as a credential. It
// may be a literal in one.
func hasText(template string) bool {
	return strings.TrimSpace(tag.ReplaceAllString(template, "")) != "" ||
		literal.MatchString(pattern.ReplaceAllString(template, ""))
}

// maskedParameter returns a parameter as people may see it. One without a value may be a
// credential itself.
func maskedParameter(p string) string {
	name, value, found := strings.Cut(p, "=")
	switch {
	case !hasCredential(p):
	case !found && hasText(p):
		return webhook.Mask
	case found && hasText(value):
		return name + "=" + webhook.Mask
	}
	return p
}

// masked returns a webhook as people may see it: without what may be credentials.
func masked(hook webhook.Webhook) webhook.Webhook {
	hook.Headers = maps.Clone(hook.Headers)
	for name, value := range hook.Headers {
		if webhook.SensitiveHeader(name) && hasText(value) {
			hook.Headers[name] = webhook.Mask
		}
	}
	parameters := splitQuery(hook.URL)
	for i, p := range parameters[1:] {
		parameters[i+1] = maskedParameter(p)
	}
	hook.URL = joinQuery(parameters)
	hook.Auth = hook.Auth.Masked()
	return hook
}

// unmasked puts the values of a stored webhook where a form has the mask. It returns the
// fields that it must not do that for, since the request would go to another host, or has
// no value for: their values must be typed again.
func unmasked(hook, stored webhook.Webhook) (webhook.Webhook, []string) {
	var again []string
	same := originOf(hook.URL) == originOf(stored.URL)
	hook.Headers = maps.Clone(hook.Headers)
	for _, name := range slices.Sorted(maps.Keys(hook.Headers)) {
		if !strings.Contains(hook.Headers[name], webhook.Mask) {
			continue
		}
		value, ok := stored.Headers[name]
		if !ok || !same || hook.Headers[name] != webhook.Mask {
			again = append(again, "headers."+name)
			continue
		}
		hook.Headers[name] = value
	}
	old, parameters := splitQuery(stored.URL), splitQuery(hook.URL)
	for i, p := range parameters {
		if !strings.Contains(p, webhook.Mask) {
			continue
		}
		at := slices.IndexFunc(old[1:], func(o string) bool { return o != p && maskedParameter(o) == p })
		if i == 0 || at < 0 || !same {
			again = append(again, "url")
			continue
		}
		parameters[i] = old[at+1]
		old[at+1] = "" // of a name that is there twice, the next
	}
	hook.URL = joinQuery(parameters)
	if hook.Auth != nil && *hook.Auth != (webhook.Auth{}) {
		auth, ok := unmaskedAuth(*hook.Auth, stored.Auth, same)
		if hook.Auth = &auth; !ok {
			again = append(again, "auth")
		}
	}
	return hook, again
}

// unmaskedAuth puts stored credentials where a has the mask, if they go to the same token
// server, and the request to the same receiver. It reports whether none is masked any more.
func unmaskedAuth(a webhook.Auth, stored *webhook.Auth, same bool) (webhook.Auth, bool) {
	var from webhook.Auth
	if stored != nil && same && a.Type == stored.Type && originOf(a.TokenURL) == originOf(stored.TokenURL) {
		from = *stored
	}
	for _, pair := range []struct {
		value  *string
		stored string
	}{{&a.Password, from.Password}, {&a.Token, from.Token}, {&a.Secret, from.Secret}} {
		if !strings.Contains(*pair.value, webhook.Mask) {
			continue
		}
		if *pair.value != webhook.Mask || pair.stored == "" {
			return a, false
		}
		*pair.value = pair.stored
	}
	return a, true
}

// originOf is the scheme, host and port of a URL, in which there are no tags.
func originOf(address string) string {
	scheme, rest, _ := strings.Cut(strings.TrimSpace(address), "://")
	if end := strings.IndexAny(rest, `/?#\`); end >= 0 {
		rest = rest[:end]
	}
	// Letters of other alphabets stay: ẞ and ß are the same letter, but not the same host.
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r | 0x20
		}
		return r
	}, scheme+"://"+rest)
}

// splitQuery returns what is in front of a URL's query, and its parameters. Tags may have
// the characters that part them.
func splitQuery(address string) []string {
	tags := tag.FindAllStringIndex(address, -1)
	var parts []string
	from := 0
	for i := range len(address) {
		if len(tags) > 0 && i >= tags[0][1] {
			tags = tags[1:]
		}
		inTag := len(tags) > 0 && i >= tags[0][0]
		if !inTag && (len(parts) == 0 && address[i] == '?' || len(parts) > 0 && address[i] == '&') {
			parts = append(parts, address[from:i])
			from = i + 1
		}
	}
	return append(parts, address[from:])
}

func joinQuery(parts []string) string {
	if len(parts) == 1 {
		return parts[0]
	}
	return parts[0] + "?" + strings.Join(parts[1:], "&")
}
