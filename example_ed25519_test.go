package webhook_test

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/ringhook/webhook"
)

// With a key pair, receivers hold nothing that could sign: all of them may have the same
// public key, and it may be on a page of the documentation.
func ExampleEd25519() {
	pair := webhook.GeneratePrivateKey() // keep pair.Reveal(), and read it with ParsePrivateKey
	signer := webhook.Ed25519{Keys: func(context.Context, string) ([]crypto.Signer, error) {
		return []crypto.Signer{pair}, nil
	}}
	given := webhook.PublicKeyText(pair.Public())
	fmt.Println(strings.HasPrefix(given, "whpk_"))

	m := &webhook.Message{ID: "msg_1", Method: http.MethodPost, Body: []byte(`{"status": "read"}`)}
	header := http.Header{}
	if err := signer.Sign(context.Background(), m, time.Now(), header); err != nil {
		panic(err)
	}

	public, err := webhook.ParsePublicKey(given)
	if err != nil {
		panic(err)
	}
	verifier := webhook.Verifier{PublicKeys: []ed25519.PublicKey{public}}
	fmt.Println(verifier.Verify(context.Background(), header, m.Body))
	err = verifier.Verify(context.Background(), header, []byte(`{"status": "failed"}`))
	fmt.Println(errors.Is(err, webhook.ErrBadSignature))
	// Output:
	// true
	// <nil>
	// true
}
