package webhook_test

import (
	"fmt"
	"strings"

	"github.com/ringhook/webhook"
)

var readTests = []readTest{
	{name: "texts", event: `{"id":"1 2","to":"+91 80682","name":"Zoë 😀","hi":"हिन्दी","quotes":"\"early bird\", it's","back":"\\"}`},
	{name: "hostile texts", event: `{"a":"x&b=1","b":"%41%","c":"a+b;c","d":"</script>","e":"--\r\n--","f":"{{id}} <?php"}`},
	{name: "line ends and blanks", event: `{"crlf":"a\r\nb\r\n","lf":"\na","cr":"a\rb","tab":"\t","blanks":"  a  "}`},
	{name: "NUL", event: `{"a":"x\u0000y","b":"\u0000","c":"\u001b[0m"}`},
	{name: "nested", event: `{"o":{"a":{"b":"c"},"d":"e"},"l":["p",["q","r"],{"k":"v"}]}`},
	{name: "no texts", event: `{"null":null,"true":true,"false":false,"zero":0,"empty":"","number":1.50}`},
	{name: "empty lists", event: `{"a":"b","list":[],"object":{},"deep":{"o":{"l":[]}},"half":[[],"x"]}`, reads: map[string]string{
		"Express": `{"a":"b","half":["x"]}`,
	}},
	{name: "lists in brackets", event: `{"l":["a","b"],"o":{"l":["c"]},"d":[["e"],{"f":"g"}]}`, lists: webhook.FormListsBrackets},
	{
		name: "repeated names", event: `{"l":["a","b"],"one":["c"]}`, lists: webhook.FormListsRepeat, reads: map[string]string{
			"PHP":     `{"l":"b","one":"c"}`, // the last of each
			"Express": `{"l":["a","b"],"one":"c"}`,
		},
	},
	{name: "an author's names", event: `{"a":{"b":"1"}}`, body: `{"a[b]": "{{a.b}}"}`, only: "form-data"},
	{name: "halves of surrogate pairs", event: `{"text":"cut \ud83d","o":{"l":["\udc00","x\ud83d\ud83dy"]}}`},
	{name: "empty form", event: `{}`},
	{name: "long numbers", event: `{"to":919019912345,"id":120363042969381234,"longer":123456789012345678901234}`, reads: map[string]string{
		"Node JSON":    rounded,
		"Express JSON": rounded,
		"PHP JSON":     `{"to":919019912345,"id":120363042969381234,"longer":123456789012345690000000}`,
	}},
	{name: "names with brackets", event: `{"a[b]":"1","c":{"d[e]":"2","][":"3"},"[":"4","]":"5"}`},
	{name: "names with signs", event: `{"a=b&c":"1","o":{"=&":"2","+;":"3"}}`},
	{name: "a name with a line end", event: `{"a\r\nb":"1","o":{"\r\n":"2"}}`},
	{name: "names of other scripts", event: `{"Größe":"1","o":{"नाम":"2"}}`, reads: map[string]string{
		"busboy": `{"GrÃ¶Ã\u009fe":"1","o":{"à¤¨à¤¾à¤®":"2"}}`, // without defParamCharset: 'utf8'
	}},
	{name: "names with blanks and dots", event: `{"first name":"1","a.b":"2","o":{"a.b c":"3"}}`, reads: map[string]string{
		"PHP": `{"first_name":"1","a_b":"2","o":{"a.b c":"3"}}`,
	}},
	{name: "names of numbers", event: `{"o":{"0":"a","1":"b"},"p":{"5":"c"}}`, reads: map[string]string{
		"Express": `{"o":["a","b"],"p":["c"]}`,
	}},
	{name: "empty names", event: `{"":"1","o":{"":"2","''":"3"}}`},
	{name: "names with percent signs", event: `{"x%5By%5D":"1","o":{"x[y]":"2","x%5By%5D":"3","%":"4","%zz":"5"}}`},
	{name: "names with quotes", event: quotes, only: "form-urlencoded"},
	{name: "names with quotes", event: quotes, only: "query"},
	{name: "names with quotes", event: quotes, only: "form-data", reads: map[string]string{
		"PHP": encodedQuotes, "Node": encodedQuotes, "busboy": encodedQuotes, "Flask": encodedQuotes, "Go": encodedQuotes,
	}},
	{name: "a blank in front of a name", event: `{" status":"1"}`, only: "form-urlencoded", reads: map[string]string{
		"PHP": `{"%20status":"1"}`, "Node": `{"%20status":"1"}`, "Express": `{"%20status":"1"}`, "Go": `{"%20status":"1"}`,
		"Python": `{"%20status":"1"}`, "Flask": `{"%20status":"1"}`,
	}},
	{
		name: "names of prototypes", event: `{"constructor":"1","toString":"2","o":{"__proto__":"3","hasOwnProperty":"4","length":"5"}}`,
		reads: map[string]string{"Express": `{"constructor":"1","toString":"2","o":{"hasOwnProperty":"4","length":"5"}}`},
	},
	{name: "seven deep", event: `{"a":{"b":{"c":{"d":{"e":{"f":{"g":"x"}}}}}}}`, reads: map[string]string{
		"Express query": `{"a":{"b":{"c":{"d":{"e":{"f":{"[g]":"x"}}}}}}}`,
	}},
	{name: "a list of 21", event: `{"l":` + numbers(21) + `}`},
	{name: "a list of 22", event: `{"l":` + numbers(22) + `}`, reads: map[string]string{
		"Express query": `{"l":` + numbered("", 22) + `}`,
	}},
	{name: "a list of 100", event: `{"l":` + numbers(100) + `}`, reads: map[string]string{
		"Express query": `{"l":` + numbered("", 100) + `}`,
	}},
	{name: "1000 fields", event: numbered("f", 1000), only: "form-data"},
	{
		name: "1001 fields", event: numbered("f", 1001), only: "form-data",
		reads: map[string]string{"PHP": numbered("f", 1000)}, // which tells nobody
		fails: map[string]string{"Flask form-data": "413", "Go form-data": "message too large"},
	},
	{
		name: "1002 fields of a form", event: numbered("f", 1002), only: "form-urlencoded",
		reads: map[string]string{"PHP": numbered("f", 1001)},
		fails: map[string]string{"Express form-urlencoded": "too many parameters"},
	},
}

// textTests are of bodies that are texts, and what parsers read of them: a text, the rows
// of CSV, or of XML the name of an element, its attributes, and its text or elements.
var textTests = []struct {
	name        string
	format      webhook.Format
	contentType string
	body, event string
	want        string
}{
	{
		"text", webhook.FormatText, "text/plain", "{{a}}: {{b}}\n{{c}}",
		`{"a":"Zoë 😀 <&>\"'","b":"x\r\ny\u0000\t","c":"\ud83d"}`, `"Zoë 😀 <&>\"': x \ny \t\n\ufffd"`,
	},
	{
		"CSV", webhook.FormatText, "text/csv", "id,{{a}}\n{{b}},{{c}}\n\"{{d}}\",{{e}}\n",
		`{"a":"Zoë, \"x\";y","b":"two\nlines","c":" a 'b' ","d":"1.50","e":null}`,
		`[["id","Zoë, \"x\";y"],["two\nlines"," a 'b' "],["1.50",""]]`,
	},
	{
		"CSV without formulas", webhook.FormatText, "text/csv", "{{a}},{{b}},{{c}},{{d}}",
		`{"a":"=1+1","b":"-12.50","c":"+919019912345","d":"@x"}`, `[["'=1+1","-12.50","+919019912345","'@x"]]`,
	},
	{
		"XML", webhook.FormatXML, "application/xml", `<?xml version="1.0"?><call id="{{a}}"><to>{{a}}</to><text b='{{b}}'>{{b}}</text></call>`,
		`{"a":"<b>&amp;\"']]> Zoë 😀","b":" x\r\n\ty\u0000\u001b\ud83d\uffff "}`,
		`["call",{"id":"<b>&amp;\"']]> Zoë 😀"},[["to",{},"<b>&amp;\"']]> Zoë 😀"],` +
			`["text",{"b":" x\r\n\ty\ufffd\ufffd\ufffd\ufffd "}," x\r\n\ty\ufffd\ufffd\ufffd\ufffd "]]]`,
	},
}

const (
	rounded       = `{"to":919019912345,"id":120363042969381230,"longer":123456789012345690000000}`
	quotes        = `{"12\"pizza":"1","o":{"x\"; filename=\"y":"2","'":"3","\\":"4"}}`
	encodedQuotes = `{"12%22pizza":"1","o":{"x%22; filename%3D%22y":"2","'":"3","%5C":"4"}}` // in form-data
)

// numbered returns an object of n members whose names are texts and numbers.
func numbered(text string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"%s%d":"%d"`, text, i, i)
	}
	return "{" + b.String()[1:] + "}"
}

// numbers returns a list of n numbers, as texts.
func numbers(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"%d"`, i)
	}
	return "[" + b.String()[1:] + "]"
}
