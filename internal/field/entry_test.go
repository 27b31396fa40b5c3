package field_test

import (
	"encoding/json"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/internal/field"
)

type (
	user struct {
		Name string `json:"name" doc:"Full name"`
		Age  uint8  `json:"age"`
	}
	plain struct {
		ID       string            `json:"id"`
		N        int64             `json:"n"`
		Ratio    float64           `json:"ratio"`
		Yes      bool              `json:"yes"`
		NoTag    string            // read under its Go name
		Hidden   string            `json:"-"`
		private  string            // has no JSON form
		At       time.Time         `json:"at"`
		Took     time.Duration     `json:"took"`
		Number   json.Number       `json:"number"`
		Raw      json.RawMessage   `json:"raw"`
		Any      any               `json:"any"`
		Map      map[string]int    `json:"map"`
		User     user              `json:"user"`
		Pointer  *user             `json:"pointer"`
		NoUser   *user             `json:"no_user"`
		Users    []user            `json:"users"`
		Pair     [2]string         `json:"pair"`
		Grid     [][]int           `json:"grid"`
		Bytes    []byte            `json:"bytes"`
		Big      *big.Int          `json:"big"`
		Nothing  map[string]string `json:"nothing"`
		Self     *plain            `json:"self"`
		Kind     kind              `json:"kind"`
		ByMethod method            `json:"by_method"`
	}
	kind   string
	method struct{ text string }

	base          struct{ ID, Name string }
	embedding     struct{ base }
	embedsPointer struct {
		*base
		Name int `json:"Name"`
	}
	embedsItself struct {
		*embedsItself
		ID string
	}
	Named       struct{ ID string }
	embedsNamed struct {
		Named `json:"named"`
	}
	embedsDropped struct {
		Named `json:"-"`
		X     int `json:"x"`
	}
	Text         string
	embedsString struct{ Text }

	omitting struct {
		A string `json:"a,omitempty"`
		B *int   `json:"b,omitzero"`
		C user   `json:"c,omitempty"`
	}
	quoting struct {
		N int  `json:"n,string"`
		B bool `json:"b,string"`
	}
	dotted struct {
		A string `json:"a.b"`
		C string `json:"c"`
	}
	marshaler  struct{ A string }
	marshalsBy struct {
		M byPointer   `json:"m"`
		L []byPointer `json:"l"`
	}
	byPointer struct{ A string }
)

func (m method) MarshalJSON() ([]byte, error)   { return json.Marshal(map[string]string{"text": m.text}) }
func (marshaler) MarshalJSON() ([]byte, error)  { return []byte(`{"own":[1]}`), nil }
func (*byPointer) MarshalJSON() ([]byte, error) { return []byte(`{"by":"pointer"}`), nil }

func full() plain {
	return plain{
		ID: "a\"<é", N: -5, Ratio: 0.25, Yes: true, NoTag: "x", private: "p", Hidden: "h",
		At: time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC), Took: 3 * time.Second, Number: "1.50",
		Raw: json.RawMessage(`{ "r" : [1] }`),
		Any: map[string]any{"z": 1}, Map: map[string]int{"m": 1}, User: user{"Ann", 7}, Pointer: &user{"Bob", 8},
		Users: []user{{"Cid", 9}}, Pair: [2]string{"p", "q"}, Grid: [][]int{{1, 2}, {3}},
		Bytes: []byte("bytes"), Big: big.NewInt(7),
		Self: &plain{ID: "inner"}, Kind: "k", ByMethod: method{"m"},
	}
}

func typeNames(t *field.Type) []string {
	var got []string
	t.Names(func(path []string, _ *field.Member) { got = append(got, strings.Join(path, "/")) })
	return got
}

func TestEntryOf_Names(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		event any
		want  []string
	}{
		{"plain", plain{}, []string{
			"id", "n", "ratio", "yes", "NoTag", "at", "took", "number", "raw", "any", "map", "user",
			"user/name", "user/age", "pointer", "pointer/name", "pointer/age", "no_user", "no_user/name",
			"no_user/age", "users", "users/0/name", "users/0/age", "pair", "grid", "bytes", "big", "nothing",
			"self", "kind", "by_method",
		}},
		{"pointer", &user{}, []string{"name", "age"}},
		{"empty", struct{}{}, nil},
		{"embedded", embedding{}, []string{"ID", "Name"}},
		{"embedded pointer, one name hidden", embedsPointer{}, []string{"ID", "Name"}},
		{"embedded in itself", embedsItself{embedsItself: nil}, []string{"ID"}},
		{"embedded with a name", embedsNamed{}, []string{"named", "named/ID"}},
		{"embedded but dropped", embedsDropped{}, []string{"x"}},
		{"embedded string", embedsString{}, []string{"Text"}},
		{"omitempty", omitting{}, []string{"a", "b", "c", "c/name", "c/age"}},
		{"string", quoting{}, []string{"n", "b"}},
		{"a dot in a name", dotted{}, []string{"a.b", "c"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, typeNames(field.EntryOf(tt.event).Type))
		})
	}
}

func TestEntryOf_Untyped(t *testing.T) {
	t.Parallel()
	for _, event := range []any{
		map[string]any{"a": 1},
		&map[string]string{},
		marshaler{},
		&marshaler{},
		byPointer{},
		kind("k"),
		[]int{1},
	} {
		e := field.EntryOf(event)
		require.Nil(t, e.Type, "%T", event)
		require.Nil(t, e.Load, "%T", event)
	}
}

// Types whose members depend on more than their fields are read from their JSON form.
func TestEntryOf_ReadFromJSON(t *testing.T) {
	t.Parallel()
	for _, event := range []any{
		embedding{},
		embedsPointer{},
		embedsNamed{},
		embedsString{},
		omitting{},
		quoting{},
		dotted{},
		marshalsBy{},
	} {
		e := field.EntryOf(event)
		require.NotNil(t, e.Type, "%T", event)
		require.Nil(t, e.Load, "%T", event)
	}
}

func TestEntryOf_Same(t *testing.T) {
	t.Parallel()
	require.Same(t, field.EntryOf(user{}), field.EntryOf(&user{}))
	require.Same(t, field.EntryOf(map[string]any{}), field.EntryOf(map[string]any{"a": 1}))
}

func TestEntry_Load(t *testing.T) {
	t.Parallel()
	e := field.EntryOf(user{})
	u := user{"Ann", 7}

	p, copied := e.Load(u, nil)
	require.True(t, copied)
	require.Equal(t, &u, p)
	p, copied = e.Load(&u, nil)
	require.False(t, copied)
	require.Same(t, &u, p)
	for _, other := range []any{(*user)(nil), plain{}, &plain{}, new(*user), 1} {
		p, copied = e.Load(other, nil)
		require.Nil(t, p, "%T", other)
		require.False(t, copied)
	}
}

func TestIsNil(t *testing.T) {
	t.Parallel()
	for _, event := range []any{nil, (*user)(nil), map[string]any(nil)} {
		require.True(t, field.IsNil(event), "%T", event)
	}
	for _, event := range []any{user{}, &user{}, map[string]any{}, 0, ""} {
		require.False(t, field.IsNil(event), "%T", event)
	}
}

// For every name that a type lists, the function bound to it returns the same as the
// event's JSON form.
func TestLookup_AsJSON(t *testing.T) {
	t.Parallel()
	all := full()
	tests := []struct {
		name  string
		event any
	}{
		{"full", all},
		{"pointer", &all},
		{"zero", plain{}},
		{"not UTF-8", plain{ID: "a\xff", Kind: "\xc3"}},
		{"empty lists", plain{Users: []user{}, Grid: [][]int{}, Bytes: []byte{}}},
		{"nothing in lists", plain{Grid: [][]int{nil}, Raw: json.RawMessage("null")}},
		{"embedding", embedding{base{"i", "n"}}},
		{"embedsPointer", embedsPointer{&base{"i", "n"}, 1}},
		{"embedsNamed", embedsNamed{Named{"i"}}},
		{"embedsString", embedsString{"t"}},
		{"omitting", omitting{A: "a"}},
		{"quoting", quoting{1, true}},
		{"method of the pointer", marshalsBy{L: make([]byPointer, 1)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := field.EntryOf(tt.event)
			b, err := field.JSON(tt.event)
			require.NoError(t, err)
			doc := field.FromJSON(string(b))
			var p any
			if e.Load != nil {
				p, _ = e.Load(tt.event, nil)
				require.NotNil(t, p)
			}
			for _, path := range typeNames(e.Type) {
				get, known := e.Lookup(strings.Split(path, "/"))
				require.True(t, known, path)
				if p == nil {
					continue // all is read from doc
				}
				require.NotNil(t, get, path)
				want, got := doc.Walk(strings.Split(path, "/")), get(p)
				require.Equal(t, want.Kind, got.Kind, path)
				require.Equal(t, string(want.AppendJSON(nil)), string(got.AppendJSON(nil)), path)
				require.Equal(t, want.String(), strings.ToValidUTF8(got.String(), "\ufffd"), path)
			}
		})
	}
}

// Names that a type does not list but knows, and those it does not know.
func TestLookup(t *testing.T) {
	t.Parallel()
	e := field.EntryOf(plain{})
	event := full()
	b, err := field.JSON(event)
	require.NoError(t, err)
	p, _ := e.Load(event, nil)
	tests := []struct {
		path  string
		known bool
	}{
		{"raw.r.0", true},
		{"raw.x", true},
		{"any.z", true},
		{"map.m", true},
		{"map.x.y", true},
		{"nothing.x", true},
		{"by_method.text", true},
		{"self.id", true},
		{"self.anything.at.all", true}, // in a type inside itself any name is known
		{"users.0", true},
		{"users.7.name", true},
		{"pair.1", true},
		{"grid.0.1", true},
		{"grid.5.5", true},
		{"no_user.name", true},
		{"x", false},
		{"ID", false},
		{"Hidden", false},
		{"private", false},
		{"id.x", false},
		{"at.x", false},
		{"bytes.0", false},
		{"user.x", false},
		{"user.name.x", false},
		{"pointer.x", false},
		{"users.x", false},
		{"users.0.x", false},
		{"users.00.name", false},
		{"grid.0.x", false},
		{"pair.0.x", false},
	}
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			t.Parallel()
			path := strings.Split(tt.path, ".")
			get, known := e.Lookup(path)
			require.Equal(t, tt.known, known)
			if known && get != nil {
				require.Equal(t, field.FromJSON(string(b)).Walk(path).String(), get(p).String())
			}
		})
	}
}

func TestLookup_NoJSONForm(t *testing.T) {
	t.Parallel()
	e := field.EntryOf(plain{})
	p, _ := e.Load(plain{Raw: json.RawMessage("{")}, nil)
	get, known := e.Lookup([]string{"raw"})
	require.True(t, known)
	require.Equal(t, field.Invalid, get(p))
	get, known = e.Lookup([]string{"raw", "x"})
	require.True(t, known)
	require.Equal(t, field.Invalid, get(p))
}

func TestMember_DocAndKind(t *testing.T) {
	t.Parallel()
	typ := field.EntryOf(plain{}).Type
	tests := []struct{ name, kind string }{
		{"id", "string"},
		{"n", "number"},
		{"ratio", "number"},
		{"yes", "boolean"},
		{"at", "string"},
		{"took", "number"},
		{"raw", "any"},
		{"any", "any"},
		{"map", "object"},
		{"user", "object"},
		{"pointer", "object"},
		{"users", "array"},
		{"pair", "array"},
		{"bytes", "string"},
		{"kind", "string"},
		{"by_method", "any"},
	}
	for _, tt := range tests {
		require.Equal(t, tt.kind, typ.Member(tt.name).Kind, tt.name)
	}
	require.Equal(t, "Full name", typ.Member("user").Type.Member("name").Doc)
	require.Nil(t, typ.Member("x"))
	require.Equal(t, "number", field.EntryOf(embedsPointer{}).Member("Name").Kind, "the outer one hides the embedded one")
}

type registered struct{ reads string }

// A registered type is used as it is: aliases, members that only a value has, lists and
// objects with functions.
func TestRegister(t *testing.T) {
	t.Parallel()
	text := func(s string) field.Getter {
		return func(p any) field.Value { return field.Text(s + p.(*registered).reads) }
	}
	inner := &field.Type{Members: []*field.Member{{Name: "x", Get: text("x:")}}}
	typ := &field.Type{
		Members: []*field.Member{
			{Name: "a", Aliases: []string{"b", "c"}, Get: text("a:")},
			{Name: "same", Type: inner, Same: true, Get: text("same:")},
			{Name: "list", Type: &field.Type{Elem: inner}, Get: func(any) field.Value { return field.FromJSON(`[{"x":"y"}]`) }, Elem: func(p any, i int) any {
				if i > 0 {
					return nil
				}
				return p
			}},
		},
		Extra: func(_ any, name string) field.Value {
			if name == "c" {
				return field.Text("extra")
			}
			return field.Value{}
		},
	}
	field.Register(typ, func(dst []byte, p *registered) []byte { return append(dst, p.reads...) })
	e := field.EntryOf(registered{})
	require.Equal(t, "json", string(e.AppendJSON(nil, &registered{"json"})))

	scratch := new(registered)
	p, copied := e.Load(registered{"1"}, scratch)
	require.True(t, copied)
	require.Same(t, scratch, p)
	fresh, _ := e.Load(registered{"1"}, new(int))
	require.Equal(t, &registered{"1"}, fresh)
	nothing, _ := e.Load((*registered)(nil), nil)
	require.Nil(t, nothing)

	tests := []struct{ path, want string }{
		{"a", "a:1"},
		{"b", "a:1"},
		{"c", "extra"},
		{"same", "same:1"},
		{"same.x", "x:1"},
		{"list.0", `{"x":"y"}`},
		{"list.0.x", "x:1"},
		{"list.1.x", ""},
	}
	for _, tt := range tests {
		get, known := e.Lookup(strings.Split(tt.path, "."))
		require.True(t, known, tt.path)
		require.Equal(t, tt.want, get(p).String(), tt.path)
	}
	for _, path := range []string{"d", "a.x", "b.x", "same.y", "list.x", "list.0.y"} {
		_, known := e.Lookup(strings.Split(path, "."))
		require.False(t, known, path)
	}
	require.Equal(t, []string{"a", "same", "same/x", "list", "list/0/x"}, typeNames(typ))
}
