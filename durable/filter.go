package durable

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable/internal/store"
)

// A search is a [Filter] as parts of a statement, such that one of the indexes is used;
// see migrations.
type search struct {
	from  string // the tables
	where string // conditions, each with AND before it
	at    string // the columns that pages are in the order of: a time, and a number
	seq   string
	state string // the expression for the state
	// states are those that the index has before the time, so that each needs a
	// statement of its own. There are none if the index does not have the state.
	states []State
	params []any
	// index is where the entries of a ref or a subject are, and the condition for them, if
	// something else is wanted too; see bound.
	index string
}

// search returns the search for f. Its first parameters are the position that all are
// before, the time that none is before, and then, which the caller sets, the limit.
func (f Filter) search(key indexKey) (search, error) {
	before := position{math.MaxInt64, 0}
	if !f.To.IsZero() {
		before.created = micros(f.To)
	}
	if f.After != "" {
		after, err := parsePosition(f.After)
		if err != nil {
			return search{}, err
		}
		if after.created < before.created {
			before = after
		}
	}
	// A zero From is before all of them.
	s := search{
		from: `@delivery`, at: `created`, seq: `seq`, state: `state`,
		params: []any{before.created, before.seq, micros(f.From), int64(0)},
	}
	for _, state := range states {
		if f.State == state || f.State == "" {
			s.states = append(s.states, state)
		}
	}
	if len(s.states) == 0 {
		return search{}, fmt.Errorf("%w: no such State", ErrFilter)
	}
	if err := f.checkClass(); err != nil {
		return search{}, err
	}
	if f.byClass() {
		s.states = []State{StateFailed}
	}
	if f.Ref != "" || f.Subject != "" {
		return s, s.forOne(f, key)
	}
	if f.byClass() && (f.Key == "" || f.WebhookID != "") {
		s.ofClass(f)
		return s, nil
	}
	s.add("webhook_id", tag(f.WebhookID))
	s.add("key", clean(f.Key))
	switch {
	case f.WebhookID != "":
		s.add("event", tag(f.Event))
		s.add("tenant || ''", clean(f.Tenant)) // last, since it is not in the index
	case f.Key != "":
		s.add("event || ''", tag(f.Event))
		s.add("tenant || ''", clean(f.Tenant))
	case f.Tenant != "":
		s.where += " AND tenant <> ''" // as the index says
		s.add("tenant", clean(f.Tenant))
		s.add("event", tag(f.Event))
	default:
		s.add("event", tag(f.Event))
	}
	s.add("class || ''", f.class())
	s.addStatus(f)
	if len(s.params) > 4 {
		s.state = "state || ''"
	}
	return s, nil
}

// byClass reports whether f is of how the last attempt failed.
func (f Filter) byClass() bool { return f.Class != "" || f.Status != 0 }

// class is what is looked for: a Status alone is one that is no success.
func (f Filter) class() string {
	if f.Class == "" && f.Status != 0 {
		return string(webhook.ClassStatus)
	}
	return string(f.Class)
}

func (f Filter) checkClass() error {
	if f.Class != "" && !slices.Contains(webhook.Classes(), f.Class) {
		return fmt.Errorf("%w: no such Class", ErrFilter)
	}
	switch {
	case f.Status < 0:
		return fmt.Errorf("%w: a negative Status", ErrFilter)
	case f.byClass() && f.State != "" && f.State != StateFailed:
		return fmt.Errorf("%w: a Class or a Status is of the State failed", ErrFilter)
	}
	return nil
}

// ofClass makes it a search in an index of those that failed; see migrations. What is
// compared is an expression there, or another index could be used.
func (s *search) ofClass(f Filter) {
	s.state = "state || ''"
	class := "class || ''"
	switch {
	case f.WebhookID != "":
	case f.Tenant != "":
		s.where += " AND tenant <> ''" // as the index says
	default:
		class = "class"
	}
	s.add("webhook_id || ''", tag(f.WebhookID))
	s.add("tenant || ''", clean(f.Tenant))
	s.add(class, f.class())
	s.add("event || ''", tag(f.Event))
	s.add("key || ''", clean(f.Key))
	s.addStatus(f)
}

// add adds a condition, if it is wanted.
func (s *search) add(column, want string) {
	if want != "" {
		s.addParam(column, want)
	}
}

func (s *search) addStatus(f Filter) {
	if f.Status != 0 {
		s.addParam("status + 0", int64(f.Status))
	}
}

func (s *search) addParam(column string, want any) {
	s.params = append(s.params, want)
	s.where += " AND " + column + " = $" + strconv.Itoa(len(s.params))
}

// forOne makes it a search for a ref or a subject, which few deliveries have. What else
// is wanted is one expression: no other index can be used then, and Postgres takes it
// for true of half of all, so that it reads in the order of pages and stops when it has
// one. For conditions of their own it takes them for so rare that it reads and sorts
// all.
func (s *search) forOne(f Filter, key indexKey) error {
	if f.Ref != "" {
		forms := webhook.NormalizeRef(f.Ref)
		if len(forms) == 0 {
			return fmt.Errorf("%w: an empty Ref", ErrFilter)
		}
		// CROSS JOIN: SQLite must read ref first, whose index has the order.
		s.from, s.at, s.seq = `@ref CROSS JOIN @delivery`, `at`, `delivery_seq`
		s.where = ` AND seq = delivery_seq`
		form := forms[len(forms)-1]
		if f.wholeRef {
			form = forms[0]
		}
		s.add("ref", key.text(kindRef, form))
	}
	subject := ""
	if stored := key.subject(f.Subject); stored != nil {
		subject = *stored
	}
	if f.Ref == "" {
		s.add("subject", subject)
		subject = ""
	}
	one, index := s.where, `@ref WHERE ref = $5`
	if f.Ref == "" {
		index = `@delivery WHERE subject = $5`
	}
	s.where = ""
	s.add("tenant", clean(f.Tenant))
	s.add("subject", subject)
	s.add("webhook_id", tag(f.WebhookID))
	s.add("key", clean(f.Key))
	s.add("event", tag(f.Event))
	if f.byClass() {
		f.State = StateFailed
	}
	s.add("state", string(f.State))
	s.add("class", f.class())
	s.addStatus(f)
	if s.where != "" {
		one += ` AND CASE WHEN TRUE` + s.where + ` THEN TRUE ELSE FALSE END`
		s.index = index
	}
	s.where, s.states = one, nil
	return nil
}

// bound has s find no more than about n of the newest that have its ref or its subject, of
// which it reads each delivery if something else is wanted too. It returns the position
// that the others are before, or nil if there are none.
func (e *Engine[T]) bound(ctx context.Context, s *search, n int) (*position, error) {
	if s.index == "" {
		return nil, nil
	}
	text := fmt.Sprintf(`SELECT %[1]s FROM %[3]s AND (%[1]s, %[2]s) < ($1, $2) AND %[1]s >= $3
		ORDER BY %[1]s DESC, %[2]s DESC LIMIT 1 OFFSET $4`, s.at, s.seq, s.index)
	params := slices.Clone(s.params[:5])
	params[3] = int64(n)
	var last *position
	err := e.readInOrder(ctx, store.Stmt{SQL: e.dialect.SQL(text), Args: params, Scan: func(row store.Row) error {
		last = &position{}
		return row.Scan(&last.created)
	}})
	if last != nil {
		s.params[2] = last.created // with all of that time
	}
	return last, err
}

// readInOrder reads with statements that are to read indexes in their order.
func (e *Engine[T]) readInOrder(ctx context.Context, stmts ...store.Stmt) error {
	if first := e.dialect.InOrder; first != "" {
		stmts = slices.Insert(stmts, 0, store.Stmt{SQL: first})
	}
	return e.store.Read(ctx, stmts...)
}

// selected returns the statement for the given columns of the newest deliveries of a
// state; or of all that match, if the search has no states.
func (s search) selected(columns string, state State) string {
	where := fmt.Sprintf(`(%[1]s, %[2]s) < ($1, $2) AND %[1]s >= $3%[3]s`, s.at, s.seq, s.where)
	if len(s.states) > 0 {
		where = fmt.Sprintf(`%s = '%s' AND %s`, s.state, state, where)
	}
	return fmt.Sprintf(`SELECT %s FROM %s WHERE %s ORDER BY %s DESC, %s DESC LIMIT $4`,
		columns, s.from, where, s.at, s.seq)
}

// page returns the statement for the newest deliveries.
//
// Without a State, a page is merged from the first deliveries of each state, in the
// order of that index: so no index is needed for it.
func (s search) page(limit int) (text string, params []any) { return s.pageOf(columns, limit) }

// pageOf is page with other columns, those that it is in the order of among them.
func (s search) pageOf(columns string, limit int) (text string, params []any) {
	s.params[3] = int64(limit)
	if len(s.states) == 0 {
		return s.selected(columns, ""), s.params
	}
	var parts []string
	for _, state := range s.states {
		parts = append(parts, fmt.Sprintf(`SELECT * FROM (%s) AS %s`, s.selected(columns, state), state))
	}
	return strings.Join(parts, ` UNION ALL `) + ` ORDER BY created DESC, seq DESC LIMIT $4`, s.params
}

// Conditions for oldest: neither sends again what was recomposed under another ID.
const (
	resendable = ` AND reason <> 'superseded' AND length(message) > 0 AND NOT ` + ofDeleted + hasNoSuccessor
	// The event is kept.
	recomposable = ` AND EXISTS (SELECT 1 FROM @event AS kept WHERE kept.seq = @delivery.seq)` + hasNoSuccessor

	hasNoSuccessor = ` AND NOT EXISTS
		(SELECT 1 FROM @delivery AS next WHERE next.of_id = @delivery.id AND next.of_id <> '')`
)

// oldest returns the statement for the given columns of the oldest deliveries of a
// state for which a condition holds. Its first parameters are the position that all are
// after, the time that all are before, and the limit.
func (s search) oldest(columns string, state State, condition string) string {
	where := fmt.Sprintf(`(%[1]s, %[2]s) > ($1, $2) AND %[1]s < $3%[3]s`, s.at, s.seq, s.where+condition)
	if len(s.states) > 0 {
		where = fmt.Sprintf(`%s = '%s' AND %s`, s.state, state, where)
	}
	return fmt.Sprintf(`SELECT %s FROM %s WHERE %s ORDER BY %s, %s LIMIT $4`, columns, s.from, where, s.at, s.seq)
}
