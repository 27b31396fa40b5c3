package panel

import (
	"embed"
	"encoding/json"

	"github.com/ringhook/webhook"
)

//go:embed code
var codeFiles embed.FS

// A referencePage tells the authors of webhooks what events there are, and those of receivers
// how to verify them.
type referencePage struct {
	Events []eventReference
	Code   []program
}

// An eventReference is a kind of event, with its values.
type eventReference struct {
	Type      string             `json:"type"`
	Policy    webhook.Policy     `json:"policy"`
	Variables []webhook.Variable `json:"variables"`
	JSON      string             `json:"json"` // as it is sent without a template
}

// A program verifies requests.
type program struct{ Language, Text string }

// programs are the files of code: the same as in docs/receivers.md, where they are tested.
var programs = readPrograms()

func readPrograms() []program {
	var list []program
	for _, language := range []struct{ name, file string }{
		{"PHP", "php"}, {"Node", "node"}, {"Python", "python"}, {"Go", "go"}, {"Java", "java"},
	} {
		text, err := codeFiles.ReadFile("code/" + language.file + ".txt")
		if err != nil {
			panic(err) // it is embedded
		}
		list = append(list, program{language.name, string(text)})
	}
	return list
}

// reference shows the events and how to verify them.
func (c *call) reference() error {
	return c.render("reference", "reference.title", referencePage{Code: programs, Events: c.events()})
}

// apiEvents answers with the events.
func (c *call) apiEvents() error {
	return c.json(struct {
		Events []eventReference `json:"events"`
	}{c.events()})
}

func (c *call) events() []eventReference {
	list := []eventReference{}
	for _, sample := range c.config.Samples {
		event := eventReference{
			Type: sample.EventType(), Policy: webhook.PolicyFor(sample.EventType()), Variables: webhook.Variables(sample),
		}
		b, err := json.Marshal(sample)
		if err == nil {
			event.JSON = indented(b)
		}
		list = append(list, event)
	}
	return list
}
