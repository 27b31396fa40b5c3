package webhook

import (
	"bytes"
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
)

// identify asks for what a webhook has of TLS of its own, and checks it.
func (e Egress) identify(ctx context.Context, webhookID string) (c *tls.Certificate, roots *x509.CertPool, err error) {
	asked := "Certificate"
	defer func() {
		if v := recover(); v != nil {
			c, roots, err = nil, nil, recovered("Egress."+asked, v)
		}
	}()
	if e.Certificate != nil {
		c, err = e.Certificate(ctx, webhookID)
		if err == nil && c != nil {
			err = checkPair(c)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("Egress.Certificate: %w", err)
		}
	}
	if asked = "RootCAs"; e.RootCAs != nil {
		if roots, err = e.RootCAs(ctx, webhookID); err != nil {
			return nil, nil, fmt.Errorf("Egress.RootCAs: %w", err)
		}
	}
	return c, roots, nil
}

// checkPair returns an error for a certificate that does not fit its key, which the
// receiver would tell in other words, if at all.
func checkPair(c *tls.Certificate) error {
	if len(c.Certificate) == 0 {
		return errors.New("there is no certificate in it")
	}
	leaf := c.Leaf
	if leaf == nil || !bytes.Equal(leaf.Raw, c.Certificate[0]) {
		var err error
		if leaf, err = x509.ParseCertificate(c.Certificate[0]); err != nil {
			return err
		}
	}
	key, ok := c.PrivateKey.(crypto.Signer)
	if !ok {
		return fmt.Errorf("a private key of type %T cannot sign", c.PrivateKey)
	}
	public, ok := leaf.PublicKey.(interface{ Equal(x crypto.PublicKey) bool })
	if !ok || !public.Equal(key.Public()) {
		return errors.New("the certificate does not fit the private key")
	}
	return nil
}
