package http1

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"hash"
	"sync"
	"sync/atomic"
)

// An IdentityError says that what a request's owner has of TLS could not be had.
type IdentityError struct{ Err error }

func (e *IdentityError) Error() string { return e.Err.Error() }

func (e *IdentityError) Unwrap() error { return e.Err }

type ownerKey struct{}

// WithOwner returns a context whose requests by [Transport.RoundTrip] have an owner; see
// [Config] Identify.
func WithOwner(ctx context.Context, owner string) context.Context {
	return context.WithValue(ctx, ownerKey{}, owner)
}

// OwnerOf returns the owner that WithOwner has given a context, or "".
func OwnerOf(ctx context.Context) string {
	owner, _ := ctx.Value(ownerKey{}).(string)
	return owner
}

// An identity is a certificate of ours and a set of CAs. Neither connections nor sessions
// of two of them are taken for each other.
type identity struct {
	roots  *x509.CertPool // nil: those of all
	config *tls.Config
	// certificate is as it was given last: its key may be a handle that ends.
	certificate atomic.Pointer[tls.Certificate]
}

// identities has those that were used last: it forgets the older half once it has many.
type identities struct {
	mu          sync.Mutex
	young, aged map[[sha256.Size]byte][]*identity
	count       int // in young
}

const maxYoung = 2048

// identify returns the identity that a request's owner has, or nil for none of its own.
func (t *Transport) identify(ctx context.Context, r *Request) (*identity, error) {
	if t.config.Identify == nil || r.Owner == "" || r.URL.Scheme != "https" {
		return nil, nil //nolint:nilnil // none
	}
	if !r.Deadline.IsZero() {
		bounded, cancel := context.WithDeadline(ctx, r.Deadline)
		defer cancel()
		ctx = bounded
	}
	certificate, roots, err := t.config.Identify(ctx, r.Owner)
	if err != nil {
		return nil, &IdentityError{err}
	}
	if certificate == nil && roots == nil {
		return nil, nil //nolint:nilnil // none
	}
	return t.identities.of(t.config.TLS, certificate, roots), nil
}

// of returns the identity of a certificate and CAs: the same one for equal ones.
func (i *identities) of(base *tls.Config, certificate *tls.Certificate, roots *x509.CertPool) *identity {
	sum := digest(certificate, roots)
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, known := range i.young[sum] {
		if known.has(roots) {
			known.certificate.Store(certificate)
			return known
		}
	}
	found := (*identity)(nil)
	for _, known := range i.aged[sum] {
		if known.has(roots) {
			found = known
		}
	}
	if found == nil {
		found = newIdentity(base, certificate != nil, roots)
	}
	found.certificate.Store(certificate)
	if i.count >= maxYoung || i.young == nil {
		i.young, i.aged, i.count = make(map[[sha256.Size]byte][]*identity), i.young, 0
	}
	i.young[sum] = append(i.young[sum], found)
	i.count++
	return found
}

func newIdentity(base *tls.Config, hasCertificate bool, roots *x509.CertPool) *identity {
	const hosts = 64 // of one webhook
	i := &identity{roots: roots, config: base.Clone()}
	i.config.ClientSessionCache = tls.NewLRUClientSessionCache(hosts)
	if hasCertificate {
		i.config.Certificates = nil
		i.config.GetClientCertificate = func(asked *tls.CertificateRequestInfo) (*tls.Certificate, error) {
			certificate := i.certificate.Load()
			if asked.SupportsCertificate(certificate) != nil { // then none is sent, as without this function
				certificate = new(tls.Certificate)
			}
			return certificate, nil
		}
	}
	if roots != nil {
		i.config.RootCAs = roots
	}
	return i
}

func (i *identity) has(roots *x509.CertPool) bool {
	return i.roots == roots || i.roots != nil && roots != nil && i.roots.Equal(roots)
}

// digest is of all that tells identities apart, but for CAs of the same name. The key is
// in it by its public half, which is in the certificate.
func digest(certificate *tls.Certificate, roots *x509.CertPool) (sum [sha256.Size]byte) {
	h := sha256.New()
	if certificate != nil {
		writeAll(h, certificate.Certificate)
	}
	if roots != nil {
		writeAll(h, roots.Subjects()) //nolint:staticcheck // those of the system are missing, which Equal tells
	}
	h.Sum(sum[:0])
	return sum
}

// writeAll writes texts, so that no others are the same bytes.
func writeAll(h hash.Hash, texts [][]byte) {
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], uint64(len(texts)))
	h.Write(n[:])
	for _, text := range texts {
		binary.BigEndian.PutUint64(n[:], uint64(len(text)))
		h.Write(n[:])
		h.Write(text)
	}
}
