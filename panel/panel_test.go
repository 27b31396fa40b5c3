package panel_test

import (
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/panel"
)

func noViews(panel.Access) (panel.Deliveries, panel.Webhooks, error) {
	return nil, nil, errors.New("dial tcp 10.1.2.3:5432: connection refused")
}

func TestNew_Refuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		config panel.Config
		err    string
	}{
		{"ZeroValue", panel.Config{}, "panel: Config has no Open"},
		{
			"a list of ancestors in one",
			panel.Config{Open: noViews, FrameAncestors: []string{"https://a.example https://b.example"}},
			`panel: FrameAncestors: "https://a.example https://b.example" is no origin: want one such as https://portal.example, or 'self'`,
		},
		{
			"another directive",
			panel.Config{Open: noViews, FrameAncestors: []string{"https://a.example;script-src"}},
			`panel: FrameAncestors: "https://a.example;script-src" is no origin: want one such as https://portal.example, or 'self'`,
		},
		{
			"a path",
			panel.Config{Open: noViews, FrameAncestors: []string{"https://a.example/x"}},
			`panel: FrameAncestors: "https://a.example/x" is no origin: want one such as https://portal.example, or 'self'`,
		},
		{
			"a colour",
			panel.Config{Open: noViews, Brand: panel.Brand{Accent: "red}"}},
			"panel: Brand: Accent is no colour such as #0b5394",
		},
		{"a logo", panel.Config{Open: noViews, Brand: panel.Brand{Logo: []byte("GIF89a")}}, "panel: Brand: Logo is neither SVG nor PNG"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := panel.New(tt.config)
			require.EqualError(t, err, tt.err)
		})
	}
}

func ask(t *testing.T, config panel.Config, method, path string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	config.Logger = quiet
	p, err := panel.New(config)
	require.NoError(t, err)
	r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	return w
}

func as(access panel.Access) func(*http.Request) (panel.Access, error) {
	return func(*http.Request) (panel.Access, error) { return access, nil }
}

// Who may nothing learns nothing, not even which routes there are.
func TestAuthorize_Refuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		authorize func(*http.Request) (panel.Access, error)
	}{
		{"nil", nil},
		{"an error", func(*http.Request) (panel.Access, error) { return operator, errors.New("no session") }},
		{"no tenant", as(panel.Access{Actor: "ann", May: everything})},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, path := range []string{"/", "/deliveries", "/deliveries/x", "/nowhere", "/assets/x"} {
				w := ask(t, panel.Config{Open: noViews, Authorize: tt.authorize}, "GET", path)
				require.Equal(t, http.StatusForbidden, w.Code, path)
				require.Contains(t, w.Body.String(), "You have no access")
				require.NotContains(t, w.Body.String(), "stylesheet")
			}
		})
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	config := panel.Config{Open: noViews, Authorize: as(acme)}
	h := ask(t, config, "GET", "/deliveries").Header()
	require.Equal(t, "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "+
		"base-uri 'none'; require-trusted-types-for 'script'; frame-ancestors 'none'", h.Get("Content-Security-Policy"))
	require.Equal(t, "nosniff", h.Get("X-Content-Type-Options"))
	require.Equal(t, "no-referrer", h.Get("Referrer-Policy"))
	require.Equal(t, "no-store", h.Get("Cache-Control"))
	config.FrameAncestors = []string{"'self'", "https://portal.example"}
	h = ask(t, config, "GET", "/deliveries").Header()
	require.Contains(t, h.Get("Content-Security-Policy"), "; frame-ancestors 'self' https://portal.example")
}

func TestAway(t *testing.T) {
	t.Parallel()
	w := ask(t, panel.Config{Open: noViews, Authorize: as(acme)}, "GET", "/deliveries")
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.Contains(t, w.Body.String(), "The database is away")
	require.NotContains(t, w.Body.String(), "10.1.2.3")
}

func TestForged(t *testing.T) {
	t.Parallel()
	config := panel.Config{Open: noViews, Authorize: as(acme)}
	w := ask(t, config, "POST", "/deliveries/x/resend", "Sec-Fetch-Site", "cross-site")
	require.Equal(t, http.StatusForbidden, w.Code)
	require.Contains(t, w.Body.String(), "This came from another page")
	w = ask(t, config, "POST", "/deliveries/x/resend", "Origin", "https://evil.example")
	require.Equal(t, http.StatusForbidden, w.Code)
}

func TestPanics(t *testing.T) {
	t.Parallel()
	config := panel.Config{
		Open:      func(panel.Access) (panel.Deliveries, panel.Webhooks, error) { panic("values") },
		Authorize: as(acme),
	}
	w := ask(t, config, "GET", "/deliveries")
	require.Equal(t, http.StatusInternalServerError, w.Code)
	require.Contains(t, w.Body.String(), "Something went wrong here")
	require.NotContains(t, w.Body.String(), "values")
}

var link = regexp.MustCompile(`(?:href|src|action|formaction)="([^"]*)"`)

// Files are found from pages of any depth, and cached for ever.
func TestAssets(t *testing.T) {
	t.Parallel()
	config := panel.Config{
		Open:      func(panel.Access) (panel.Deliveries, panel.Webhooks, error) { return nil, nil, nil },
		Authorize: as(acme),
		Brand:     panel.Brand{Name: "Acme <Corp>", Accent: "#0b5394", Logo: []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`)},
	}
	for _, path := range []string{"/nowhere", "/deliveries/a/b"} {
		body := ask(t, config, "GET", path).Body.String()
		require.Contains(t, body, "Acme &lt;Corp&gt;")
		seen := 0
		for _, match := range link.FindAllStringSubmatch(body, -1) {
			up := strings.Repeat("../", strings.Count(path, "/")-1)
			name, ok := strings.CutPrefix(match[1], up+"assets/")
			if !ok {
				continue
			}
			seen++
			w := ask(t, config, "GET", "/assets/"+name)
			require.Equal(t, http.StatusOK, w.Code, name)
			require.Equal(t, "private, max-age=31536000, immutable", w.Header().Get("Cache-Control"))
			require.NotEmpty(t, w.Header().Get("Content-Type"))
		}
		require.Equal(t, 5, seen, "style, brand, logo, icon, script")
	}
	require.Equal(t, http.StatusNotFound, ask(t, config, "GET", "/assets/panel.css").Code)
}

var code = regexp.MustCompile(`"([a-z]+\.[a-z0-9_.]*)"`)

// Each code that templates use is in the catalogue.
func TestTexts(t *testing.T) {
	t.Parallel()
	texts := panel.English()
	for code, text := range texts {
		require.NotEmpty(t, text, code)
		if one, ok := strings.CutSuffix(code, ".one"); ok {
			require.Contains(t, texts, one+".other")
		}
	}
	files := 0
	require.NoError(t, fs.WalkDir(panel.Templates, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		files++
		b, err := fs.ReadFile(panel.Templates, path)
		for _, match := range code.FindAllSubmatch(b, -1) {
			if name := string(match[1]); !isFile.MatchString(name) {
				_, found := texts[name]
				_, number := texts[name+".other"]
				require.True(t, found || number, "%s: %s", path, name)
			}
		}
		return err
	}))
	require.GreaterOrEqual(t, files, 3)
}

var isFile = regexp.MustCompile(`\.(css|csv|js|svg|png)$`)

// No text is left over: each is named by a template or the code, or begins as they do.
func TestTexts_Used(t *testing.T) {
	t.Parallel()
	var source strings.Builder
	for _, pattern := range []string{"*.go", "templates/*.html", "templates/*/*.html"} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		require.NotEmpty(t, files)
		for _, file := range files {
			if strings.HasPrefix(file, "text") || strings.HasSuffix(file, "_test.go") {
				continue
			}
			b, err := os.ReadFile(file)
			require.NoError(t, err)
			source.Write(b)
		}
	}
	prefixes := regexp.MustCompile(`"[a-z_.]+\."`).FindAllString(source.String(), -1)
	for code := range panel.English() {
		code = strings.TrimSuffix(strings.TrimSuffix(code, ".one"), ".other")
		begins := func(prefix string) bool { return strings.HasPrefix(`"`+code, strings.TrimSuffix(prefix, `"`)) }
		require.True(t, strings.Contains(source.String(), `"`+code+`"`) || slices.ContainsFunc(prefixes, begins), code)
	}
}

// A text of the embedder's is used; where there is none, the English one.
func TestTexts_Other(t *testing.T) {
	t.Parallel()
	config := panel.Config{Open: noViews, Authorize: as(acme), Text: func(lang, code string, args ...any) string {
		if lang == "de-AT" && code == "error.away.title" {
			return "Die Datenbank antwortet nicht"
		}
		return ""
	}}
	w := ask(t, config, "GET", "/deliveries", "Accept-Language", "de-AT,de;q=0.9,en;q=0.8")
	require.Contains(t, w.Body.String(), "Die Datenbank antwortet nicht")
	require.Contains(t, w.Body.String(), "Try again in a minute")
	require.Contains(t, w.Body.String(), `<html lang="de-AT">`)
	for _, tag := range []string{"", "*", `x"y`, strings.Repeat("a", 40)} {
		require.Contains(t, ask(t, config, "GET", "/deliveries", "Accept-Language", tag).Body.String(), `<html lang="en">`)
	}
}
