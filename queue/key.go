package queue

import (
	"strings"

	"github.com/ringhook/webhook"
)

// Key returns the endpoint of a message: its WebhookID, or without one its [Host] behind the scheme and "://". Messages of
// several customers to one host should have WebhookIDs, since an endpoint is limited, rested and disabled as a whole.
func Key(m *webhook.Message) string {
	if m.WebhookID != "" {
		return m.WebhookID
	}
	scheme, _, _ := strings.Cut(m.URL, ":")
	return strings.ToLower(scheme) + "://" + Host(m)
}

// Host returns host and port of a message's URL, in lower case and with the port also where it is the usual one.
func Host(m *webhook.Message) string {
	scheme, rest, _ := strings.Cut(m.URL, "://")
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		rest = rest[:i]
	}
	rest = strings.ToLower(rest)
	if i := strings.LastIndexByte(rest, ':'); i >= 0 && i > strings.LastIndexByte(rest, ']') {
		return rest
	}
	if strings.EqualFold(scheme, "https") {
		return rest + ":443"
	}
	return rest + ":80"
}
