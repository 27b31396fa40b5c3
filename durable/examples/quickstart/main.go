// Quickstart shows that nothing is lost when a service dies. It starts itself as a
// service that takes events and delivers them from an SQLite file in a temporary
// folder, kills it in the middle of its work, twice, and starts it again; then it
// compares what the services had accepted with what a receiver got, which refuses every
// third request. It takes up to a minute, most of it until what the dead services held
// is given to the last one.
//
//	go run ./examples/quickstart
package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/webhooktest"
)

// The variables that a service finds its settings in. Without them, this program is the
// one that starts services.
const (
	fileVariable     = "QUICKSTART_FILE"
	receiverVariable = "QUICKSTART_RECEIVER"
	numberVariable   = "QUICKSTART_NUMBER"
)

func main() {
	var err error
	if file := os.Getenv(fileVariable); file != "" {
		err = serve(context.Background(), file, os.Getenv(receiverVariable), os.Getenv(numberVariable))
	} else {
		err = run(context.Background(), os.Stdout)
	}
	if err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, out io.Writer) error {
	customer := &customer{delivered: map[string]int{}}
	receiver := webhooktest.NewReceiver(webhooktest.Func(customer.serve))
	defer receiver.Close()
	folder, err := os.MkdirTemp("", "quickstart")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	file := filepath.Join(folder, "webhooks.db")

	var accepted []string
	for number := 1; number <= 3; number++ {
		last := number == 3
		if last {
			fmt.Fprintln(out, "service 3 gets what the dead ones held, which takes up to 45 s ...")
		}
		ids, err := service(ctx, number, file, receiver.URL, 100, !last)
		if err != nil {
			return err
		}
		accepted = append(accepted, ids...)
		delivered, _ := customer.compare(accepted)
		end := "was killed"
		if last {
			end = "had delivered everything, and stopped"
		}
		fmt.Fprintf(out, "service %d accepted %3d messages and %s: %3d of %3d delivered so far\n",
			number, len(ids), end, delivered, len(accepted))
	}

	delivered, twice := customer.compare(accepted)
	fmt.Fprintf(out, "\naccepted:  %d\ndelivered: %d\nlost:      %d\n",
		len(accepted), delivered, len(accepted)-delivered)
	fmt.Fprintf(out, "delivered twice, since a service died before it had noted the answer: %d\n", twice)
	return nil
}

// service runs a service until it has accepted some messages. It then kills it, or
// waits until it has delivered everything. It returns the IDs of what was accepted.
func service(
	ctx context.Context, number int, file, receiver string, some int, kill bool,
) (accepted []string, err error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, program)
	cmd.Env = append(os.Environ(),
		fileVariable+"="+file, receiverVariable+"="+receiver, numberVariable+"="+strconv.Itoa(number))
	cmd.Stderr = os.Stderr
	stop, err := cmd.StdinPipe() // the service stops when it is closed
	if err != nil {
		return nil, err
	}
	ids, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	// What it wrote before it died can still be read.
	for lines := bufio.NewScanner(ids); lines.Scan(); {
		accepted = append(accepted, lines.Text())
		switch {
		case len(accepted) != some:
		case kill:
			err = cmd.Process.Kill() // SIGKILL: it has no time to do anything
		default:
			err = stop.Close()
		}
		if err != nil {
			return nil, err
		}
	}
	if err := cmd.Wait(); err != nil && !kill {
		return nil, err
	}
	return accepted, nil
}

// A customer is the receiver's end.
type customer struct {
	mu        sync.Mutex
	requests  int
	delivered map[string]int // how often, by ID
}

// serve needs some time, so that a service always dies with something under way.
func (c *customer) serve(w http.ResponseWriter, r *http.Request) {
	time.Sleep(20 * time.Millisecond)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.requests++; c.requests%3 == 0 {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	c.delivered[r.Header.Get(webhook.HeaderID)]++
}

// compare returns how many of the accepted messages the customer has, and how many of
// them twice.
func (c *customer) compare(accepted []string) (delivered, twice int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, id := range accepted {
		if c.delivered[id] > 0 {
			delivered++
		}
		if c.delivered[id] > 1 {
			twice++
		}
	}
	return delivered, twice
}
