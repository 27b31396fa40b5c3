package filter

import (
	"fmt"
	"strings"
	"sync"

	"github.com/ringhook/webhook/internal/nearest"
	"github.com/ringhook/webhook/internal/problem"
)

// A habit is what to write in place of the filter of another language.
type habit struct {
	write string // a filter, perhaps with its argument; empty if there is none
	why   string // why none is needed
}

const (
	escapesItself = "no filter is needed: the place decides how a value is escaped"
	textItself    = "no filter is needed: quotes around a tag make it a text"
	noSuch        = "" // it exists elsewhere, and what is spelt like it has another meaning
)

// habits has the names of filters in other languages: Jinja, Twig, Django, Handlebars, Go,
// JavaScript, SQL. They are in lower case and without - and _.
var habits = sync.OnceValue(func() map[string]habit {
	all := map[string]habit{}
	for write, names := range map[string]string{
		"json":          "tojson jsonify jsonencode jsonstringify stringify dump serialize marshal",
		"plus: 0":       "int integer number num numeric float double decimal toint tointeger tonumber tofloat toi tof parseint parsefloat intval floatval",
		"downcase":      "lower lowercase tolower tolowercase lcase strtolower",
		"upcase":        "uppercase toupper touppercase ucase strtoupper",
		"size":          "len length count strlen",
		"strip":         "trim trimspace",
		"lstrip":        "ltrim trimleft trimstart",
		"rstrip":        "rtrim trimright trimend",
		"slice":         "cut substr substring mid left right splice",
		"append":        "suffix",
		"prepend":       "prefix",
		"replace":       "gsub sub replaceall strreplace",
		"remove":        "delete removeall",
		"split":         "explode list tolist toarray array",
		"join":          "implode",
		"map":           "pluck collect",
		"uniq":          "unique distinct",
		"compact":       "compress rejectnull",
		"translate":     "case switch lookup mapping choose",
		"default":       "defaultifnone defaultvalue coalesce ifnull ifempty orelse fallback nvl",
		"date":          "strftime todate",
		"date_format":   "formatdate datetime dateformat formatdatetime",
		"plus":          "add",
		"minus":         "subtract",
		"times":         "mul multiply mult",
		"divided_by":    "div divide divideby",
		"modulo":        "mod",
		"floor":         "trunc",
		"abs":           "absolute",
		"escape":        "e escapehtml htmlescape htmlspecialchars forceescape",
		"url_encode":    "urlencode urlescape uriencode uriescape encodeuri encodeuricomponent urlquery urlize rawurlencode",
		"strip_html":    "striptags removetags stripmarkup",
		"base64_encode": "base64 b64enc b64encode tobase64 btoa encodebase64",
		"base64_decode": "b64dec b64decode frombase64 atob decodebase64",
		"sha256":        "sha256sum",
	} {
		for name := range strings.FieldsSeq(names) {
			all[name] = habit{write: write}
		}
	}
	for why, names := range map[string]string{
		escapesItself: "raw safe noescape unescaped escapejs escapejson jsonescape addslashes quote toquoted autoescape verbatim",
		textItself:    "string str text tostring tos strval",
		noSuch: "min max sha1 sha224 sha384 sha512 md5 hmacsha256 urldecode unescape htmldecode base32encode base32decode " +
			"hex reverse sort capitalize title concat escapeonce",
	} {
		for name := range strings.FieldsSeq(names) {
			all[name] = habit{why: why}
		}
	}
	return all
})

// suggest returns what was meant by the name of a filter that does not exist.
func suggest(name string) habit {
	plain := strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(name))
	if h, ok := habits()[plain]; ok {
		return h
	}
	names := Names()
	for _, known := range names {
		if strings.ReplaceAll(known, "_", "") == plain {
			return habit{write: known}
		}
	}
	// Few letters: max is no map, and sort no join.
	search := nearest.Within(strings.ToLower(name), len(name)/4)
	for _, known := range names {
		if len(known) > 3 {
			search.Try(known)
		}
	}
	return habit{write: search.Best()}
}

// Nearest returns what to write in place of a name that no filter has: a filter, perhaps
// with an argument, or "" if none has the meaning.
func Nearest(name string) string { return suggest(name).write }

// unknown returns the error for a name that no filter has.
func unknown(name string) *problem.Error {
	text := fmt.Sprintf("%v %.64q", ErrUnknown, name)
	h := suggest(name)
	if h.why != "" {
		return problem.New(problem.NeedlessFilter, text+"; "+h.why, ErrUnknown, name, h.why)
	}
	if h.write != "" {
		text += fmt.Sprintf("; did you mean %q?", h.write)
	}
	return problem.New(problem.UnknownFilter, text, ErrUnknown, name, h.write)
}
