package webhook

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"code.dny.dev/ssrf"

	"github.com/ringhook/webhook/internal/http1"
	"github.com/ringhook/webhook/internal/request"
)

// An Egress says where requests may go. It is the embedder's to set, never a
// customer's. The zero Egress allows public addresses on the ports 80, 443, 8080 and
// 8443.
type Egress struct {
	// Allow lists addresses that may be dialled although they are special: the
	// embedder's own networks, or loopback in tests. IPv4 prefixes are written as such,
	// not as mapped into IPv6.
	Allow []netip.Prefix
	// AnyPort allows every port. If false, only 80, 443, 8080 and 8443 are allowed.
	AnyPort bool
	// Proxy is the proxy that all requests go through, with the scheme http, https or
	// socks5. If nil, there is none: the environment is never asked. With a proxy only
	// its own address is dialled, and not judged; which addresses and ports may be reached
	// is then the proxy's to decide, and Allow and AnyPort have no effect. Failures of the
	// proxy itself are ClassProxy.
	Proxy *url.URL
	// Direct lists addresses that are not reached through Proxy, if a URL has one of them,
	// rather than a name, for its host. For these, Allow and AnyPort count.
	Direct []netip.Prefix
	// LocalAddr is the address that connections are made from, for receivers that allow
	// a list of addresses. If zero, the system chooses.
	LocalAddr netip.Addr
	// TLS holds client certificates and private CAs of all webhooks. It is copied. If nil, the system's
	// CAs are used; TLS is 1.2 or later in any case.
	TLS *tls.Config
	// Certificate returns the client certificate that a webhook has of its own, nil for
	// none: then that of TLS counts. It is asked before each attempt over TLS, so it should
	// keep what it has loaded, and has the policy's timeout; not for messages of no webhook,
	// nor for a request for a token. If nil, no webhook has one.
	//
	// Webhooks share connections and TLS sessions only if they have the same certificate
	// and the same CAs. If the function fails, or the certificate does not fit its key,
	// nothing is sent, and the class is ClassAuth. Both are for receivers alone, not
	// for Proxy.
	Certificate func(ctx context.Context, webhookID string) (*tls.Certificate, error)
	// RootCAs returns the CAs that a webhook's receiver is judged by, in place of those of
	// TLS; nil for these. All else is as for Certificate.
	RootCAs func(ctx context.Context, webhookID string) (*x509.CertPool, error)
}

// NewTransport returns a transport for a [Client] that refuses private, loopback,
// link-local and all other special addresses, but for those that e allows.
//
// The address that is about to be dialled is what is judged, after the look-up of the
// name and for each attempt, so neither a name's answer that changes in between nor an
// unusual spelling of an address gets around it. It speaks HTTP/1.1 only, follows no
// redirects, unpacks no gzip, takes at most 64 KiB of response headers, and keeps up to
// 256 idle connections a host for 30 seconds, or for a second less than the receiver
// announces. Connecting and the TLS handshake together get 10 seconds, also where a policy's
// timeout is longer. What a receiver sends unasked is dropped. It is safe for concurrent
// use.
//
// A request that meets a connection which its receiver is just closing is repeated once,
// on a fresh one: always if nothing was written, and also if the connection was closed
// before a byte of an answer came.
//
// A Client uses it directly. It can be wrapped, since it is an [http.RoundTripper]; then
// it reads bodies of requests before it sends them.
func NewTransport(e Egress) http.RoundTripper {
	return newTransport(e, net.Dialer{})
}

func newTransport(e Egress, dialer net.Dialer) *http1.Transport {
	if e.LocalAddr.IsValid() {
		dialer.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(e.LocalAddr, 0))
	}
	config := http1.Config{TLS: e.tlsConfig(), Direct: slices.Clone(e.Direct)}
	if e.Certificate != nil || e.RootCAs != nil {
		config.Identify = e.identify
	}
	if e.Proxy != nil {
		proxy, own := *e.Proxy, dialer
		config.Proxy, config.DialProxy = &proxy, own.DialContext
	}
	check := e.guard()
	dialer.ControlContext = func(_ context.Context, network, address string, _ syscall.RawConn) error {
		return check(network, address)
	}
	config.Dial = dialer.DialContext
	return http1.New(config)
}

// tlsConfig is that of connections, which the caller may change.
func (e Egress) tlsConfig() *tls.Config {
	config := &tls.Config{}
	if e.TLS != nil {
		config = e.TLS.Clone()
	}
	config.MinVersion = max(config.MinVersion, tls.VersionTLS12)
	config.NextProtos = []string{"http/1.1"}
	config.DynamicRecordSizingDisabled = true // a small first record would be a write of its own
	if config.ClientSessionCache == nil {
		const hosts = 256
		config.ClientSessionCache = tls.NewLRUClientSessionCache(hosts)
	}
	return config
}

// Check returns an error if requests to the URL are refused whatever the name of its host
// resolves to: an address, or a port, that e does not allow. It looks no name up, and so
// returns nil for a name that resolves to such an address; what counts is judged as the
// connection is made. The error has no part of the URL but its port. With a Proxy, it
// returns nil, since the proxy decides.
//
// It is meant for [Bounds] CheckURL, to tell a customer when he saves a webhook.
func (e Egress) Check(rawURL string) error {
	u, err := request.ParseURL(rawURL)
	if err != nil {
		return fmt.Errorf("webhook: %w", err)
	}
	if e.Proxy != nil && !http1.IsDirect(e.Direct, u) {
		return nil
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	number, _ := strconv.ParseUint(port, 10, 16) // which ParseURL has checked
	if !e.AnyPort && !slices.Contains(allowedPorts, uint16(number)) {
		return fmt.Errorf("webhook: port %s is not allowed, only 80, 443, 8080 and 8443", port)
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		host = "127.0.0.1" // by RFC 6761, wherever it is resolved
	}
	address, err := netip.ParseAddr(host)
	if err != nil {
		return nil // a name
	}
	network := "tcp4"
	if address.Is6() {
		network = "tcp6"
	}
	if err := e.guard()(network, net.JoinHostPort(host, port)); err != nil {
		return &textError{"the address of the URL is not a public one", err}
	}
	return nil
}

// allowedPorts are those that an Egress allows without AnyPort.
var allowedPorts = []uint16{80, 443, 8080, 8443}

// azureWireServer is Azure's metadata service, the one of all clouds that is at a
// public address.
var azureWireServer = netip.MustParsePrefix("168.63.129.16/32")

// guard returns the function that judges an address about to be dialled. Its errors are
// *blockedError.
func (e Egress) guard() func(network, address string) error {
	var allow4, allow6 []netip.Prefix
	for _, prefix := range e.Allow {
		if prefix.Addr().Is4() {
			allow4 = append(allow4, prefix)
		} else {
			allow6 = append(allow6, prefix)
		}
	}
	ports := ssrf.WithPorts(allowedPorts...)
	if e.AnyPort {
		ports = ssrf.WithAnyPort()
	}
	guardian := ssrf.New(ports, ssrf.WithAllowedV4Prefixes(allow4...), ssrf.WithAllowedV6Prefixes(allow6...),
		ssrf.WithDeniedV4Prefixes(azureWireServer))

	return func(network, address string) error {
		if network != "tcp4" && network != "tcp6" {
			return &blockedError{fmt.Errorf("network %q", network)}
		}
		target, err := netip.ParseAddrPort(address)
		if err != nil {
			return &blockedError{err}
		}
		if target.Addr().Zone() != "" { // no prefix contains an address with a zone
			return &blockedError{errors.New("address with a zone")}
		}
		// Resolvers hand back IPv4 addresses mapped into IPv6, which no IPv4 prefix
		// contains.
		target = netip.AddrPortFrom(target.Addr().Unmap(), target.Port())
		if err := guardian.SafeAddrPort(target); err != nil {
			return &blockedError{err}
		}
		return nil
	}
}

// A blockedError says why an address was not dialled. Its text is for the operator: it
// has the address.
type blockedError struct{ reason error }

func (e *blockedError) Error() string { return "destination not allowed: " + e.reason.Error() }

func (e *blockedError) Unwrap() error { return e.reason }
