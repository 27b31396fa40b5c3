package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

// A report is what the command prints.
type report struct {
	comparison
	database string
	sqlite   bool
	during   time.Duration
	rate     int
	kills    int
	cuts     int
	cutErr   error
	drained  time.Duration
	pending  int // at the end, when it took too long
}

// lost reports whether the promise was broken.
func (r report) lost() bool { return r.comparison.lost+r.phantoms+r.wrong > 0 }

func (r report) print(w io.Writer) {
	fmt.Fprintf(w, "%s, %v, up to %d events a second:\n"+
		"%d processes that report events and deliver them, to %d healthy endpoints,\n"+
		"%d that refuse two requests of three, and %d that hang half of the time\n\n",
		r.database, r.during, r.rate, processes, healthy.number(), failing.number(), hanging.number())

	accepted := r.enqueued + r.dispatched
	line := func(name, value, note string) {
		fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("%-25s %9s   %s", name, value, note), " "))
	}
	line("accepted", thousands(accepted),
		thousands(r.enqueued)+" enqueued, "+thousands(r.dispatched)+" in transactions with a row")
	line("delivered", thousands(r.delivered), "")
	note := ""
	if r.pending > 0 {
		note = fmt.Sprintf("%s still pending after %v", thousands(r.pending), drainWithin)
	}
	line("lost", thousands(r.comparison.lost), note)
	line("delivered, not committed", thousands(r.phantoms), thousands(r.undone)+" transactions rolled back")
	line("delivered, other bytes", thousands(r.wrong), "")
	line("delivered twice", thousands(r.duplicates), "what a kill or a cut found in flight")

	fmt.Fprintln(w)
	line("kills", thousands(r.kills),
		thousands(r.unsaid)+" accepted by a process that died before it said so")
	cut := "all connections of the processes terminated"
	if r.sqlite {
		cut = "the file held by another writer for up to 3 s"
	}
	if r.cutErr != nil {
		cut += fmt.Sprintf("; once not: %v", r.cutErr)
	}
	line("cuts", thousands(r.cuts), cut)
	line("longest gap", seconds(r.gap), "without a delivery to a healthy endpoint")
	line("all delivered after", seconds(r.drained), "from the last event on")

	fmt.Fprintf(w, "\n%-25s %9s %9s %9s\n", "", "p50", "p99", "longest")
	for _, row := range []struct {
		name string
		spread
	}{
		{"from call to commit", r.accept},
		{"from commit to receiver", r.healthy},
		{"  while others hang", r.hung},
		{"  while none hangs", r.calm},
		{"  that fails two of three", r.failing},
	} {
		if row.n > 0 {
			fmt.Fprintf(w, "%-25s %9s %9s %9s\n", row.name, seconds(row.p50), seconds(row.p99), seconds(row.longest))
		}
	}
	fmt.Fprintf(w, "\nThe longest are of messages that a killed process held: others take\n"+
		"them over after %v to %v, and may be killed too.\n\n", maxTimeout+5*time.Second, maxTimeout+40*time.Second)
	if r.lost() {
		fmt.Fprintln(w, "NOT AS PROMISED: see above.")
	} else {
		fmt.Fprintf(w, "Nothing was lost: %s accepted, %s delivered.\n", thousands(accepted), thousands(r.delivered))
	}
}

// thousands returns a number with commas.
func thousands(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// seconds returns a time in the unit that suits it.
func seconds(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

// clock returns a time as minutes and seconds.
func clock(d time.Duration) string {
	s := int(d.Seconds())
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

// A screen shows how far it is: in a terminal, in one line that changes; else in a line
// every 10 s.
type screen struct {
	w        io.Writer
	terminal bool
	last     time.Time
}

func newScreen(w io.Writer) *screen {
	s := &screen{w: w}
	if f, ok := w.(*os.File); ok {
		info, err := f.Stat()
		s.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return s
}

const eraseLine = "\r\x1b[K"

func (s *screen) say(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if s.terminal {
		fmt.Fprint(s.w, eraseLine, text)
	} else if time.Since(s.last) >= 10*time.Second {
		fmt.Fprintln(s.w, text)
		s.last = time.Now()
	}
}

// clear removes the line.
func (s *screen) clear() {
	if s.terminal {
		fmt.Fprint(s.w, eraseLine)
	}
}
