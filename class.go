package webhook

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	"github.com/ringhook/webhook/internal/http1"
)

// classify finds the class of a transport's error, for an attempt that had time until the
// deadline.
func classify(err error, deadline time.Time) Class {
	var (
		proxy   *http1.ProxyError
		refused *http1.RefusedError
		blocked *blockedError
		dns     *net.DNSError
		op      *net.OpError
		timeout interface{ Timeout() bool }
	)
	hasOp := errors.As(err, &op)
	switch {
	case isIdentity(err):
		return ClassAuth
	case errors.As(err, &proxy):
		return ClassProxy
	case errors.As(err, &refused) && refused.Forbidden:
		return ClassBlocked
	case errors.As(err, &refused):
		return ClassConnect
	case errors.As(err, &blocked):
		return ClassUnreachable
	case errors.Is(err, errTimeout), errors.As(err, &timeout) && timeout.Timeout() && !time.Now().Before(deadline):
		return ClassTimeout
	case errors.As(err, &dns):
		return ClassUnreachable
	case isTLS(err), hasOp && (op.Op == "remote error" || op.Op == "local error"):
		// as crypto/tls names its alerts
		return ClassTLS
	case errors.As(err, &timeout) && timeout.Timeout():
		return ClassTimeout
	// readfrom is how net/http writes a body, writev how large ones are written
	case hasOp && (op.Op == "read" || op.Op == "write" || op.Op == "readfrom" || op.Op == "writev"),
		errors.Is(err, net.ErrClosed), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE),
		// net/http has no name for it
		strings.Contains(err.Error(), "server closed idle connection"):
		return ClassReset
	case hasOp, errors.Is(err, syscall.ECONNREFUSED): // dial, proxyconnect, socks connect
		return ClassConnect
	}
	return ClassProtocol
}

// isIdentity reports whether an error is of what a webhook has of TLS of its own.
func isIdentity(err error) bool {
	var own *http1.IdentityError
	return errors.As(err, &own)
}

func isTLS(err error) bool {
	var (
		handshake    *http1.HandshakeError
		verification *tls.CertificateVerificationError
		record       tls.RecordHeaderError
		authority    x509.UnknownAuthorityError
		hostname     x509.HostnameError
		certificate  x509.CertificateInvalidError
	)
	return errors.As(err, &handshake) || errors.As(err, &verification) || errors.As(err, &record) ||
		errors.As(err, &authority) || errors.As(err, &hostname) || errors.As(err, &certificate) ||
		errors.Is(err, http.ErrSchemeMismatch)
}

// What customers are told of TLS and HTTP versions.
const (
	http2Only            = "the server speaks HTTP/2 only"
	certificateExpired   = "certificate expired"
	certificateEarly     = "certificate not valid yet"
	certificateHost      = "certificate for another host"
	certificateAuthority = "certificate of an unknown authority"
	tlsVersion           = "no common TLS version: 1.2 or later is needed"
	clientCertificate    = "client certificate wanted"
)

// tlsText tells a customer what to do about a failure of TLS. No text has more of the
// certificate than he could see himself.
func tlsText(err error) string {
	var (
		handshake   *http1.HandshakeError
		certificate x509.CertificateInvalidError
		hostname    x509.HostnameError
		authority   x509.UnknownAuthorityError
	)
	switch {
	case errors.As(err, &certificate) && certificate.Reason == x509.Expired:
		if certificate.Cert != nil && time.Now().Before(certificate.Cert.NotBefore) {
			return certificateEarly
		}
		return certificateExpired
	case errors.As(err, &hostname):
		return certificateHost
	case errors.As(err, &authority):
		return certificateAuthority
	}
	// crypto/tls has no type for alerts.
	switch text := err.Error(); {
	case strings.Contains(text, "no application protocol"):
		return http2Only
	case strings.Contains(text, "protocol version not supported"), strings.Contains(text, "selected unsupported protocol version"):
		return tlsVersion
	case strings.Contains(text, "certificate required"),
		errors.As(err, &handshake) && handshake.WantsCertificate && strings.Contains(text, "remote error"):
		return clientCertificate
	}
	return classTexts[ClassTLS]
}
