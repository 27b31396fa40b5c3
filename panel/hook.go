package panel

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
)

// A hookPage is what the page of one webhook shows: its state, and the form to change it.
type hookPage struct {
	New    bool
	Stored hookRow
	Form   hookForm
	Note   string

	Faults []fault // errors first
	Errors int
	// MoreFaults is how many are not shown.
	MoreFaults int
	Previews   []preview
	Shown      *preview // of the sample that was chosen; nil if there are no samples
	// Variables are what templates may name for that sample.
	Variables []webhook.Variable

	Comparison *durable.Comparison
	Differs    []change // the newest request that differs, before and after
	Test       *test
	Conflict   *conflict
	Versions   []hookVersion
	Failed     int   // deliveries
	Ways       []way // in which they did

	Policy                  []policyInput
	PolicyOpen              bool // one has something
	Auth                    []authInput
	AuthTypes               []choice
	TakesAuth               bool
	Methods, Formats, Lists []choice
	SendTests               bool
}

// A preview is the request that a sample event makes.
type preview struct {
	Index       int
	Event       string
	Method, URL string
	Header      []headerRow
	Body, Curl  string
	Cut         bool   // Body is the beginning of a larger one
	Err         string // why there is no request
	Unwanted    bool   // the condition does not hold
}

// maxShown is how much of a body a preview shows, in bytes.
const maxShown = 64 << 10

// maxFaults is how many problems a page shows.
const maxFaults = 100

// newHook shows an empty form.
func (c *call) newHook() error {
	f := hookForm{Webhook: webhook.Webhook{Headers: map[string]string{}, URL: "https://"}, New: newID()}
	return c.renderHook(http.StatusOK, hookPage{New: true, Form: f}, nil)
}

// showHook shows a webhook; an older version of it as a change that may be saved.
func (c *call) showHook() error {
	d, err := c.webhooks.Get(c.ctx, c.r.PathValue("id"))
	if err != nil {
		return err
	}
	page := hookPage{Form: formOf(d), Note: c.note()}
	if text := c.r.URL.Query().Get("version"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			return errForm
		}
		old, err := c.webhooks.Version(c.ctx, d.ID, n)
		if err != nil {
			return err
		}
		page.Form = formOf(old)
		page.Form.Version = d.Version
	}
	if n, err := strconv.Atoi(c.r.URL.Query().Get("sample")); err == nil {
		page.Form.Sample = n
	}
	return c.renderStored(http.StatusOK, page, d, nil)
}

// previewHook shows a form as it was sent, with its problems and the requests it makes. It
// stores nothing. With a fix it takes that first.
func (c *call) previewHook() error {
	f, problems, err := c.readForm()
	if err != nil {
		return err
	}
	if err := f.takeFix(c.r.PostForm); err != nil {
		return err
	}
	return c.again(http.StatusOK, hookPage{Form: f}, problems)
}

// again shows a form once more.
func (c *call) again(status int, page hookPage, problems []webhook.Problem) error {
	if page.Form.ID == "" {
		page.New = true
		return c.renderHook(status, page, problems)
	}
	d, err := c.webhooks.Get(c.ctx, page.Form.ID)
	if err != nil {
		return err
	}
	return c.renderStored(status, page, d, problems)
}

func (c *call) renderStored(status int, page hookPage, d durable.Definition, problems []webhook.Problem) (err error) {
	if page.Stored, err = c.hookRow(d); err != nil {
		return err
	}
	page.Stored.Webhook = masked(d.Webhook)
	if page.Form.KeepAuth {
		page.Form.Auth = d.Auth.Masked()
	}
	counts, err := c.deliveries.Count(c.ctx, durable.Filter{WebhookID: d.ID, State: durable.StateFailed})
	if err != nil {
		return err
	}
	page.Failed = counts.States[durable.StateFailed].N
	page.Ways = c.ways(query{Webhook: d.ID}, counts.Failures)
	if c.may(Edit) && !c.isLive() {
		if page.Versions, err = c.versions(d); err != nil {
			return err
		}
	}
	return c.renderHook(status, page, problems)
}

// isLive reports whether the script asks, which takes the parts that change as one types.
func (c *call) isLive() bool { return c.r.Header.Get("X-Live") != "" }

func (c *call) renderHook(status int, page hookPage, problems []webhook.Problem) error {
	f := &page.Form
	if c.may(Edit) {
		problems = c.allProblems(f.Webhook, problems)
		for _, p := range problems {
			if p.Severity == webhook.SeverityError {
				page.Errors++
			}
			page.Faults = append(page.Faults, f.fault(p))
		}
		slices.SortStableFunc(page.Faults, func(a, b fault) int { return cmp.Compare(a.Severity, b.Severity) })
		page.MoreFaults = max(0, len(page.Faults)-maxFaults)
		page.Faults = page.Faults[:len(page.Faults)-page.MoreFaults]
		c.addPreviews(&page)
	}
	page.Auth, page.AuthTypes = page.authInputs(), authTypes(f.Auth)
	// What the client would not send is not asked for.
	page.TakesAuth = c.config.Client == nil || c.config.Client.Auth != nil || f.Auth != nil
	page.Policy = page.policyInputs()
	page.PolicyOpen = slices.ContainsFunc(page.Policy, func(in policyInput) bool { return in.Value != "" })
	for len(f.Rows) == 0 || len(f.Rows) < len(f.Headers)+moreRows {
		f.Rows = append(f.Rows, headerRow{})
	}
	for _, m := range []string{"POST", "GET", "PUT", "PATCH", "DELETE"} {
		page.Methods = append(page.Methods, choice{m, m, methodOf(f.Method) == m})
	}
	for _, format := range formats {
		page.Formats = append(page.Formats, choice{
			string(format), "format." + string(format), cmp.Or(f.Format, webhook.FormatJSON) == format,
		})
	}
	for _, l := range []webhook.FormLists{webhook.FormListsIndex, webhook.FormListsBrackets, webhook.FormListsRepeat} {
		page.Lists = append(page.Lists, choice{string(l), "lists." + string(l), cmp.Or(f.FormLists, webhook.FormListsIndex) == l})
	}
	page.SendTests = c.config.Client != nil && len(c.config.Samples) > 0
	title := "webhook.title"
	if page.New {
		title = "webhook.new"
	}
	return c.renderView(status, "webhook", c.view(title, page))
}

// maxName is how long a name may be, in UTF-16 units: a browser counts those.
const maxName = 200

var formats = []webhook.Format{
	webhook.FormatJSON, webhook.FormatFormURLEncoded, webhook.FormatFormData, webhook.FormatText, webhook.FormatXML, webhook.FormatNone,
}

// allProblems returns those of check, and others that it does not have.
func (c *call) allProblems(hook webhook.Webhook, others []webhook.Problem) []webhook.Problem {
	all := c.check(hook)
	for _, p := range others {
		known := slices.ContainsFunc(all, func(q webhook.Problem) bool {
			return q.Field == p.Field && q.Message == p.Message && q.Offset == p.Offset
		})
		if !known {
			all = append(all, p)
		}
	}
	return all
}

// check is the judgement of a webhook that is not stored yet.
func (c *call) check(hook webhook.Webhook) []webhook.Problem {
	var problems []webhook.Problem
	if c.config.Check != nil {
		problems = c.config.Check(hook)
	} else {
		problems = webhook.Check(hook, c.config.Samples...)
	}
	// Every list has the name.
	if len(utf16.Encode([]rune(hook.Name))) > maxName || strings.ContainsFunc(hook.Name, unicode.IsControl) {
		problems = append(problems, c.ownProblem("name", "name", maxName))
	}
	return problems
}

// addPreviews composes the sample events. The webhook is the one of the form, in which
// credentials are masked: so they are in the requests.
func (c *call) addPreviews(page *hookPage) {
	samples := c.config.Samples
	if len(samples) == 0 {
		return
	}
	page.Form.Sample = min(max(page.Form.Sample, 0), len(samples)-1)
	composer, err := webhook.Compile(page.Form.Webhook, samples...)
	for i, sample := range samples {
		p := preview{Index: i, Event: sample.EventType()}
		if err == nil {
			p.compose(composer, sample, page.Form.Auth)
		}
		page.Previews = append(page.Previews, p)
	}
	page.Shown = &page.Previews[page.Form.Sample]
	page.Variables = webhook.Variables(samples[page.Form.Sample])
}

func (p *preview) compose(composer *webhook.Composer, sample webhook.Event, auth *webhook.Auth) {
	m, err := composer.Compose(sample)
	switch {
	case errors.Is(err, webhook.ErrUnwanted):
		p.Unwanted = true
		return
	case err != nil:
		p.Err = err.Error()
		return
	}
	p.Method, p.URL = m.Method, m.URL
	if len(m.Body) <= maxShown {
		p.Curl = m.Curl()
	}
	if auth != nil {
		p.Header = append(p.Header, headerRow{"Authorization", webhook.Mask})
	}
	for _, name := range slices.Sorted(maps.Keys(m.Header)) {
		for _, value := range m.Header[name] {
			p.Header = append(p.Header, headerRow{name, value})
		}
	}
	p.Body = strings.ToValidUTF8(string(m.Body[:min(len(m.Body), maxShown)]), "\uFFFD")
	p.Cut = len(m.Body) > maxShown
}

// createHook stores a new webhook.
func (c *call) createHook() error { return c.save("created") }

// updateHook stores a new version of a webhook.
func (c *call) updateHook() error { return c.save("saved") }

func (c *call) save(note string) error {
	f, problems, err := c.readForm()
	if err != nil {
		return err
	}
	if len(problems) > 0 {
		return c.again(http.StatusUnprocessableEntity, hookPage{Form: f}, problems)
	}
	d, problems, err := c.store(f)
	switch {
	case errors.Is(err, durable.ErrConflict):
		return c.showConflict(f)
	case errors.Is(err, durable.ErrExists):
		return c.sentTwice(f, note)
	case err != nil:
		return err
	case len(problems) > 0:
		return c.again(http.StatusUnprocessableEntity, hookPage{Form: f}, problems)
	}
	return c.done(d.ID, note, 1)
}

// store stores what a form has, a new webhook if it has no ID. If there are problems, which
// come beside those of check, or errors among those of check, it stores nothing.
func (c *call) store(f hookForm) (durable.Definition, []webhook.Problem, error) {
	hook, problems, err := c.complete(f)
	if err != nil || len(problems) > 0 {
		return durable.Definition{}, problems, err
	}
	// The embedder's Check decides as well: it knows more than the database does.
	for _, p := range c.check(f.Webhook) {
		if p.Severity == webhook.SeverityError {
			return durable.Definition{}, []webhook.Problem{p}, nil
		}
	}
	var d durable.Definition
	if f.ID == "" {
		hook.ID = f.New
		d, err = c.webhooks.Create(c.ctx, hook)
	} else {
		d, err = c.webhooks.Update(c.ctx, hook, f.Version)
	}
	var refused *webhook.TemplateError
	if errors.As(err, &refused) { // by the Bounds of the engine
		p := webhook.Problem{
			Field: refused.Field, Offset: refused.Offset, Message: refused.Error(), Severity: webhook.SeverityError,
		}
		return durable.Definition{}, []webhook.Problem{p}, nil
	}
	return d, nil, err
}

// sentTwice goes on to the webhook that the same form has made before. If the form was changed
// since, it shows both.
func (c *call) sentTwice(f hookForm, note string) error {
	f.ID = f.New
	d, err := c.webhooks.Get(c.ctx, f.ID)
	switch {
	case errors.Is(err, webhook.ErrNotFound): // another tenant's, or one that was deleted
		return durable.ErrExists
	case err != nil:
		return err
	}
	// What is masked must be the same, too: a token that was mistyped, say.
	same := d.URL == f.URL && maps.Equal(d.Headers, f.Headers) && reflect.DeepEqual(d.Auth, f.Auth)
	if same && len(changes(masked(d.Webhook), masked(f.Webhook))) == 0 {
		return c.done(d.ID, note, 1)
	}
	return c.showConflict(f)
}

// newID returns a random UUID, of version 4.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// done goes to the page of a webhook, which says what was done.
func (c *call) done(id, note string, n int) error {
	return c.redirect("webhooks/" + url.PathEscape(id) + "?note=" + note + "&n=" + strconv.Itoa(n))
}

// A conflict is shown when a webhook that is saved was changed meanwhile.
type conflict struct {
	Version int
	Changes []change // from what is stored now to what the form has
}

func (c *call) showConflict(f hookForm) error {
	d, err := c.webhooks.Get(c.ctx, f.ID)
	if err != nil {
		return err
	}
	page := hookPage{Form: f, Conflict: &conflict{d.Version, changes(masked(d.Webhook), f.Webhook)}}
	page.Form.Version = d.Version // saving again replaces it, knowingly
	return c.renderStored(http.StatusConflict, page, d, nil)
}

// A hookVersion is one of the history of a webhook.
type hookVersion struct {
	durable.Definition
	Current bool
	Changes []change // from the version before
}

// A change is a field of a webhook that differs between two versions.
type change struct{ Field, Before, After string }

// maxVersions is how many versions a page lists.
const maxVersions = 10

func (c *call) versions(d durable.Definition) ([]hookVersion, error) {
	list := []hookVersion{{Definition: d, Current: true}}
	for n := d.Version - 1; n >= 1 && len(list) <= maxVersions; n-- {
		old, err := c.webhooks.Version(c.ctx, d.ID, n)
		if errors.Is(err, durable.ErrSealed) { // with a key that is gone: what is older is not shown
			return list, nil
		}
		if err != nil {
			return nil, err
		}
		last := &list[len(list)-1]
		last.Changes = changes(masked(old.Webhook), masked(last.Webhook))
		if len(last.Changes) == 0 { // what is masked differs
			last.Changes = []change{{Field: "field.credentials"}}
		}
		list = append(list, hookVersion{Definition: old})
	}
	return list[:min(len(list), maxVersions)], nil
}

// changes lists the fields in which two webhooks differ.
func changes(before, after webhook.Webhook) []change {
	var list []change
	add := func(field, a, b string) {
		if a != b {
			list = append(list, change{field, a, b})
		}
	}
	add("field.name", before.Name, after.Name)
	add("field.url", before.URL, after.URL)
	add("field.method", methodOf(before.Method), methodOf(after.Method))
	add("field.headers", headerText(before.Headers), headerText(after.Headers))
	add("field.auth", authText(before.Auth), authText(after.Auth))
	add("field.format", string(cmp.Or(before.Format, webhook.FormatJSON)), string(cmp.Or(after.Format, webhook.FormatJSON)))
	add("field.lists", string(cmp.Or(before.FormLists, webhook.FormListsIndex)), string(cmp.Or(after.FormLists, webhook.FormListsIndex)))
	add("field.body", before.Body, after.Body)
	add("field.when", before.When, after.When)
	add("field.policy", policyText(before.Policy), policyText(after.Policy))
	return list
}

func headerText(headers map[string]string) string {
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		lines = append(lines, name+": "+headers[name])
	}
	return strings.Join(lines, "\n")
}

func policyText(p *webhook.Policy) string {
	if p == nil {
		return ""
	}
	b, err := json.Marshal(p)
	if err != nil {
		return ""
	}
	return string(b)
}

// What follows is for templates.

// With is the view of a part of a page.
func (v view) With(data any) view {
	v.Data = data
	return v
}

// HookLink is a link to what can be done with the webhook of a page.
func (v view) HookLink(page hookPage, action string) string {
	if page.New {
		return v.Link("webhooks" + action)
	}
	return v.Link("webhooks/" + url.PathEscape(page.Form.ID) + action)
}

// Short is the beginning of an example.
func (v view) Short(example string) string {
	const most = 60
	for i := range example {
		if i > most {
			return example[:i] + "…"
		}
	}
	return example
}
