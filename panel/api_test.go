package panel_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/panel"
)

type object = map[string]any

// description is openapi.yaml.
func description(t *testing.T) object {
	t.Helper()
	b, err := os.ReadFile("openapi.yaml")
	require.NoError(t, err)
	var all object
	require.NoError(t, yaml.Unmarshal(b, &all))
	return all
}

// at returns what is under some names, one in the other, and follows references.
func at(t *testing.T, all object, from any, names ...string) any {
	t.Helper()
	for _, name := range names {
		from = at(t, all, from)
		require.IsType(t, object{}, from, name)
		require.Contains(t, from, name)
		from = from.(object)[name]
	}
	if o, ok := from.(object); ok {
		if ref, ok := o["$ref"].(string); ok {
			return at(t, all, all, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
		}
	}
	return from
}

// The description has the routes, with their rights and parameters, and no others.
func TestOpenAPI_Routes(t *testing.T) {
	t.Parallel()
	all := description(t)
	names := []struct {
		right panel.Right
		name  string
	}{
		{panel.View, "View"},
		{panel.Bodies, "Bodies"},
		{panel.Edit, "Edit"},
		{panel.Send, "Send"},
		{panel.Secrets, "Secrets"},
		{panel.Delete, "Delete"},
	}
	var want, got []string
	for _, route := range panel.Routes() {
		if !route.API {
			continue
		}
		line := route.Method + " " + route.Pattern
		for _, n := range names {
			if route.Right.Has(n.right) {
				line += " " + n.name
			}
		}
		want = append(want, line)
	}
	for path, methods := range at(t, all, all, "paths").(object) {
		for method, operation := range methods.(object) {
			line := strings.ToUpper(method) + " " + path
			for _, right := range at(t, all, operation, "x-rights").([]any) {
				line += " " + right.(string)
			}
			got = append(got, line)
			parameters, _ := operation.(object)["parameters"].([]any)
			inPath := slices.ContainsFunc(parameters, func(p any) bool { return at(t, all, p, "in") == "path" })
			require.Equal(t, strings.Contains(path, "{id}"), inPath, line)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	require.Equal(t, want, got)
	var codes []string
	for _, code := range at(t, all, all, "components", "schemas", "Problem", "properties", "code", "enum").([]any) {
		codes = append(codes, code.(string))
	}
	require.ElementsMatch(t, panel.Codes(), codes)
}

// requireSchema requires that a value is as a schema says, without members that it lacks.
func requireSchema(t *testing.T, all object, schema, value any, place string) {
	t.Helper()
	s := at(t, all, schema).(object)
	if choices, ok := s["oneOf"].([]any); ok {
		i := 0
		if value != nil {
			i = 1
		}
		requireSchema(t, all, choices[i], value, place)
		return
	}
	kind := s["type"]
	if several, ok := kind.([]any); ok { // of what may be null, or several things
		names := map[reflect.Kind]string{
			reflect.String: "string", reflect.Float64: "number", reflect.Bool: "boolean", reflect.Map: "object", reflect.Slice: "array",
			reflect.Invalid: "null",
		}
		kind = names[reflect.ValueOf(value).Kind()]
		require.Contains(t, several, kind, place)
	}
	switch kind {
	case nil: // of any form
	case "object":
		members, _ := s["properties"].(object)
		require.IsType(t, object{}, value, place)
		for name, member := range value.(object) {
			each := members[name]
			if each == nil {
				each = s["additionalProperties"]
			}
			require.NotNil(t, each, "%s.%s is not described", place, name)
			requireSchema(t, all, each, member, place+"."+name)
		}
		required, _ := s["required"].([]any)
		for _, name := range required {
			require.Contains(t, value, name, place)
		}
	case "array":
		require.IsType(t, []any{}, value, place)
		for _, item := range value.([]any) {
			requireSchema(t, all, s["items"], item, place+"[]")
		}
	case "string":
		require.IsType(t, "", value, place)
		if choices, ok := s["enum"].([]any); ok {
			require.Contains(t, choices, value, place)
		}
	case "integer", "number":
		require.IsType(t, float64(0), value, place)
	case "boolean":
		require.IsType(t, true, value, place)
	case "null":
		require.Nil(t, value, place)
	default:
		require.Fail(t, "a type that the test does not know", "%s: %v", place, kind)
	}
}

// The API does what the pages do, and answers as its description says.
func TestAPI(t *testing.T) {
	t.Parallel()
	all := description(t)
	w := newWorld(t)
	ok, broken := w.hook("acme", "/ok"), w.hook("acme", "/broken")
	w.dispatch(ok, "good", `{"n":1}`, durable.StateDelivered)
	w.dispatch(broken, "bad", `{"n":2}`, durable.StateFailed)
	require.NoError(t, w.hooks.DispatchID(t.Context(), broken.ID, "call", call{ID: "c-77", To: "919019912345"}))
	w.await("call", durable.StateFailed)
	w.pause(ok)
	w.dispatch(ok, "held", `{}`, durable.StatePending)
	_, err := w.engine.Erase(t.Context(), durable.Filter{WebhookID: ok.ID, State: durable.StateDelivered}, 0)
	require.NoError(t, err)
	s := w.editor(acme)

	tests := []struct {
		method, path, body string
		status             int
		has                string
	}{
		{"GET", "overview", "", 200, `"delivered":1,"failed":2`},
		{"GET", "deliveries", "", 200, `"id":"bad"`},
		{"GET", "deliveries?state=failed&limit=1", "", 200, `"id":"call"`},
		{"GET", "deliveries?state=lost", "", 400, `"code":"filter"`},
		{"GET", "deliveries?ref=c-77", "", 400, `"code":"form"`},
		{"GET", "deliveries?limit=many", "", 400, `"code":"form"`},
		{"GET", "count", "", 200, `"failures":[{"class":"status","status":500,"n":2,"more":false}]`},
		{"POST", "search", `{"ref": "+91 90199 12345"}`, 200, `"id":"call"`},
		{"POST", "search", `{"reff": "x"}`, 400, `"code":"form"`},
		{"POST", "search", `{} {}`, 400, `"code":"form"`},
		{"GET", "deliveries/bad", "", 200, `"value":"***"`},
		{"GET", "deliveries/good", "", 200, `"request":null`},
		{"GET", "deliveries/none", "", 404, `"code":"not_found"`},
		{"GET", "deliveries/bad/event", "", 200, `{"type":"call.ended","json":"{\"n\":2}"}`},
		{"GET", "deliveries/good/event", "", 409, `"code":"no_event"`},
		{"POST", "deliveries/held/resend", "", 409, `"code":"pending"`},
		{"POST", "deliveries/held/cancel", "", 200, `"changed":true`},
		{"POST", "deliveries/held/cancel", "", 200, `"changed":false`},
		{"POST", "deliveries/held/retry", "", 409, `"code":"ended"`},
		{"POST", "resend", `{}`, 400, `"code":"filter"`},
		{"POST", "resend", `{"state":"failed"}`, 400, `"code":"filter"`},
		{"GET", "count?class=dns", "", 200, `"states"`},
		{"POST", "search", `{"class":"dns"}`, 200, `"deliveries":[]`},
		{"GET", "deliveries?class=dnss", "", 400, `"code":"filter"`},
		{"POST", "resend", `{"webhook_id":"` + broken.ID + `","limit":1}`, 200, `"resent":1`},
		{"POST", "deliveries/call/recompose", "", 200, `"of":"call"`},
		{"GET", "webhooks", "", 200, `"name":"acme/ok"`},
		{"GET", "webhooks/" + broken.ID, "", 200, `"Authorization":"***"`},
		{"GET", "webhooks/" + broken.ID + "/versions/1", "", 200, `"version":1`},
		{"POST", "webhooks/check", `{"url":"https://crm.example/{{nme}}","body":"{\"n\":"}`, 200, `"severity":"error"`},
		{"POST", "webhooks", `{"url":"https://crm.example/","body":"{\"n\":"}`, 422, `"problems":[{"field":"body"`},
		{"POST", "webhooks", `{"name":"crm","url":"https://crm.example/","policy":{"timeout":"2s","jitter":0.5,"expires":"12h","give_up":[400]}}`, 201, `"version":1`},
		{"POST", "webhooks/" + ok.ID + "/state/enable", `{"reason":"all is well"}`, 200, `"state":"enabled"`},
		{"POST", "webhooks/" + broken.ID + "/secrets/rotate", `{"overlap":"1h"}`, 200, `"secret":"whsec_`},
		{"POST", "webhooks/" + broken.ID + "/secrets", `{"secret":"of-the-receiver"}`, 200, `"warning":"shorter than`},
		{"POST", "webhooks/" + broken.ID + "/secrets", `{"secret":"whsec_"}`, 400, `"code":"secret"`},
		{"GET", "webhooks/" + broken.ID + "/secrets", "", 200, `"created":`},
		{"POST", "webhooks/" + broken.ID + "/recompose", "", 200, `"recomposed":`},
		{"GET", "events", "", 200, `"type":"whatsapp:message:status"`},
		{"GET", "nowhere", "", 404, `"code":"no_page"`},
	}
	for _, tt := range tests {
		r, err := http.NewRequestWithContext(t.Context(), tt.method, s.api+tt.path, strings.NewReader(tt.body))
		require.NoError(t, err)
		a := send(t, r)
		name := tt.method + " " + tt.path
		require.Equal(t, tt.status, a.status, "%s: %s", name, a.body)
		require.Contains(t, a.body, tt.has, name)
		var value any
		require.NoError(t, json.Unmarshal([]byte(a.body), &value), name)
		if tt.status >= 400 {
			require.Equal(t, "application/problem+json", a.header.Get("Content-Type"))
			requireSchema(t, all, at(t, all, all, "components", "schemas", "Problem"), value, name)
			continue
		}
		require.Equal(t, "application/json", a.header.Get("Content-Type"))
		path, _, _ := strings.Cut("/"+tt.path, "?")
		for _, id := range []string{"good", "bad", "held", "call"} {
			path = strings.Replace(path, "/deliveries/"+id, "/deliveries/{id}", 1)
		}
		for _, hook := range []string{ok.ID, broken.ID} {
			path = strings.Replace(path, hook, "{id}", 1)
		}
		path = strings.NewReplacer("/versions/1", "/versions/{version}", "/state/enable", "/state/{state}").Replace(path)
		schema := at(t, all, all, "paths", path, strings.ToLower(tt.method), "responses", strconv.Itoa(tt.status), "content", "application/json", "schema")
		requireSchema(t, all, schema, value, name)
	}
	s.url = s.api
	require.Contains(t, s.get("openapi.yaml").body, "openapi: 3.1.0")
}

// Without Bodies, nothing of what was sent and answered is in the API.
func TestAPI_WithoutBodies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answer.Store("you are 919019912345")
	w.dispatch(w.hook("acme", "/broken?to={{to}}"), "bad", `{"to":"919019912345"}`, durable.StateFailed)
	s := w.site(panel.Access{Actor: "ann", Tenant: "acme", May: everything &^ panel.Bodies})
	s.url = s.api
	a := s.get("deliveries/bad")
	require.Equal(t, http.StatusOK, a.status)
	require.NotContains(t, a.body, "919019912345")
	require.Contains(t, a.body, `"answer":""`)
	require.NotContains(t, a.body, "r-77")
	r := httptest.NewRequestWithContext(t.Context(), "POST", s.api+"resend", strings.NewReader(`{"ref":"919019912345"}`))
	r.RequestURI = ""
	require.Equal(t, http.StatusForbidden, send(t, r).status)
}
