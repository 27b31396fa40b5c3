package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/ringhook/webhook/webhooktest"
)

func declareListen(flags *flag.FlagSet) action {
	port := flags.Uint("port", 8080, "")
	secret := flags.String("verify", "", "")
	name := flags.String("scheme", "", "")
	answers := flags.String("answer", "200", "")
	return func(ctx context.Context, e *env, _ []string) error {
		script, err := parseAnswers(*answers)
		if err != nil {
			return err
		}
		l := listener{env: e, script: script}
		if *name != "" && !isSet(flags, "verify") {
			return errors.New("which secret? Name it with -verify")
		}
		if isSet(flags, "verify") { // an empty one, of a variable that is not set, is an error
			if l.secret, err = secretText(*secret); err != nil {
				return err
			}
			if l.scheme, err = schemeFor(*name, l.secret); err != nil {
				return err
			}
		}
		return l.run(ctx, *port)
	}
}

// A step is an answer with its name.
type step struct {
	name   string
	answer webhooktest.Answer
}

// parseAnswers reads a script such as "500,429:5,hang,200".
func parseAnswers(text string) (script []step, err error) {
	faults := map[string]webhooktest.Answer{
		"hang": webhooktest.Hang(), "reset": webhooktest.Reset(),
		"drip": webhooktest.Drip(200, time.Second), "endless": webhooktest.Endless(200),
	}
	for name := range strings.SplitSeq(text, ",") {
		name = strings.TrimSpace(name)
		answer, isFault := faults[name]
		if !isFault {
			status, wait, waits := strings.Cut(name, ":")
			code, err := strconv.Atoi(status)
			seconds, waitErr := strconv.ParseUint(wait, 10, 31)
			if err != nil || code < 200 || code > 999 || waits && waitErr != nil {
				return nil, fmt.Errorf("-answer %q: want a status from 200 to 999, one with seconds to wait such as 429:5, "+
					"hang, reset, drip or endless", name)
			}
			if answer = webhooktest.Status(code); waits {
				answer = webhooktest.RetryAfter(code, strconv.FormatUint(seconds, 10))
			}
		}
		script = append(script, step{name, answer})
	}
	return script, nil
}

// A listener prints what arrives.
type listener struct {
	*env
	script []step
	scheme scheme
	secret string // empty: nothing is verified
	failed bool   // at least one request was not verified
}

// run listens until ctx ends.
func (l *listener) run(ctx context.Context, port uint) error {
	var config net.ListenConfig
	socket, err := config.Listen(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return err
	}
	var answers []webhooktest.Answer
	for _, s := range l.script {
		answers = append(answers, s.answer)
	}
	receiver := webhooktest.NewReceiverAt(socket, answers...)
	defer receiver.Close()
	if l.secret != "" {
		key, err := l.scheme.key(l.secret)
		if err != nil {
			return err
		}
		verifier := l.scheme.verifier(key)
		receiver.Verifier = &verifier
	}
	if l.json {
		fmt.Fprintf(l.out, "{\"listening\":%q}\n", receiver.URL)
	} else {
		fmt.Fprintf(l.out, "listening at %s; stop with Ctrl-C\n", receiver.URL)
	}
	for n := 0; ; n++ {
		r, err := receiver.Next(ctx) // and nothing of the one before is kept
		switch {
		case err == nil:
			l.print(ctx, n, r)
		case l.failed:
			return errProblems
		default:
			return nil // Ctrl-C is how it ends
		}
	}
}

// print prints the nth request, counted from 0, and how it is answered.
func (l *listener) print(ctx context.Context, n int, r webhooktest.Request) {
	answer, f := l.script[min(n, len(l.script)-1)].name, finding{}
	if l.secret != "" {
		in := received{header: r.Header, body: r.Body, secrets: []string{l.secret}, scheme: l.scheme, at: r.At}
		if _, query, _ := strings.Cut(r.URL, "?"); l.scheme.hmac != nil && r.Method == "GET" {
			in.body = []byte(query)
		}
		f, _ = in.diagnose(ctx) // of a secret that was read already
	}
	if r.Err != nil {
		answer, l.failed = "401", true
	}
	if l.json {
		line := map[string]any{
			"n": n + 1, "at": r.At.UTC(), "method": r.Method, "url": r.URL, "header": r.Header, "body": string(r.Body), "answer": answer,
		}
		if l.secret != "" {
			line["signature"] = f
		}
		b, _ := json.Marshal(line) // of texts only
		fmt.Fprintf(l.out, "%s\n", b)
		return
	}
	fmt.Fprintf(l.out, "\n--- request %d, %s\n", n+1, r.At.Format("15:04:05"))
	indented := &env{out: &indenter{w: l.out}} // so that nothing that arrives can look like a line of ours
	indented.printRequest(r.Method+" "+r.URL, r.Header, r.Body)
	if l.secret != "" {
		fmt.Fprintf(l.out, "--- %s\n", f)
	}
	fmt.Fprintf(l.out, "--- answer %s\n", answer)
}
