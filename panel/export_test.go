package panel

import (
	"io/fs"
	"maps"
)

// A Route is one of the table.
type Route struct {
	API             bool
	Method, Pattern string
	Right           Right
}

// Routes returns the table.
func Routes() []Route {
	var all []Route
	for _, r := range routes {
		all = append(all, Route{r.kind == kindAPI, r.method, r.pattern, r.right})
	}
	return all
}

// English returns the catalogue.
func English() map[string]string { return maps.Clone(english) }

// Templates are the files of templates.
var Templates fs.FS = templateFiles
