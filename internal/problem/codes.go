package problem

// The arguments that many codes have.
const (
	is    = "how many there are"
	most  = "the most that there may be"
	found = "what stands there"
	name  = "the name"
	which = "which argument, from 1"
	near  = "what it should perhaps be, or nothing"
)

// Tags.
var (
	TagUnclosed      = code("tag-unclosed", "what would close it")
	TagInTag         = code("tag-in-tag")
	EmptyPlaceholder = code("placeholder-empty")
	TagEndExpected   = code("tag-end-expected", found)
	NameExpected     = code("name-expected", "where, in English")
	DigitsExpected   = code("digits-expected")
	NumberTooLong    = code("number-too-long", is, most)
	QuoteUnclosed    = code("quote-unclosed", "the quote")
	BracketUnclosed  = code("bracket-unclosed", "the bracket", "what would close it")
	NameTooLong      = code("name-too-long", is, most)
	NameTooDeep      = code("name-too-deep", is, most)
	EmptyNamePart    = code("name-part-empty")
	BlankInName      = code("name-blank")
	NameCharacter    = code("name-character", "the character")
	NoIndex          = code("index-not-whole")
	BracketExpected  = code("bracket-expected", found)
	EscapedQuote     = code("quote-escaped")
	NotWhole         = code("number-not-whole", found)
	DateControl      = code("date-control")
	UnknownName      = code("unknown-name", name, near)
)

// Filters.
var (
	FilterExpected    = code("filter-expected")
	ArgumentExpected  = code("argument-expected", found)
	UnknownFilter     = code("unknown-filter", name, near)
	NeedlessFilter    = code("needless-filter", name, "why none is needed, in English")
	ArgumentCount     = code("filter-argument-count", "the filter", "how many it takes, in English", is)
	Argument          = code("filter-argument", "the filter", which, "what is wrong with it, in English")
	ArgumentTwice     = code("filter-argument-twice", "the filter", "which argument, from 1")
	ArgumentName      = code("filter-argument-name", "the filter", which)
	ArgumentKind      = code("filter-argument-kind", "the filter", which, "what it is, in English", "what is wanted, in English")
	ArgumentEmpty     = code("filter-argument-empty", "the filter", which)
	ArgumentRange     = code("filter-argument-range", "the filter", which)
	ArgumentZero      = code("filter-argument-zero", "the filter", which)
	ArgumentTooLong   = code("filter-argument-too-long", "the filter", which, is, most)
	ArgumentZone      = code("filter-argument-zone", "the filter", which)
	ArgumentControl   = code("filter-argument-control", "the filter", which)
	ArgumentDirective = code("filter-argument-directive", "the filter", which, "the directive")
	ArgumentFlags     = code("filter-argument-flags", "the filter", which, "the directive", "what is wanted, in English")
	ArgumentPercent   = code("filter-argument-percent", "the filter", which)
	ArgumentWidth     = code("filter-argument-width", "the filter", which, most)
	ArgumentLetter    = code("filter-argument-letter", "the filter", which, "the letter")
	FilterValue       = code("filter-value", "the filter", "what is wrong with the value, in English")
	NoNumber          = code("filter-no-number", "the filter")
	TooManyDigits     = code("filter-digits", "the filter")
	NoTime            = code("filter-no-time", "the filter")
	NoBase64          = code("filter-no-base64", "the filter")
	ElementNoObject   = code("filter-element-no-object", "the filter")
	AnObject          = code("filter-object", "the filter")
	ResultTooLong     = code("filter-result-too-long", "the filter", most)
	TooManyFilters    = code("too-many-filters", most)
	FilterWork        = code("filter-work", most)
	PatternTooLong    = code("pattern-too-long", most)
)

// Values that are left out.
var (
	OptionalLast    = code("optional-last")
	OptionalElement = code("optional-element")
	OptionalMember  = code("optional-member")
	OptionalQuery   = code("optional-query")
	OptionalHeader  = code("optional-header")
	OptionalText    = code("optional-text")
)

// Conditions.
var (
	ConditionTag       = code("condition-tag")
	ConditionOperator  = code("condition-operator", found, "what to write")
	ConditionExpected  = code("condition-expected", "what is wanted, in English", found)
	ConditionList      = code("condition-list")
	ConditionSquare    = code("condition-square-brackets")
	ConditionFixedList = code("condition-list-in-text")
	ConditionFilter    = code("condition-filter")
	ConditionTooDeep   = code("condition-too-deep", most)
	ConditionTooManyOf = code("condition-too-many-values", most)
)

// Templates.
var (
	NotUTF8             = code("not-utf8")
	TemplateTooLong     = code("template-too-long", is, most)
	TooManyPlaceholders = code("too-many-placeholders", most)
	ComposedTooLong     = code("composed-too-long", most)
	ValueTooDeep        = code("value-too-deep", most)
)

// URLs.
var (
	URLEmpty          = code("url-empty")
	URLTooLong        = code("url-too-long", is, most)
	URLWithBodyFields = code("url-too-long-with-fields", most)
	URLCharacter      = code("url-character")
	URLSyntax         = code("url-syntax")
	URLScheme         = code("url-scheme")
	URLUser           = code("url-user")
	URLFragment       = code("url-fragment")
	URLNoHost         = code("url-no-host")
	URLZone           = code("url-zone")
	URLHostCharacter  = code("url-host-character")
	URLHostName       = code("url-host-name")
	URLPort           = code("url-port")
	URLAddress        = code("url-address-varies")
	URLQueryName      = code("url-query-name-varies")
	URLComposite      = code("url-composite")
	URLDotSegment     = code("url-dot-segment")
	URLEmptySegment   = code("url-empty-segment")
)

// Headers.
var (
	TooManyHeaders       = code("too-many-headers", is, most)
	HeaderNameEmpty      = code("header-name-empty")
	HeaderNameTooLong    = code("header-name-too-long", is, most)
	HeaderNameCharacter  = code("header-name-character", "the offset in the name")
	HeaderReserved       = code("header-reserved", name)
	HeaderTwice          = code("header-twice", name)
	HeaderControl        = code("header-control")
	HeaderTooLong        = code("header-too-long", is, most)
	ContentType          = code("content-type", "which types it may be, in English")
	ContentTypeOfFormats = code("content-type-of-format", "the format")
)

// Bodies.
var (
	JSONSyntax            = code("json-syntax")
	JSONEnds              = code("json-ends")
	JSONTooDeep           = code("json-too-deep")
	DuplicateKey          = code("duplicate-key")
	PlaceholderBackslash  = code("placeholder-after-backslash")
	PlaceholderInEscape   = code("placeholder-in-escape")
	PlaceholderNoValue    = code("placeholder-no-value")
	PlaceholderInKey      = code("placeholder-in-key")
	TextNextToPlaceholder = code("text-next-to-placeholder")
	BodyOfNone            = code("body-of-none")
	BodyMissing           = code("body-missing", "the format")
	BodyOfGET             = code("body-of-get", "the format")
	FormNotFields         = code("form-not-fields")
	FormNotObject         = code("form-not-object")
	FormTooLong           = code("form-too-long", most)
)

// Bodies that are text.
var (
	TextControl    = code("text-control")
	CSVQuote       = code("csv-quote")
	CSVUnclosed    = code("csv-unclosed")
	CSVPlaceholder = code("csv-placeholder")
)

// Bodies of XML.
var (
	XMLSyntax         = code("xml-syntax")
	XMLCharacter      = code("xml-character")
	XMLGreater        = code("xml-greater")
	XMLDoctype        = code("xml-doctype")
	XMLDeclaration    = code("xml-declaration")
	XMLRoot           = code("xml-root")
	XMLUnclosed       = code("xml-unclosed", "what is not closed, in English")
	XMLEndTag         = code("xml-end-tag")
	XMLAttributeTwice = code("xml-attribute-twice")
	XMLPrefix         = code("xml-prefix")
	XMLReference      = code("xml-reference")
	XMLPlaceholder    = code("xml-placeholder", "where it is, in English")
	XMLTooDeep        = code("xml-too-deep")
)

// The other settings.
var (
	UnknownMethod     = code("unknown-method", "the method", "those there are")
	UnknownFormat     = code("unknown-format", "the format", "those there are")
	UnknownFormLists  = code("unknown-form-lists", "the setting", "those there are")
	PolicySuccess     = code("policy-success", "the status")
	PolicyTimeout     = code("policy-timeout", "the timeout", "the longest")
	PolicyAttempts    = code("policy-attempts", is, most)
	PolicyWaits       = code("policy-waits", is, most)
	PolicyWait        = code("policy-wait", "the wait", "the longest")
	PolicyJitter      = code("policy-jitter", "the jitter")
	PolicyExpires     = code("policy-expires", "the time", "the shortest", "the longest")
	PolicyGiveUp      = code("policy-give-up", "the status")
	PolicyGiveUps     = code("policy-give-ups", is, most)
	PolicyRate        = code("policy-rate", "the rate", "the lowest", "the highest")
	PolicyConcurrency = code("policy-concurrency", is, most)
)

// What Bounds forbid.
var (
	BoundTemplates = code("bound-templates", is, most)
	BoundTimeout   = code("bound-timeout", "the timeout", "the longest")
	BoundAttempts  = code("bound-attempts", is, most)
	BoundWait      = code("bound-wait", "the wait", "the shortest")
	BoundExpires   = code("bound-expires", "the time", "the longest")
)

// Credentials, in a webhook and when they are sent.
var (
	AuthField  = code("auth-field", "the field", "what is wrong with it, in English")
	AuthPlain  = code("auth-http")
	AuthHeader = code("auth-header")
)

// Failed attempts. Those that are not here have the code of what is wrong with the message.
var (
	DeliveryUnreachable  = code("delivery-unreachable")
	DeliveryConnect      = code("delivery-connect")
	DeliveryRefused      = code("delivery-refused")
	DeliveryTLS          = code("delivery-tls")
	CertificateExpired   = code("delivery-certificate-expired")
	CertificateEarly     = code("delivery-certificate-early")
	CertificateHost      = code("delivery-certificate-host")
	CertificateAuthority = code("delivery-certificate-authority")
	ClientCertificate    = code("delivery-client-certificate")
	TLSVersion           = code("delivery-tls-version")
	HTTP2Only            = code("delivery-http2-only")
	DeliveryProxy        = code("delivery-proxy")
	DeliveryTimeout      = code("delivery-timeout")
	DeliveryReset        = code("delivery-reset")
	DeliveryProtocol     = code("delivery-protocol")
	DeliveryBlocked      = code("delivery-blocked")
	DeliveryStatus       = code("delivery-status", "the status")
	DeliveryUnwanted     = code("delivery-status-unwanted", "the status", "those that are wanted, in English")
	DeliveryRedirect     = code("delivery-redirect", "the status", "where it points, in English, or nothing")
	DeliverySign         = code("delivery-sign")
	DeliveryCertificate  = code("delivery-certificate")
	DeliveryNoKey        = code("delivery-no-key")
	DeliveryAuth         = code("delivery-auth")
	DeliveryAuthOrigin   = code("delivery-auth-origin")
	DeliveryAuthStatus   = code("delivery-auth-token-status", "the status")
	DeliveryAuthToken    = code("delivery-auth-token", "what is wrong, in English")
	DeliveryExpired      = code("delivery-expired", "after how long")
	DeliveryCanceled     = code("delivery-canceled")
)

// Events and samples.
var (
	EventNil     = code("event-nil")
	SampleNil    = code("sample-nil")
	NoJSON       = code("event-no-json")
	EventSyntax  = code("event-syntax", "the offset")
	EventDropped = code("event-field-dropped", "the embedded type", "the field")
)

// Warnings.
var (
	PlainHTTP         = code("http")
	AtDropped         = code("at-dropped")
	EncodedTwice      = code("url-encode-needless")
	AbsentInPath      = code("absent-in-path", name, "when, in English")
	HeaderNotASCII    = code("header-not-ascii")
	HeaderNameDropped = code("header-name-dropped")
	FormDataUnsigned  = code("form-data-unsigned")
	NoneUnsigned      = code("none-unsigned")
	TextLike          = code("text-like", "the format")
	FormMethod        = code("form-method", "the method")
	FieldNamePHP      = code("field-name-php")
	QueryNameTwice    = code("query-name-twice", name)
	FieldsNoObject    = code("form-without-fields", "the name, or another word, in English", "what it is, in English")
	OftenAbsent       = code("often-absent", name, "when, in English", "what stands there then")
	TextUnquoted      = code("text-unquoted", name)
	CompositeInURL    = code("composite-in-url", name, "object or array")
	NumberTouchesURL  = code("number-next-to-text", name)
	KindUnsent        = code("event-not-sent", name, "the type of the event")
	NoneWanted        = code("condition-never")
	FixedComparison   = code("condition-fixed")
	NumberQuoted      = code("number-quoted")
	ReservedName      = code("name-reserved", name, "whose it is, in English", "the event's own name, or nothing")
	Statement         = code("no-statements")
	OtherDialect      = code("plain-text", "the placeholder")
	ThirdBrace        = code("third-brace")
	URLHTML           = code("url-html")
	BasicNotBase64    = code("basic-not-base64")

	InvisibleCharacter = code("character-invisible", "the character, such as U+200B")
)

// Warnings about dates.
var (
	DateForeign      = code("date-pattern-foreign", "the language that it looks like", "the filter", "the language whose letters that has")
	DateFixed        = code("date-pattern-fixed", "the filter")
	DateMonth        = code("date-month-in-time", "the letter", "the letter of the minutes")
	DateMinutes      = code("date-minutes-in-date", "the letter", "the letter of the month")
	DateSeconds      = code("date-no-seconds", "the letter", "the letter of the seconds")
	DateWeekday      = code("date-no-day", "the letter", "the letter of the day")
	DateMonthForHour = code("date-month-for-hour", "the letter", "the letter of the hour")
	DateHalfDay      = code("date-half-day", "the letter", "the letter of the other hour")
	DateNoZone       = code("date-no-zone", "the letter")
	DateZoneFixed    = code("date-zone-fixed", "the zone", "its time, such as -05:00")
)

// The old language, of ModernizeTemplate.
var (
	OldExpected  = code("old-expected", found)
	OldPipe      = code("old-pipe-in-default", name)
	OldBackslash = code("old-backslash")
)

// Anything else.

// More stands for problems that are not listed.
var More = code("more-problems", "at least how many")

// Other is what has no code of its own, such as an error of Bounds.CheckURL.
var Other = code("other", "the problem, in English")
