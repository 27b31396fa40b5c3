package queue

import (
	"net"
	"net/netip"
	"strings"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/internal/request"
)

// Key returns the endpoint of a message: its WebhookID, or without one the scheme,
// "://" and its [Host]. Messages of several customers to one host should have
// WebhookIDs, since an endpoint is limited, rested and disabled as a whole.
func Key(m *webhook.Message) string {
	if m.WebhookID != "" {
		return m.WebhookID
	}
	scheme, _, _ := strings.Cut(m.URL, ":")
	return strings.ToLower(scheme) + "://" + Host(m)
}

// Host returns host and port of a message's URL in one spelling: that of the look-up, in
// lower case and ASCII, with the port even if it is the scheme's own, and addresses in their
// shortest form.
func Host(m *webhook.Message) string {
	scheme, rest, _ := strings.Cut(m.URL, "://")
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		rest = rest[:i]
	}
	name, port := strings.ToLower(rest), "80"
	if ascii, err := request.ASCIIHost(rest); err == nil {
		name = ascii
	}
	if strings.EqualFold(scheme, "https") {
		port = "443"
	}
	if i := strings.LastIndexByte(name, ':'); i > strings.LastIndexByte(name, ']') {
		name, port = name[:i], strings.TrimLeft(name[i+1:], "0")
	}
	name = strings.TrimSuffix(name, ".")
	// An address has several spellings.
	if ip, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		name = ip.String()
	}
	return net.JoinHostPort(name, port)
}
