package compose

import (
	"errors"
	"strings"

	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/filter"
	"github.com/ringhook/webhook/internal/rawjson"
	"github.com/ringhook/webhook/internal/request"
	"github.com/ringhook/webhook/internal/template"
)

// ErrUnwanted is what Compose returns for an event for which the condition does not hold.
var ErrUnwanted = errors.New("webhook: the webhook's condition does not hold for the event")

// A condition is a template.Condition whose names are looked up.
type condition struct {
	op    string
	parts []*condition
	left  operand
	right []operand
	list  bool
}

// An operand is the index of a literal or a name in Program.operands.
type operand struct {
	index  int
	number bool // a literal number
}

// compileWhen makes the condition, which no tag has.
func (c *compiler) compileWhen() {
	source := c.webhook.When
	if strings.TrimSpace(source) == "" {
		return
	}
	if !c.checkSource("when", source) {
		return
	}
	parsed, err := template.ParseCondition(source)
	if err != nil {
		c.fail(inTemplate("when", source, err))
		return
	}
	c.whenPart = &part{field: "when", source: source}
	c.when = c.condition(parsed)
}

func (c *compiler) condition(parsed *template.Condition) *condition {
	made := &condition{op: parsed.Op, list: parsed.List}
	for _, part := range parsed.Parts {
		made.parts = append(made.parts, c.condition(part))
	}
	if len(made.parts) > 0 {
		return made
	}
	made.left = c.operand(parsed.Left, false)
	for _, o := range parsed.Right {
		made.right = append(made.right, c.operand(o, true))
	}
	return made
}

func (c *compiler) operand(o template.Operand, right bool) operand {
	ph := &placeholder{Node: o.Node, argument: right}
	if o.Name != "" {
		ph.name = newName(o.Name)
	}
	c.operands = append(c.operands, ph)
	return operand{len(c.operands) - 1, o.Number}
}

// checkWhen checks that each name of the condition is known to one group of samples: it
// is nil for the events of the others.
func (c *compiler) checkWhen() {
	if len(c.samples) == 0 {
		return
	}
	var k *known
	for _, ph := range c.operands {
		if ph.name != nil && !c.knownToAny(ph.name) {
			if k == nil {
				k = newKnown(c.samples[0])
			}
			c.fail(c.whenPart.unknown(ph, k))
		}
	}
}

// bindWhen returns what reads the operands of the condition from events of one Go type.
func (p *Program) bindWhen(entry *field.Entry) []*accessor {
	accessors := make([]*accessor, len(p.operands))
	for i, ph := range p.operands {
		accessors[i] = newAccessor(entry, ph)
	}
	return accessors
}

// wants reports whether the condition holds, as nil always does.
func (r *renderer) wants(c *condition) (bool, error) {
	if c == nil {
		return true, nil
	}
	switch c.op {
	case "not":
		ok, err := r.wants(c.parts[0])
		return !ok, err
	case "and", "or":
		for _, part := range c.parts {
			if ok, err := r.wants(part); err != nil || ok == (c.op == "or") {
				return ok, err
			}
		}
		return c.op == "and", nil
	}
	left, err := r.operand(c.left)
	if err != nil {
		return false, err
	}
	if c.op == "in" && c.list {
		left = flat(left)
	}
	for _, o := range c.right {
		right, err := r.operand(o)
		if err != nil {
			return false, err
		}
		number := c.left.number || o.number
		ok := false
		switch {
		case c.op == "in" && c.list:
			ok = !isNil(left) && !isNil(right) && filter.Equal(left, right, number)
		case c.op == "in":
			ok, err = r.contains(right, left, number, o)
		case c.op == "contains":
			ok, err = r.contains(left, right, number, c.left)
		default:
			ok = compare(c.op, left, right, number)
		}
		if ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}

// refuses reports whether no event of a type is wanted, as far as the type alone tells.
func (p *Program) refuses(eventType string) bool {
	holds, certain := p.decide(p.when, eventType)
	return certain && !holds
}

func (p *Program) decide(c *condition, eventType string) (holds, certain bool) {
	if c == nil {
		return true, true
	}
	switch c.op {
	case "not":
		holds, certain = p.decide(c.parts[0], eventType)
		return !holds, certain
	case "and", "or":
		all := true
		for _, part := range c.parts {
			holds, certain := p.decide(part, eventType)
			if certain && holds == (c.op == "or") {
				return holds, true
			}
			all = all && certain
		}
		return c.op == "and", all
	}
	left, certain := p.ofType(c.left, eventType)
	if !certain || c.op == "contains" || c.op == "in" && !c.list {
		return false, false
	}
	op := c.op
	if op == "in" {
		op = "=="
	}
	for _, o := range c.right {
		right, certain := p.ofType(o, eventType)
		if !certain {
			return false, false
		}
		holds = holds || compare(op, left, right, c.left.number || o.number)
	}
	return holds, true
}

// ofType returns the value of an operand that all events of a type share.
func (p *Program) ofType(o operand, eventType string) (v field.Value, certain bool) {
	switch ph := p.operands[o.index]; {
	case ph.name == nil:
		return ph.Literal, true
	case ph.name.kind == readEvent:
		return field.Text(eventType), true
	}
	return v, false
}

// operand reads the value of an operand, and counts it as work.
func (r *renderer) operand(o operand) (v field.Value, err error) {
	a := r.binding.when[o.index]
	v = a.Literal
	if a.name != nil {
		v, err = r.read(r.program.whenPart, a)
	}
	if r.filtered += len(v.Text); err == nil && r.filtered > request.MaxFilterWork {
		err = r.program.whenPart.fault(a.placeholder, errFilterWork)
	}
	return v, err
}

// flat returns a value that is compared many times. Of an object or a list it is the JSON
// text, which would be made for each comparison otherwise.
func flat(v field.Value) field.Value {
	if v.Composite() {
		return field.Text(v.String())
	}
	return v
}

func isNil(v field.Value) bool { return v.Kind <= rawjson.Null }

// compare compares two values by an operator. Nothing is less or greater than nil, nor a
// number than a text that is none.
func compare(op string, a, b field.Value, number bool) bool {
	switch op {
	case "==":
		return filter.Equal(a, b, number)
	case "!=":
		return !filter.Equal(a, b, number)
	}
	if isNil(a) || isNil(b) {
		return false
	}
	var order int
	if number || a.Kind == rawjson.Number && b.Kind == rawjson.Number {
		var ok bool
		if order, ok = filter.Compare(a.String(), b.String()); !ok {
			return false
		}
	} else {
		order = strings.Compare(a.String(), b.String())
	}
	switch op {
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	}
	return order >= 0
}

// contains reports whether a list has an element, an object a member, or a text another
// one.
func (r *renderer) contains(in, v field.Value, number bool, at operand) (bool, error) {
	switch {
	case isNil(in) || isNil(v):
		return false, nil
	case in.Kind == rawjson.List:
		v = flat(v)
		for it := rawjson.Walk(in.Text); it.Next(); {
			if element := field.FromJSON(it.Value()); !isNil(element) && filter.Equal(element, v, number) {
				return true, nil
			}
		}
		return false, nil
	case in.Kind == rawjson.Object:
		_, ok := rawjson.Find(in.Text, v.String())
		return ok, nil
	}
	text := v.String()
	if len(text) > request.MaxPatternSize {
		return false, r.program.whenPart.fault(r.program.operands[at.index], errPattern)
	}
	return strings.Contains(in.String(), text), nil
}
