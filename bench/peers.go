package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"text/template"
	"time"

	"github.com/go-resty/resty/v2"
	"github.com/gojek/heimdall/v7/httpclient"
	"github.com/hashicorp/go-retryablehttp"
	"github.com/valyala/fasthttp"
	resty3 "resty.dev/v3"
)

// The peers get what they are given beforehand and only send it, over a transport that
// is tuned as ours is, unless the row is about its defaults. They read the answer's
// body, without which no connection is used again.

func tunedTransport() *http.Transport {
	return &http.Transport{
		MaxIdleConnsPerHost: 256, IdleConnTimeout: 30 * time.Second,
		WriteBufferSize: 16 << 10, DisableCompression: true,
	}
}

// finish reads the answer to its end.
func finish(resp *http.Response, err error) error {
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	return status(resp.StatusCode, err)
}

func status(code int, err error) error {
	if err == nil && code != http.StatusOK {
		err = fmt.Errorf("status %d", code)
	}
	return err
}

// http is a request of net/http.
func (r request) http(ctx context.Context) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, r.method, r.url, bytes.NewReader(r.body))
	if err != nil {
		return nil, err
	}
	for name, values := range r.header {
		req.Header.Set(name, values[0])
	}
	return req, nil
}

// rawWay is net/http without anything. Without a timeout there is no deadline.
func rawWay(r request, timeout time.Duration) way {
	w := way{what: "bare net/http without a deadline"}
	if timeout > 0 {
		w.what = "bare net/http with a deadline"
	}
	w.send = sendRaw(r, timeout, tunedTransport())
	return w
}

// rawDefaultWay leaves the buffers of the transport at their default.
func rawDefaultWay(r request) way {
	t := tunedTransport()
	t.WriteBufferSize = 0
	return way{"bare net/http, default buffers", sendRaw(r, 0, t)}
}

func sendRaw(r request, timeout time.Duration, t *http.Transport) func(int) error {
	return func(int) error {
		ctx := context.Background()
		if timeout > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, timeout)
			defer cancel()
		}
		req, err := r.http(ctx)
		if err != nil {
			return err
		}
		return finish(t.RoundTrip(req))
	}
}

// naiveWay is what one writes first: templates of the standard library, a new HMAC, an
// http.Client.
func naiveWay(host string) (way, error) {
	var parts []*template.Template
	funcs := template.FuncMap{"url": ofAny(escapeURL), "header": ofAny(escapeHeader), "json": ofAny(escapeJSON)}
	for _, source := range seedParts(func(field, _, place string) string { return "{{." + field + " | " + place + "}}" }) {
		source = strings.Replace(source, "https://www.domain.com", "http://"+host, 1)
		t, err := template.New("").Funcs(funcs).Parse(source)
		if err != nil {
			return way{}, err
		}
		parts = append(parts, t)
	}
	client := &http.Client{Transport: tunedTransport()}
	return way{"text/template, hmac.New, http.Client", func(int) error {
		var rendered [3]bytes.Buffer
		for i, t := range parts {
			if err := t.Execute(&rendered[i], &seedStatus); err != nil {
				return err
			}
		}
		mac := hmac.New(sha256.New, []byte(seedWebhook.ID))
		mac.Write(rendered[2].Bytes())
		req, err := http.NewRequest(http.MethodPost, rendered[0].String(), &rendered[2])
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("X-Message", rendered[1].String())
		req.Header.Set("Signature", hex.EncodeToString(mac.Sum(nil)))
		return finish(client.Do(req))
	}}, nil
}

// A restyRequest is a request of either version of resty.
type restyRequest[Request, Response any] interface {
	SetBody(any) Request
	SetHeader(name, value string) Request
	Post(url string) (Response, error)
}

func restyWay(r request) way {
	c := resty.New().SetTransport(tunedTransport())
	return way{"resty v2", sendResty(r, c.R, (*resty.Response).StatusCode)}
}

func resty3Way(r request) way {
	c := resty3.New().SetTransport(tunedTransport())
	return way{"resty v3", sendResty(r, c.R, func(resp *resty3.Response) int {
		_ = resp.Bytes() // which version 2 has read
		return resp.StatusCode()
	})}
}

func sendResty[Request restyRequest[Request, Response], Response any](
	r request, begin func() Request, end func(Response) (code int),
) func(int) error {
	return func(int) error {
		req := begin().SetBody(r.body)
		for name, values := range r.header {
			req.SetHeader(name, values[0])
		}
		resp, err := req.Post(r.url)
		if err != nil {
			return err
		}
		return status(end(resp), nil)
	}
}

func retryableWay(r request, tuned bool) way {
	c := retryablehttp.NewClient()
	c.Logger = nil // it prints each request
	w := way{what: "go-retryablehttp with its defaults"}
	if tuned {
		w.what = "go-retryablehttp, tuned"
		c.HTTPClient = &http.Client{Transport: tunedTransport()}
	}
	w.send = func(int) error {
		req, err := retryablehttp.NewRequest(r.method, r.url, r.body)
		if err != nil {
			return err
		}
		for name, values := range r.header {
			req.Header.Set(name, values[0])
		}
		return finish(c.Do(req))
	}
	return w
}

func heimdallWay(r request) way {
	c := httpclient.NewClient(httpclient.WithHTTPClient(&http.Client{Transport: tunedTransport()}))
	return way{"heimdall", func(int) error {
		req, err := r.http(context.Background())
		if err != nil {
			return err
		}
		return finish(c.Do(req))
	}}
}

func fasthttpWay(r request) way {
	c := &fasthttp.Client{MaxConnsPerHost: 512, NoDefaultUserAgentHeader: true}
	return way{"fasthttp", func(int) error {
		req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
		defer fasthttp.ReleaseRequest(req)
		defer fasthttp.ReleaseResponse(resp)
		req.SetRequestURI(r.url)
		req.Header.SetMethod(r.method)
		for name, values := range r.header {
			req.Header.Set(name, values[0])
		}
		req.SetBodyRaw(r.body)
		err := c.Do(req, resp)
		return status(resp.StatusCode(), err)
	}}
}

// tcpWay writes the same bytes to a connection of the worker's own and reads the
// answer: nothing in Go is less.
func tcpWay(r request) way {
	u, err := url.Parse(r.url)
	must(err)
	var wire bytes.Buffer
	fmt.Fprintf(&wire, "%s %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n", r.method, u.RequestURI(), u.Host, len(r.body))
	must(r.header.Write(&wire))
	wire.WriteString("\r\n")
	wire.Write(r.body)

	type line struct {
		net.Conn
		*bufio.Reader
	}
	var lines sync.Map // of the workers, by number
	return way{"a TCP connection", func(worker int) error {
		v, ok := lines.Load(worker)
		if !ok {
			conn, err := net.Dial("tcp4", u.Host)
			if err != nil {
				return err
			}
			v = line{conn, bufio.NewReader(conn)}
			lines.Store(worker, v)
		}
		l := v.(line)
		if _, err := l.Write(wire.Bytes()); err != nil {
			return err
		}
		return readAnswer(l.Reader)
	}}
}

// readAnswer reads an answer whose body is ok.
func readAnswer(r *bufio.Reader) error {
	first := true
	for {
		text, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		if first && !bytes.HasPrefix(text, []byte("HTTP/1.1 200")) {
			return fmt.Errorf("status line of %d bytes", len(text))
		}
		if first = false; len(text) == 2 { // the empty line
			_, err := r.Discard(len("ok"))
			return err
		}
	}
}
