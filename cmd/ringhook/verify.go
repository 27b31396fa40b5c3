package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
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
			name, value, ok := strings.Cut(text, ":")
			if !ok {
				return nil, errors.New("-H: want 'Name: value', or @FILE")
			}
			header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
			continue
		}
		b, err := e.read(file)
		if err != nil {
			return nil, err
		}
		// A request line, if there is one, has blanks before its first colon. The
		// header ends with an empty line.
		for lines := bufio.NewScanner(bytes.NewReader(b)); lines.Scan() && strings.TrimSpace(lines.Text()) != ""; {
			name, value, ok := strings.Cut(lines.Text(), ":")
			if ok && !strings.Contains(name, " ") {
				header.Add(name, strings.TrimSpace(value))
			}
		}
	}
	return header, nil
}

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
	if name != "" {
		return schemeNamed(name)
	}
	for _, s := range schemes {
		if r.has(s) {
			return s, nil
		}
	}
	return schemeFor("", r.secrets[0])
}

func (r *received) has(s scheme) bool { return r.header.Get(s.header()) != "" }
