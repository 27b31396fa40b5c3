package main

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// start runs the service and the application, and returns their origins.
func start(t *testing.T) (service, application string) {
	t.Helper()
	var listeners [2]net.Listener
	for i := range listeners {
		var err error
		listeners[i], err = (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
		require.NoError(t, err)
	}
	_, port, err := net.SplitHostPort(listeners[1].Addr().String())
	require.NoError(t, err)
	service, application = "http://"+listeners[0].Addr().String(), "http://localhost:"+port
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, io.Discard, listeners[0], listeners[1]) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-ended)
	})
	return service, application
}

func get(t *testing.T, client *http.Client, address string) (status int, header http.Header, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", address, nil)
	require.NoError(t, err)
	response, err := client.Do(r)
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, response.Header, string(text)
}

// A ticket counts once, and a session shows what is the customer's alone.
func TestPortal_Sessions(t *testing.T) {
	t.Parallel()
	service, application := start(t)
	plain := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	status, _, body := get(t, plain, service+"/portal/webhooks")
	require.Equal(t, http.StatusForbidden, status)
	require.NotContains(t, body, "CRM")

	_, _, body = get(t, plain, strings.Replace(application, "localhost", "127.0.0.1", 1)+"/?user=gus")
	_, src, found := strings.Cut(body, `src="`)
	require.True(t, found, body)
	src = src[:strings.IndexByte(src, '"')]
	status, header, _ := get(t, plain, src)
	require.Equal(t, http.StatusSeeOther, status)
	for _, attribute := range []string{"HttpOnly", "Secure", "SameSite=None", "Partitioned", "Path=/portal/"} {
		require.Contains(t, header.Get("Set-Cookie"), attribute)
	}
	status, _, _ = get(t, plain, src)
	require.Equal(t, http.StatusForbidden, status, "the second time")

	session, err := http.ParseSetCookie(header.Get("Set-Cookie"))
	require.NoError(t, err)
	session.Secure = false // there is no TLS here
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	r, err := http.NewRequestWithContext(t.Context(), "GET", service+"/portal/", nil)
	require.NoError(t, err)
	jar.SetCookies(r.URL, []*http.Cookie{session})
	status, header, body = get(t, &http.Client{Jar: jar}, service+"/portal/webhooks")
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, header.Get("Content-Security-Policy"), "frame-ancestors "+application)
	require.Contains(t, body, "CRM of globex")
	require.NotContains(t, body, "acme")
}

// In a browser, the frame shows and its forms work; no other site can have one.
func TestPortal_Frame(t *testing.T) {
	t.Parallel()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no chromium here: the frame is not tested")
	}
	service, application := start(t)
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.WSURLReadTimeout(time.Minute),
		// So that the frame can be looked into from the page that it is in.
		chromedp.Flag("disable-site-isolation-trials", true),
	)
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	defer stop()
	ctx, end := chromedp.NewContext(ctx)
	defer end()
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	f := frame{t, ctx}

	require.NoError(t, chromedp.Do(ctx, chromedp.Navigate(application+"/?user=ann")))
	f.eventually(`document.querySelector("h1")?.textContent === "Overview"`)
	f.run(`document.querySelector("nav a[href$=webhooks]").click(); true`)
	f.eventually(`document.querySelector("table")?.textContent.includes("CRM of acme")`)
	f.run(`document.querySelector("a[href$='webhooks/new']").click(); true`)
	f.eventually(`document.querySelector("#save") !== null`)
	f.run(`document.querySelector("input[name=name]").value = "From the frame";
		document.querySelector("textarea[name=url]").value = "` + service + `/receiver"; document.querySelector("#save").click(); true`)
	f.eventually(`document.querySelector(".note")?.textContent.includes("The webhook was created")`)

	thief := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, `<!doctype html><iframe src="`+service+`/portal/"></iframe>`)
	}))
	defer thief.Close()
	_, _, body := get(t, http.DefaultClient, strings.Replace(application, "localhost", "127.0.0.1", 1))
	_, src, _ := strings.Cut(body, `src="`)
	withTicket := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, `<!doctype html><iframe src="`+src[:strings.IndexByte(src, '"')]+`"></iframe>`)
	}))
	defer withTicket.Close()
	for _, other := range []string{thief.URL, withTicket.URL} {
		require.NoError(t, chromedp.Do(ctx, chromedp.Navigate(other)))
		f.eventually(`location.protocol === "chrome-error:"`)
	}
}

// A frame is the first one in the page of a browser.
type frame struct {
	t   *testing.T
	ctx context.Context //nolint:containedctx // that of the browser
}

// run runs a script in the frame, of which it is true or not.
func (f frame) run(script string) bool {
	f.t.Helper()
	tree, err := chromedp.Call(f.ctx, page.GetFrameTree, struct{}{})
	require.NoError(f.t, err)
	if len(tree.FrameTree.ChildFrames) == 0 {
		return false
	}
	world, err := chromedp.Call(f.ctx, page.CreateIsolatedWorld, page.CreateIsolatedWorldParams{FrameID: tree.FrameTree.ChildFrames[0].Frame.ID})
	if err != nil { // it is about to be another document
		return false
	}
	result, err := chromedp.Call(f.ctx, runtime.Evaluate, runtime.EvaluateParams{Expression: script, ContextID: world.ExecutionContextID})
	if err != nil || result.ExceptionDetails != nil {
		return false
	}
	var value bool
	return json.Unmarshal(result.Result.Value, &value) == nil && value
}

func (f frame) eventually(script string) {
	f.t.Helper()
	require.Eventually(f.t, func() bool { return f.run(script) }, 30*time.Second, 50*time.Millisecond, script)
}
