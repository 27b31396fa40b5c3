package panel

import (
	"errors"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/ringhook/webhook"
)

// A policyField is a part of the policy that the form has, as people write it.
type policyField struct {
	Name  string // of the input
	Usual string // what an empty one means
	Most  int    // characters
	write func(webhook.Policy) string
	read  func(*webhook.Policy, []string) error // of a list, its parts; none is the zero value
}

var policyFields = []policyField{
	{
		"success", "", 100,
		func(p webhook.Policy) string { return joined(p.Success, strconv.Itoa) },
		func(p *webhook.Policy, parts []string) (err error) {
			p.Success, err = each(parts, strconv.Atoi)
			return err
		},
	},
	{
		"timeout", "3s", 20,
		func(p webhook.Policy) string { return shortDuration(p.Timeout) },
		func(p *webhook.Policy, parts []string) (err error) {
			p.Timeout, err = only(parts, duration)
			return err
		},
	},
	{
		"attempts", "3", 6,
		func(p webhook.Policy) string { return shortNumber(p.Attempts) },
		func(p *webhook.Policy, parts []string) (err error) {
			p.Attempts, err = only(parts, strconv.Atoi)
			return err
		},
	},
	{
		"waits", "10s, 100s, 1000s", 500,
		func(p webhook.Policy) string { return joined(p.Waits, waitText) },
		func(p *webhook.Policy, parts []string) (err error) { p.Waits, err = each(parts, duration); return err },
	},
	{
		"give_up", "", 1000,
		func(p webhook.Policy) string { return joined(p.GiveUp, strconv.Itoa) },
		func(p *webhook.Policy, parts []string) (err error) {
			p.GiveUp, err = each(parts, strconv.Atoi)
			return err
		},
	},
	{
		"expires", "", 20,
		func(p webhook.Policy) string { return shortDuration(p.Expires) },
		func(p *webhook.Policy, parts []string) (err error) {
			p.Expires, err = only(parts, duration)
			return err
		},
	},
}

var errManyParts = errors.New("panel: more than one")

func each[T any](parts []string, read func(string) (T, error)) (list []T, err error) {
	for _, part := range parts {
		item, err := read(part)
		if err != nil {
			return nil, err
		}
		list = append(list, item)
	}
	return list, nil
}

func only[T any](parts []string, read func(string) (T, error)) (item T, err error) {
	switch len(parts) {
	case 0:
		return item, nil
	case 1:
		return read(parts[0])
	}
	return item, errManyParts
}

func joined[T any](list []T, text func(T) string) string {
	var parts []string
	for _, item := range list {
		parts = append(parts, text(item))
	}
	return strings.Join(parts, ", ")
}

func shortNumber(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// shortDuration writes 1h0m0s as 1h, and none as nothing.
func shortDuration(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return waitText(d)
}

func waitText(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// duration reads 10s, 1h30m and 7d; a number alone is of seconds.
func duration(s string) (time.Duration, error) {
	number, unit := s, time.Second
	if days, ok := strings.CutSuffix(s, "d"); ok {
		number, unit = days, 24*time.Hour
	}
	if n, err := strconv.Atoi(number); err == nil && n >= 0 && time.Duration(n) <= math.MaxInt64/unit {
		return time.Duration(n) * unit, nil
	}
	return time.ParseDuration(s)
}

// Label, Help and Without are codes of texts; Without is of what an empty one means, if Usual does
// not say it.
func (f policyField) Label() string   { return "field." + f.Name }
func (f policyField) Help() string    { return "help." + f.Name }
func (f policyField) Without() string { return "usual." + f.Name }

// policyTexts are the parts of a policy as the form has them.
func policyTexts(p *webhook.Policy) map[string]string {
	texts := map[string]string{}
	if p != nil {
		for _, field := range policyFields {
			texts[field.Name] = field.write(*p)
		}
	}
	return texts
}

// policy returns the policy that the form means, nil for the usual one, and the fields that
// cannot be read. What the form has no field for is as in another one, which may be nil.
func (f hookForm) policy(other *webhook.Policy) (*webhook.Policy, []string) {
	var p webhook.Policy
	if other != nil {
		p = *other
	}
	var wrong []string
	for _, field := range policyFields {
		text, has := f.Texts[field.Name]
		if !has { // a form of before there was the field, or of the embedder's
			continue
		}
		parts := strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' || r == ';' })
		if field.read(&p, parts) != nil {
			wrong = append(wrong, field.Name)
		}
	}
	if reflect.ValueOf(p).IsZero() { // whatever a policy may have one day
		return nil, wrong
	}
	return &p, wrong
}

// policyPlace is the place in the form of what Check says of a policy, by its code.
func policyPlace(p webhook.Problem) string {
	for _, field := range policyFields {
		name := strings.TrimSuffix(strings.ReplaceAll(field.Name, "_", "-"), "s")
		for _, of := range []string{"policy-", "bound-"} {
			if strings.TrimSuffix(p.Code, "s") == of+name {
				return "policy." + field.Name
			}
		}
	}
	return p.Field
}

// A policyInput is an input of the form.
type policyInput struct {
	policyField
	Value string
	Wrong bool
}

func (page hookPage) policyInputs() (list []policyInput) {
	for _, field := range policyFields {
		in := policyInput{policyField: field, Value: page.Form.Texts[field.Name]}
		for _, fault := range page.Faults {
			in.Wrong = in.Wrong || fault.Place == "policy."+field.Name && fault.Severity == webhook.SeverityError
		}
		list = append(list, in)
	}
	return list
}
