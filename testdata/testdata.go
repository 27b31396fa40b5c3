// Package testdata has a body of every event that package payload knows, as platforms
// send them, for tests of programs that send or receive such events. Names, numbers and
// ids are made up. The events themselves, for previews, are payload.Samples.
package testdata

import (
	"embed"
	"io/fs"
	"strings"
)

//go:embed *.json
var files embed.FS

// Fixture returns the body with that name, such as "obd" or "whatsapp_in_text", as
// indented JSON. The caller may change it. [Names] lists them all; any other name
// panics, since it is a mistake in the test.
func Fixture(name string) []byte {
	b, err := files.ReadFile(name + ".json")
	if err != nil {
		panic("testdata: no fixture " + name + "; there are " + strings.Join(Names(), ", "))
	}
	return b
}

// Names returns the names of all fixtures, in alphabetical order.
func Names() []string {
	paths, err := fs.Glob(files, "*.json")
	if err != nil {
		panic(err) // the pattern is a constant
	}
	for i, path := range paths {
		paths[i] = strings.TrimSuffix(path, ".json")
	}
	return paths
}
