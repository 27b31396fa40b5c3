// Variables prints, as Markdown, the tables that tell customers which names their
// templates can use: one for each type of event, made from the payload types and the
// sample events in testdata.
//
//	go run ./examples/variables
package main

import (
	"fmt"
	"io"
	"log"
	"os"
	"strings"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/payload"
	"github.com/ringhook/webhook/testdata"
)

// documents has the title of each table, and the event that its examples are from.
var documents = []struct{ title, fixture string }{
	{"Call report of a campaign (OBD)", "obd"},
	{"Call report of Click2Call", "c2c"},
	{"Call detail record", "cdr"},
	{"Message status", "whatsapp_status"},
	{"Incoming message", "whatsapp_in_text"},
	{"SMS status", "sms_status"},
	{"Unsubscription", "sms_unsubscription"},
	{"State of a webhook", "webhook_state"},
}

func main() {
	if err := run(os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(out io.Writer) error {
	for _, d := range documents {
		event, err := payload.Parse(testdata.Fixture(d.fixture))
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "## %s\n\nThe event is `%s`.\n\n", d.title, event.EventType())
		fmt.Fprint(out, "| Name | Also | Type | Description | Example |\n|---|---|---|---|---|\n")
		for _, v := range webhook.Variables(event) {
			fmt.Fprintf(out, "| `%s` | %s | %s | %s | %s |\n",
				v.Name, names(v.Aliases), v.Type, cell(v.Doc), cell(short(v.Example)))
		}
		fmt.Fprintln(out)
	}
	return nil
}

func names(aliases []string) string {
	if len(aliases) == 0 {
		return ""
	}
	return "`" + strings.Join(aliases, "`, `") + "`"
}

// short cuts an example to the width of a table: the whole payload would not fit.
func short(example string) string {
	const most = 40
	if r := []rune(example); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return example
}

// cell escapes a text, so that it stays in its cell and is not read as Markdown or HTML.
func cell(text string) string {
	return strings.NewReplacer(
		"|", `\|`, `\`, `\\`, "\n", " ", "<", "&lt;", "&", "&amp;", "*", `\*`, "_", `\_`, "`", "\\`",
	).Replace(text)
}
