package panel_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/payload"
	"github.com/ringhook/webhook/testdata"
)

var update = flag.Bool("update", false, "write what openapi.yaml says of the events")

// knownEvents are events of all types that package payload knows, by their types: its fixtures, and
// those of messages on each channel.
func knownEvents(t *testing.T) map[string][]webhook.Event {
	t.Helper()
	all := map[string][]webhook.Event{}
	add := func(e webhook.Event) { all[e.EventType()] = append(all[e.EventType()], e) }
	messages := []payload.ChannelName{payload.ChannelWhatsApp, payload.ChannelRCS, payload.ChannelViber}
	for _, name := range testdata.Names() {
		e, err := payload.Parse(testdata.Fixture(name))
		require.NoError(t, err, name)
		switch e := e.(type) {
		case *payload.MessageStatus:
			for _, channel := range messages {
				other := *e
				other.Event, other.Channel = "", channel
				add(&other)
			}
		case *payload.MessageIn:
			for _, channel := range messages {
				other := *e
				other.Event, other.Channels = "", slices.Clone(e.Channels)
				other.Channels[0].Name = channel
				add(&other)
			}
		case *payload.Unsubscription:
			for _, channel := range append(messages, "sms", "voice") {
				other := *e
				other.Event, other.Channel = "", channel
				add(&other)
			}
		default:
			add(e)
		}
	}
	return all
}

// schemaOf is the schema of some values that stand in one place of events, whose names are
// documented by docs and kinds.
func schemaOf(t *testing.T, values []any, path string, vars map[string]webhook.Variable) object {
	t.Helper()
	known := vars[path]
	schema := object{}
	if known.Doc != "" {
		schema["description"] = known.Doc
	}
	if known.Type == "any" { // of any form
		return schema
	}
	members, items := map[string][]any{}, []any{}
	types := map[string]bool{}
	for _, value := range values {
		switch value := value.(type) {
		case object:
			types["object"] = true
			for name, member := range value {
				members[name] = append(members[name], member)
			}
		case []any:
			types["array"] = true
			items = append(items, value...)
		case string:
			types["string"] = true
		case float64:
			types["number"] = true
		case bool:
			types["boolean"] = true
		case nil:
			types["null"] = true
		}
	}
	switch sorted := slices.Sorted(maps.Keys(types)); len(sorted) {
	case 1:
		schema["type"] = sorted[0]
	default:
		several := make([]any, len(sorted))
		for i, name := range sorted {
			several[i] = name
		}
		schema["type"] = several
	}
	below := func(name string) string { return strings.TrimPrefix(path+"."+name, ".") }
	if len(members) > 0 {
		properties := object{}
		for name, values := range members {
			properties[name] = schemaOf(t, values, below(name), vars)
		}
		schema["properties"] = properties
	}
	if len(items) > 0 {
		schema["items"] = schemaOf(t, items, below("0"), vars)
	}
	return schema
}

func decoded(t *testing.T, e webhook.Event) any {
	t.Helper()
	text, err := json.Marshal(e)
	require.NoError(t, err)
	var value any
	require.NoError(t, json.Unmarshal(text, &value))
	return value
}

// eventsDescription is what openapi.yaml says of the events, made of package payload: the events,
// and the schemas of its types.
func eventsDescription(t *testing.T) (webhooks, schemas object) {
	t.Helper()
	webhooks, schemas = object{}, object{}
	values, vars := map[string][]any{}, map[string]map[string]webhook.Variable{}
	for eventType, events := range knownEvents(t) {
		schema := "Event" + reflect.TypeOf(events[0]).Elem().Name()
		for _, e := range events {
			values[schema] = append(values[schema], decoded(t, e))
			for _, v := range webhook.Variables(e) {
				if vars[schema] == nil {
					vars[schema] = map[string]webhook.Variable{}
				}
				if !strings.HasPrefix(v.Doc, "Member of ") {
					vars[schema][v.Name] = v
				}
			}
		}
		webhooks[eventType] = object{"post": object{
			"summary": "The event " + eventType + ", as it is sent to a webhook that has no body of its own",
			"parameters": []any{object{
				"name": webhook.HeaderID, "in": "header", "required": true, "schema": object{"type": "string"},
				"description": "the same whenever the same message is sent again",
			}},
			"requestBody": object{"required": true, "content": object{
				"application/json": object{"schema": object{"$ref": "#/components/schemas/" + schema}},
			}},
			"responses": object{
				"2XX":     object{"description": "It is delivered"},
				"default": object{"description": "It is not delivered, and is sent again as the policy of the webhook says"},
			},
		}}
	}
	for name := range values {
		schema := schemaOf(t, values[name], "", vars[name])
		schema["description"] = "Members may be missing, and more may come."
		schemas[name] = schema
	}
	return webhooks, schemas
}

// written is a member of a description as YAML.
func written(t *testing.T, value any, indent string) []byte {
	t.Helper()
	var text bytes.Buffer
	encoder := yaml.NewEncoder(&text)
	encoder.SetIndent(2)
	require.NoError(t, encoder.Encode(value))
	lines := bytes.TrimRight(text.Bytes(), "\n")
	return append(append([]byte(indent), bytes.ReplaceAll(lines, []byte("\n"), []byte("\n"+indent))...), '\n')
}

// The description has each event that package payload knows, as its types write it. After a change
// there, run the test with -update.
func TestOpenAPI_Events(t *testing.T) {
	t.Parallel()
	webhooks, schemas := eventsDescription(t)
	if *update {
		old, err := os.ReadFile("openapi.yaml")
		require.NoError(t, err)
		before, rest, found := bytes.Cut(old, []byte("\nwebhooks:\n"))
		require.True(t, found)
		_, rest, found = bytes.Cut(rest, []byte("\ncomponents:\n"))
		require.True(t, found)
		end := bytes.Index(rest, []byte("\n    # What follows, and the webhooks above,"))
		require.Positive(t, end)
		end += 1 + bytes.IndexByte(rest[end+1:], '\n')
		require.NoError(t, os.WriteFile("openapi.yaml", slices.Concat(before, []byte("\n"), written(t, object{"webhooks": webhooks}, ""),
			[]byte("components:\n"), rest[:end+1], written(t, schemas, "    ")), 0o600))
	}
	all := description(t)
	require.Equal(t, webhooks, at(t, all, all, "webhooks"), "run the test with -update")
	for name, schema := range schemas {
		require.Equal(t, schema, at(t, all, all, "components", "schemas", name), "run the test with -update")
	}
	for eventType, events := range knownEvents(t) {
		schema := at(t, all, all, "webhooks", eventType, "post", "requestBody", "content", "application/json", "schema")
		for _, e := range events {
			requireSchema(t, all, schema, decoded(t, e), eventType)
		}
	}
}
