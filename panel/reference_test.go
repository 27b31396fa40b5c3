package panel_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

func TestReference(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.editor(acme).get("reference")
	require.Equal(t, http.StatusOK, a.status)
	for _, text := range []string{`id="whatsapp:message:status"`, "payload.read_at", "hash_hmac", "timingSafeEqual", "compare_digest"} {
		require.Contains(t, a.body, text)
	}
	require.Contains(t, w.site(acme).get("reference").body, "There are no example events")
}

// What is shown is what is tested: the programs of docs/receivers.md.
func TestReference_Programs(t *testing.T) {
	t.Parallel()
	manual, err := os.ReadFile("../docs/receivers.md")
	require.NoError(t, err)
	files, err := filepath.Glob("code/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Contains(t, string(manual), "\n"+string(text)+"```\n", "docs/receivers.md has another program than %s", file)
	}
}

func TestBrowser_Reference(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	w := newWorld(t)
	b.do(chromedp.Navigate(w.editor(acme).url + "reference"))
	b.look("reference")
}
