package durable

import (
	"context"
	"slices"
	"strings"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable/internal/store"
)

// An indexRow is a row of the index of subscriptions.
type indexRow struct{ identity, lane, events string }

// indexRows returns those of a set.
func (e *Engine[T]) indexRows(set SubscriptionSet) []indexRow {
	var rows []indexRow
	known := make(map[indexRow]bool)
	for _, s := range set.Subscriptions {
		identities := s.Identities
		if len(identities) == 0 {
			identities = []string{webhook.IdentityAll}
		}
		for _, identity := range identities {
			identity = e.identity(webhook.NormalizeIdentity(identity))
			for _, events := range s.Events {
				row := indexRow{identity, laneFor(events), events}
				if !known[row] {
					known[row] = true
					rows = append(rows, row)
				}
			}
		}
	}
	return rows
}

// indexStmts returns the statements that make the index that of a set, if it is the
// current one.
func (e *Engine[T]) indexStmts(set SubscriptionSet) []store.Stmt {
	rev := int64(set.Rev)
	stmts := []store.Stmt{{SQL: e.sql.unindex, Args: []any{set.WebhookID, rev}}}
	for _, row := range e.indexRows(set) {
		stmts = append(stmts, store.Stmt{
			SQL: e.sql.index, Args: []any{set.WebhookID, rev, row.identity, row.lane, row.events},
		})
	}
	return stmts
}

// identity returns an identity in its normal form as it is stored.
func (e *Engine[T]) identity(s string) string {
	if s == webhook.IdentityAll {
		return s
	}
	return e.key.text(kindIdentity, s)
}

// laneFor returns by what the name of an event or a glob is looked up. That of a glob is
// what it begins with, up to the last colon, or the eighth: so an event is looked up in few lanes.
func laneFor(events string) string {
	begin, _, glob := strings.Cut(events, "*")
	if !glob {
		return "=" + events
	}
	parts := partsOf(begin)
	return "*" + parts[len(parts)-1]
}

// lanesOf returns the lanes in which there may be something that matches an event.
func lanesOf(eventType string) []string {
	lanes := []string{"=" + eventType}
	for _, part := range partsOf(eventType) {
		lanes = append(lanes, "*"+part)
	}
	return lanes
}

// partsOf returns what a name begins with, up to each of its first colons, the shortest
// first, which is nothing.
func partsOf(name string) []string {
	parts := []string{""}
	for i := 0; i < len(name) && len(parts) <= maxParts; i++ {
		if name[i] == ':' {
			parts = append(parts, name[:i+1])
		}
	}
	return parts
}

// subscribers returns the IDs of the webhooks of the publication's tenant that want an
// event, sorted.
func (e *Engine[T]) subscribers(ctx context.Context, run runFunc, p Publication, eventType string) ([]string, error) {
	var identities []string
	for _, identity := range append(slices.Clone(p.Identities), webhook.IdentityAll) {
		if identity = webhook.NormalizeIdentity(identity); !slices.Contains(identities, identity) {
			identities = append(identities, identity)
		}
	}
	found := make([][]string, len(identities))
	lanes := lanesOf(eventType)
	var stmts []store.Stmt
	for i, identity := range identities {
		forms := []string{identity}
		if sealed := e.identity(identity); sealed != identity {
			forms = append(forms, sealed) // beside what was stored before there was a Sealer
		}
		for _, form := range forms {
			for _, lane := range lanes {
				stmts = append(stmts, store.Stmt{
					SQL: e.sql.subscribers, Args: []any{p.Tenant, form, lane},
					Scan: func(row store.Row) error {
						var id, events string
						err := row.Scan(&id, &events)
						if events == eventType || (webhook.Subscription{Events: []string{events}}).Match(eventType, nil) {
							found[i] = append(found[i], id)
						}
						return err
					},
				})
			}
		}
	}
	if err := run(ctx, stmts...); err != nil {
		return nil, err
	}
	var ids []string
	for _, some := range found {
		ids = append(ids, some...)
		if p.MostSpecific && len(some) > 0 {
			break
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}
