package durable

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/ringhook/webhook/durable/internal/store"
)

// ErrTenant is wrapped by the error of Tenant, CreateTx and SetTenant for what is no tenant:
// an empty text, or one that is longer than 128 bytes, not UTF-8, or has a NUL.
var ErrTenant = errors.New("no tenant: want 1 to 128 bytes of UTF-8")

func errTenant(what string) error { return fmt.Errorf("durable: %s: %w", what, ErrTenant) }

func isTenant(id string) bool { return id != "" && len(id) <= 128 && storable(id) }

// A scope is the tenants whose webhooks and deliveries may be seen and touched. The zero
// value is none.
type scope struct {
	tenant string // empty: none
	all    bool
}

func (s scope) has(tenant string) bool { return s.all || s.tenant != "" && s.tenant == tenant }

// narrow sets the Tenant of a filter to that of the scope, or returns false if the filter
// asks for another one.
func (s scope) narrow(tenant *string) bool {
	if s.all {
		return true
	}
	if *tenant != "" && *tenant != s.tenant {
		return false
	}
	*tenant = s.tenant
	return s.tenant != ""
}

// errOther is for a filter that asks for another tenant's.
var errOther = fmt.Errorf("%w: another Tenant", ErrFilter)

// ofDelivery returns the tenant of a delivery. The error is noDelivery if it is not kept.
func (e *Engine[T]) ofDelivery(ctx context.Context, id string) (tenant string, err error) {
	scan := func(row store.Row) error { return row.Scan(&tenant) }
	err = e.find(ctx, id, store.Stmt{SQL: e.sql.deliveryTenant, Scan: scan})
	return tenant, err
}

// ofWebhook returns the tenant of a webhook, also of one that was deleted, and whether
// there is one with that ID.
func (e *Engine[T]) ofWebhook(ctx context.Context, id string) (tenant string, found bool, err error) {
	if !isUUID(id) {
		return "", false, nil
	}
	err = e.store.Read(ctx, store.Stmt{SQL: e.sql.webhookTenant, Args: []any{id}, Scan: func(row store.Row) error {
		found = true
		return row.Scan(new(string), &tenant)
	}})
	return tenant, found, err
}

// addTenants adds, to tallies of webhooks, those of their tenants.
func (e *Engine[T]) addTenants(ctx context.Context, n map[tallyKey]int64) error {
	tenants := make(map[string]string) // by webhook
	for key := range n {
		if isUUID(key.webhookID) {
			tenants[key.webhookID] = ""
		}
	}
	var stmts []store.Stmt
	for id := range tenants {
		stmts = append(stmts, store.Stmt{
			SQL: e.sql.webhookTenant, Args: []any{id},
			Scan: func(row store.Row) error {
				var tenant string
				err := row.Scan(new(string), &tenant)
				tenants[id] = tenant
				return err
			},
		})
	}
	if len(stmts) == 0 {
		return nil
	}
	if err := e.store.Read(ctx, stmts...); err != nil {
		return err
	}
	for _, key := range slices.Collect(maps.Keys(n)) {
		if tenant := tenants[key.webhookID]; tenant != "" {
			n[tallyKey{allWebhooks + tenant, key.hour, key.outcome}] += n[key]
		}
	}
	return nil
}

// tenantOf is the tenant of the webhook whose ID is the second argument of a statement.
const tenantOf = `coalesce((SELECT tenant FROM @webhook WHERE id = $2 AND version = 1), '')`

func (s *statements) forTenants(d store.Dialect) {
	s.deliveryTenant = d.SQL(`SELECT tenant FROM @delivery WHERE id = $1`)
	s.webhookTenant = d.SQL(`SELECT id, tenant FROM @webhook WHERE id = $1 AND version = 1`)
	s.setTenant = d.SQL(`UPDATE @webhook SET tenant = $2 WHERE id = $1 AND tenant = '' AND deleted = 0 RETURNING id`)
	// Of the tenant together, as addTenants adds them.
	s.tenantTallies = d.SQL(`INSERT INTO @tally AS t (webhook_id, hour, outcome, n)
		SELECT CAST($2 AS text), hour, outcome, n FROM @tally WHERE webhook_id = $1
		ON CONFLICT (webhook_id, hour, outcome) DO UPDATE SET n = t.n + excluded.n`)
	for i, state := range states {
		s.ofNobody[i] = d.SQL(`SELECT created, seq FROM @delivery
			WHERE webhook_id = $1 AND state || '' = '` + string(state) + `' AND (created, seq) > ($2, $3)
			ORDER BY created, seq LIMIT $4`)
	}
	s.moveDelivery = d.SQL(`UPDATE @delivery SET tenant = $2 WHERE seq = $1 AND tenant = ''`)
	s.copyState = d.SQL(`UPDATE @webhook SET state = coalesce((SELECT state FROM @endpoint WHERE key = $1), 'enabled')
		WHERE id = $1 AND version = 1 AND deleted = 0
			AND state <> coalesce((SELECT state FROM @endpoint WHERE key = $1), 'enabled')`)
}
