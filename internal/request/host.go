package request

import (
	"errors"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// ASCIIHost returns host and port, or a host alone, as they go into a header and to the
// look-up of the name: in ASCII and in small letters. Labels of other alphabets become
// xn--, by the Lookup profile of package idna, which also has the last word on those that
// are xn-- already; other ASCII is taken as it is, since names with _ and the like are in
// use. The error does not quote the host.
func ASCIIHost(host string) (string, error) {
	name, port := host, ""
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		name, port = host[:i], host[i:]
	}
	isASCII, isLower := true, true
	for i := range len(name) {
		c := name[i]
		isASCII = isASCII && c < utf8.RuneSelf
		isLower = isLower && (c < 'A' || c > 'Z')
	}
	switch {
	case isASCII && !isLower:
		return ASCIIHost(strings.ToLower(name) + port)
	case isASCII && !strings.HasPrefix(name, "xn--") && !strings.Contains(name, ".xn--"):
		return host, nil
	}
	ascii, err := idna.Lookup.ToASCII(name)
	if err != nil {
		return "", errHost
	}
	return ascii + port, nil
}

var errHost = errors.New("host name that no server can have")
