package panel

import (
	"bytes"
	"embed"
	"encoding/json"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed templates
var templateFiles embed.FS

// templates are by the name of their page, each with layout.html and the parts.
var templates = parseTemplates()

func parseTemplates() map[string]*template.Template {
	shared := template.Must(template.ParseFS(templateFiles, "templates/layout.html", "templates/parts/*.html"))
	pages, _ := fs.Glob(templateFiles, "templates/*.html")
	all := map[string]*template.Template{}
	for _, file := range pages {
		if name := strings.TrimSuffix(path.Base(file), ".html"); name != "layout" {
			all[name] = template.Must(template.Must(shared.Clone()).ParseFS(templateFiles, file))
		}
	}
	return all
}

// A view is what a template sees: the page's own Data, and what all pages need.
type view struct {
	call  *call
	now   time.Time
	Title string // a code of the catalogue
	Data  any
	// Detail is what an error page says beside the text, in the words of Config.Verify.
	Detail string
	// Bare is a page without style and navigation, for who may see nothing: the style would
	// be refused as well.
	Bare bool
}

func (c *call) view(title string, data any) view {
	return view{call: c, now: time.Now(), Title: title, Data: data}
}

// render answers with a page: the template templates/NAME.html, which defines "main".
func (c *call) render(name, title string, data any) error {
	return c.renderView(http.StatusOK, name, c.view(title, data))
}

func (c *call) renderView(status int, name string, v view) error {
	var b bytes.Buffer // all or nothing: an error must not come after half a page
	if err := templates[name].ExecuteTemplate(&b, "layout", v); err != nil {
		c.config.Logger.ErrorContext(c.ctx, "panel: template", slog.String("name", name), slog.Any("error", err))
		return errInternal
	}
	c.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	c.w.WriteHeader(status)
	_, err := c.w.Write(b.Bytes())
	return err
}

// json answers a call of the API.
func (c *call) json(value any) error { return c.send(http.StatusOK, "application/json", value) }

func (c *call) send(status int, mediaType string, value any) error {
	b, err := json.Marshal(value)
	if err != nil {
		return err
	}
	c.w.Header().Set("Content-Type", mediaType)
	c.w.WriteHeader(status)
	_, err = c.w.Write(append(b, '\n'))
	return err
}

// sections are what the navigation has: the paths of pages, and codes of their names.
var sections = []struct{ path, title string }{
	{"", "overview.title"},
	{"deliveries", "deliveries.title"},
	{"webhooks", "webhooks.title"},
	{"reference", "reference.title"},
}

// A section is a link of the navigation.
type section struct {
	Path, Title string
	Current     bool
}

// What follows is for templates.

// T returns the text for a code; see the files text*.go.
func (v view) T(code string, args ...any) string { return v.call.text(code, args...) }

// N returns the text for a number of things: that of CODE.one, or of CODE.other.
func (v view) N(code string, n int) string { return v.call.number(code, n) }

// Lang is the language that the texts are in, unless they are missing in it.
func (v view) Lang() string {
	if v.call.config.Text == nil {
		return "en"
	}
	return v.call.lang
}

// Brand is the name at the top.
func (v view) Brand() string { return v.call.config.Brand.Name }

// Link is a link to a page of the panel, by its path without a slash in front.
func (v view) Link(to string) string { return v.call.to(to) }

// Asset is a link to a file of assets/, or empty if there is none.
func (v view) Asset(name string) string {
	if file, ok := v.call.assets.plain[name]; ok {
		return v.call.root() + "assets/" + file.name
	}
	return ""
}

// Logo is a link to the logo, or empty.
func (v view) Logo() string {
	if svg := v.Asset("logo.svg"); svg != "" {
		return svg
	}
	return v.Asset("logo.png")
}

// Sections are the links of the navigation.
func (v view) Sections() []section {
	links := make([]section, len(sections))
	at := strings.TrimPrefix(v.call.r.URL.Path, "/")
	for i, s := range sections {
		links[i] = section{v.Link(s.path), s.title, at == s.path || s.path != "" && strings.HasPrefix(at, s.path+"/")}
	}
	return links
}

// Tenant is the tenant whose page it is, or empty for all.
func (v view) Tenant() string {
	if v.call.access.All {
		return ""
	}
	return v.call.access.Tenant
}

// All reports whether what is shown is of all tenants.
func (v view) All() bool { return v.call.access.All }

// MayBodies and the like report whether who asks has a right.
func (v view) MayBodies() bool  { return v.call.may(Bodies) }
func (v view) MayEdit() bool    { return v.call.may(Edit) }
func (v view) MaySend() bool    { return v.call.may(Send) }
func (v view) MaySecrets() bool { return v.call.may(Secrets) }
func (v view) MayDelete() bool  { return v.call.may(Delete) }
