package panel

import (
	"errors"

	"github.com/ringhook/webhook/durable"
)

// An Access is what one request may see and do. It is plain data. The zero value may
// nothing.
type Access struct {
	// Actor is who asks, such as the name of a user. Changes are logged under it.
	Actor string
	// Tenant is the customer whose webhooks and deliveries there are, unless All is set.
	// If it is empty and All is not set, the request is refused.
	Tenant string
	// All is for the operator: the webhooks and deliveries of all tenants, and those of
	// none.
	All bool
	// May has the rights.
	May Right
}

// A Right is a set of things that may be done.
type Right uint

// The rights. Those that are not View come in addition to it.
const (
	View    Right = 1 << iota // see webhooks, deliveries and how they ended
	Bodies                    // see what was sent and answered, and search for numbers
	Edit                      // create and change webhooks, pause and disable them
	Send                      // resend, retry, cancel, and send tests
	Secrets                   // see and replace secrets
	Delete                    // delete webhooks
)

// Has reports whether all rights of want are in r.
func (r Right) Has(want Right) bool { return r&want == want }

var errNoTenant = errors.New("panel: the Access has neither a Tenant nor All")

// Open returns an Open for a [Config]: the deliveries of an engine, and the webhooks in
// its database, of the tenant that asks or of all.
func Open[T any](engine *durable.Engine[T], hooks *durable.Webhooks[T]) func(Access) (Deliveries, Webhooks, error) {
	return func(a Access) (Deliveries, Webhooks, error) {
		if a.All {
			return engine.All(), hooks.All(), nil
		}
		history, err := engine.Tenant(a.Tenant)
		if err != nil {
			return nil, nil, err
		}
		own, err := hooks.Tenant(a.Tenant)
		if err != nil {
			return nil, nil, err
		}
		return history, own, nil
	}
}
