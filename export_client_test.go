package webhook

import (
	"net"
	"net/http"
)

// CheckAddress asks the guard of e about an address, without dialling it.
func CheckAddress(e Egress, network, address string) error { return e.guard()(network, address) }

// NewTransportDialer is NewTransport with a dialer of the test's own, for its resolver.
func NewTransportDialer(e Egress, d *net.Dialer) http.RoundTripper { return newTransport(e, d) }

// CompletePolicy and CheckPolicy are what Compile and Try do with a policy.
func CompletePolicy(p Policy, eventType string) Policy { return p.complete(eventType) }

func CheckPolicy(p Policy) error { return p.check() }
