package main

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os/signal"
	"syscall"
)

// The exit statuses.
const (
	exitFine     = iota
	exitProblems // found, not delivered, not verified
	exitUsage    // or input that cannot be read
)

// errProblems ends a command that has told its problems already.
var errProblems = errors.New("problems")

//go:embed help/*.txt
var pages embed.FS

// An env is what a command works with.
type env struct {
	stdin io.Reader
	out   io.Writer
	json  bool // output is for programs
}

// An action is a command whose flags are set.
type action func(ctx context.Context, e *env, args []string) error

// A command declares its flags, and returns what it does with them.
type command struct {
	name    string
	maxArgs int
	declare func(*flag.FlagSet) action
}

// commands are in the order of the help.
var commands = []command{
	{"check", 1, declareCheck},
	{"render", 1, declareRender},
	{"vars", 1, declareVars},
	{"modernize", 1, declareModernize},
	{"sign", 1, declareSign},
	{"verify", 1, declareVerify},
	{"listen", 0, declareListen},
	{"send", 1, declareSend},
}

// run is the program. It returns its exit status.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	defer context.AfterFunc(ctx, stop)() // the second one ends a command that reads
	e := &env{stdin: stdin, out: visible{stdout}}
	err := e.command(ctx, args)
	switch {
	case err == nil:
		return exitFine
	case errors.Is(err, errProblems):
		return exitProblems
	}
	fmt.Fprintf(visible{stderr}, "ringhook: %v\n", err)
	return exitUsage
}

func (e *env) command(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New("no command; ringhook help lists them")
	}
	name, args := args[0], args[1:]
	if name == "help" || name == "-h" || name == "-help" || name == "--help" {
		return e.help(append(args, "ringhook")[0])
	}
	for _, c := range commands {
		if c.name == name {
			return e.start(ctx, c, args)
		}
	}
	return fmt.Errorf("no command %q; ringhook help lists them", name)
}

// start reads the arguments of a command, whose flags may stand before and behind the
// others, and executes it.
func (e *env) start(ctx context.Context, c command, args []string) error {
	flags := flag.NewFlagSet(c.name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.BoolVar(&e.json, "json", false, "")
	act := c.declare(flags)
	var rest []string
	for {
		switch err := flags.Parse(args); {
		case errors.Is(err, flag.ErrHelp):
			return e.help(c.name)
		case err != nil:
			return fmt.Errorf("%s: %w; ringhook help %s", c.name, err, c.name)
		}
		if args = flags.Args(); len(args) == 0 {
			break
		}
		rest, args = append(rest, args[0]), args[1:]
	}
	if len(rest) > c.maxArgs {
		return fmt.Errorf("%s: %d arguments, at most %d; ringhook help %s", c.name, len(rest), c.maxArgs, c.name)
	}
	if err := act(ctx, e, rest); err != nil && !errors.Is(err, errProblems) {
		return fmt.Errorf("%s: %s", c.name, plainError(err))
	} else if err != nil {
		return err
	}
	return nil
}

func (e *env) help(page string) error {
	text, err := pages.ReadFile("help/" + page + ".txt")
	if err != nil {
		return fmt.Errorf("no help about %q; ringhook help lists the commands", page)
	}
	_, err = e.out.Write(text)
	return err
}

// printJSON writes a value as indented JSON.
func (e *env) printJSON(v any) error {
	enc := json.NewEncoder(e.out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
