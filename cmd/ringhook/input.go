package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/payload"
)

// maxInput is how long a file may be: more than any body that the library sends.
const maxInput = 4 << 20

// read returns the content of a file, or of standard input for the name -.
func (e *env) read(name string) ([]byte, error) {
	from := e.stdin
	if name != "-" {
		f, err := os.Open(name) //nolint:gosec // the user names the files
		if err != nil {
			return nil, err
		}
		defer f.Close()
		from = f
	}
	b, err := io.ReadAll(io.LimitReader(from, maxInput+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxInput {
		return nil, fmt.Errorf("%s: more than %d bytes", name, maxInput)
	}
	return b, nil
}

// webhook reads the webhook that is a command's argument.
func (e *env) webhook(args []string) (name string, w webhook.Webhook, err error) {
	if len(args) == 0 {
		return "", w, errors.New("which webhook? Name a file, or - for standard input")
	}
	b, err := e.read(args[0])
	if err != nil {
		return args[0], w, err
	}
	d := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(b, []byte(byteOrderMark))))
	d.DisallowUnknownFields() // a misspelt one would be left out in silence
	if err := d.Decode(&w); err != nil {
		return args[0], w, fmt.Errorf("%s is no webhook in JSON: %w", args[0], err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return args[0], w, fmt.Errorf("%s: there is more behind the webhook", args[0])
	}
	return args[0], w, nil
}

// eventFlags say which event a command takes.
type eventFlags struct{ file, eventType string }

func (f *eventFlags) declare(flags *flag.FlagSet) {
	flags.StringVar(&f.file, "event", "", "")
	flags.StringVar(&f.eventType, "type", "", "")
}

// samples returns the event of the file, or the made-up ones of the type; none if neither
// was asked for.
func (f *eventFlags) samples(e *env) (events []webhook.Event, err error) {
	if f.file == "" && f.eventType == "" {
		return nil, nil
	}
	if f.file == "" {
		for _, event := range payload.Samples(f.eventType) {
			events = append(events, event)
		}
		if events == nil {
			return nil, fmt.Errorf("no event of the type %q is known; ringhook vars lists the types", f.eventType)
		}
		return events, nil
	}
	body, err := e.read(f.file)
	if err != nil {
		return nil, err
	}
	var event webhook.Event
	if f.eventType != "" {
		event, err = payload.ParseAs(f.eventType, body)
	} else {
		event, err = payload.Parse(body)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %s", f.file, strings.TrimPrefix(err.Error(), "payload: "))
	}
	return []webhook.Event{event}, nil
}

// one is the event that a request is made of.
func (f *eventFlags) one(e *env) (webhook.Event, error) {
	events, err := f.samples(e)
	if err == nil && len(events) == 0 {
		err = errors.New("which event? Name a file with -event, or a type with -type for a made-up one")
	}
	if err != nil {
		return nil, err
	}
	return events[0], nil
}

// eventTypes returns the types of events that there are samples of.
func eventTypes() (types []string) {
	for _, event := range payload.Samples() {
		types = append(types, event.EventType())
	}
	slices.Sort(types)
	return slices.Compact(types)
}

// secretText returns the secret that a flag names: env:NAME, file:PATH, or the text itself.
// Its errors quote none of it.
func secretText(flagged string) (string, error) {
	kind, name, _ := strings.Cut(flagged, ":")
	switch kind {
	case "env":
		text, ok := os.LookupEnv(name)
		if !ok || text == "" {
			return "", fmt.Errorf("secret: the environment has no %s", name)
		}
		return text, nil
	case "file":
		b, err := os.ReadFile(name) //nolint:gosec // the user names the files
		if pe := new(fs.PathError); errors.As(err, &pe) {
			return "", fmt.Errorf("secret: %s: %w", name, pe.Err)
		}
		text := strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r")
		if text == "" && err == nil {
			return "", fmt.Errorf("secret: %s is empty", name)
		}
		return text, err
	}
	if flagged == "" {
		return "", errors.New("secret: it is empty")
	}
	return flagged, nil
}

// isSet reports whether a flag was given, be it empty.
func isSet(flags *flag.FlagSet, name string) (is bool) {
	flags.Visit(func(f *flag.Flag) { is = is || f.Name == name })
	return is
}

// A list is a flag that may be there several times.
type list []string

func (l *list) String() string { return strings.Join(*l, ",") }

func (l *list) Set(s string) error {
	*l = append(*l, s)
	return nil
}
