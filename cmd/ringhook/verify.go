package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"
)

func declareVerify(flags *flag.FlagSet) action {
	var headers, secrets list
	flags.Var(&headers, "H", "")
	flags.Var(&secrets, "secret", "")
	name := flags.String("scheme", "", "")
	at := flags.String("at", "", "")
	webhookID := flags.String("webhook-id", "", "")
	tolerance := flags.Duration("tolerance", 0, "")
	return func(ctx context.Context, e *env, args []string) error {
		if len(args) == 0 {
			return errors.New("which body? Name a file, or - for standard input")
		}
		r := received{webhookID: *webhookID, tolerance: *tolerance}
		var err error
		if r.body, err = e.read(args[0]); err != nil {
			return err
		}
		if r.header, err = e.headers(headers); err != nil {
			return err
		}
		if len(secrets) == 0 {
			return errors.New("which secret? Name it with -secret")
		}
		for _, flagged := range secrets {
			text, err := secretText(flagged)
			if err != nil {
				return err
			}
			r.secrets = append(r.secrets, text)
		}
		if r.at, err = parseTime(*at); err != nil {
			return err
		}
		if r.scheme, err = r.chosen(*name); err != nil {
			return err
		}
		f, err := r.diagnose(ctx)
		if err != nil {
			return err
		}
		return e.printFinding(f)
	}
}

func (e *env) printFinding(f finding) error {
	if e.json {
		if err := e.printJSON(f); err != nil {
			return err
		}
	} else {
		fmt.Fprintln(e.out, f)
	}
	if !f.Verified {
		return errProblems
	}
	return nil
}

// headers reads the flags -H: "Name: value", or @FILE with a line for each.
func (e *env) headers(flagged []string) (http.Header, error) {
	header := http.Header{}
	for _, text := range flagged {
		file, isFile := strings.CutPrefix(text, "@")
		if !isFile {
			if !addHeader(header, text) {
				return nil, errors.New("-H: want 'Name: value', or @FILE")
			}
			continue
		}
		b, err := e.read(file)
		if err != nil {
			return nil, err
		}
		if n := addHeaders(header, string(b)); n > 0 {
			return nil, fmt.Errorf("-H: %s, line %d: want 'Name: value', and an empty line behind the last", file, n)
		}
	}
	return header, nil
}

// addHeader adds a line, unless it is none of a header. Those of HTTP/2 that begin with a
// colon, as browsers show them, are known and passed over.
func addHeader(header http.Header, line string) bool {
	line = strings.TrimRight(line, " \t\r\n")
	name, value, ok := strings.Cut(strings.TrimPrefix(line, ":"), ":")
	if !ok || !headerName.MatchString(name) {
		return false
	}
	if !strings.HasPrefix(line, ":") {
		header.Add(name, strings.TrimSpace(value))
	}
	return true
}

// addHeaders adds the lines of a file up to an empty one. The first may be that of the
// request, and all may be indented, as listen prints them. It returns the number of the
// first line that cannot be read, counted from 1, or 0.
func addHeaders(header http.Header, text string) (wrong int) {
	text = strings.TrimPrefix(text, byteOrderMark)
	indent := text[:len(text)-len(strings.TrimLeft(text, " \t"))]
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimPrefix(line, indent)
		if strings.TrimSpace(line) == "" {
			return 0
		}
		if !addHeader(header, line) && (n > 1 || !requestLine.MatchString(line)) {
			return n
		}
	}
	return 0
}

var (
	headerName = regexp.MustCompile("^[-!#$%&'*+.^_`|~0-9A-Za-z]+$")
	// requestLine is how requests begin, and answers.
	requestLine = regexp.MustCompile(`^([A-Z]+ \S+( HTTP/[0-9.]+)?|HTTP/[0-9.]+ [0-9]{3}( .*)?)\s*$`)
)

// A received is a request whose signature is in question.
type received struct {
	header    http.Header
	body      []byte
	secrets   []string
	scheme    scheme
	webhookID string // may be empty
	at        time.Time
	tolerance time.Duration
}

// chosen returns the scheme of that name, or without one the first whose header is there.
func (r *received) chosen(name string) (scheme, error) {
	if name != "" || isPair(strings.TrimSpace(r.secrets[0])) {
		return schemeFor(name, r.secrets[0])
	}
	for _, s := range schemes {
		if r.has(s) {
			return s, nil
		}
	}
	return schemeFor("", r.secrets[0])
}

// has reports whether a signature of the scheme is there. Those with public keys and those
// with secrets have one header, in which versions tell them apart.
func (r *received) has(s scheme) bool {
	text := r.header.Get(s.header())
	public := strings.HasPrefix(text, "v1a,") || strings.Contains(text, " v1a,")
	secret := strings.HasPrefix(text, "v1,") || strings.Contains(text, " v1,")
	switch {
	case s.public:
		return public
	case s.hmac == nil:
		return text != "" && (secret || !public)
	}
	return text != ""
}
