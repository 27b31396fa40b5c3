package webhook

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/ringhook/webhook/internal/http1"
	"github.com/ringhook/webhook/internal/problem"
	"github.com/ringhook/webhook/internal/request"
)

// An Attempt is what came of one try to deliver a message. It is plain data but for
// Err.
type Attempt struct {
	// N counts the attempts of a message from 1.
	N int
	// At is when the attempt began; signatures carry this time.
	At time.Time
	// Duration is the time until it ended, with the reading of the response's body.
	Duration time.Duration
	// Status is the status code of the response. If zero, none came.
	Status int
	// Class says what kind of failure it was. It is empty after a delivery.
	Class Class
	// Code says what kind of failure it is to programs, and Args what a sentence about it
	// needs, such as one in another language; docs/problems.md lists them. Both are empty
	// after a delivery.
	Code string
	Args []string
	// Err is nil if the message was delivered. Its text is safe to show to the
	// customer; Unwrap has the detail, with addresses, for the operator only.
	Err error
	// MayHaveArrived says that at least a part of the request was sent, so that the
	// receiver may have processed it. It is false only if nothing was sent; a Transport
	// that does not heed [net/http/httptrace] cannot tell.
	MayHaveArrived bool
	// Requests is how many requests were written to connections. It is more than 1 if one
	// met a connection that was just being closed, which had been used before: then it is
	// repeated at once, on a fresh one, and the receiver may see it twice. So it is if a
	// token was refused that had been kept; see [Client] Auth.
	Requests int
	// Body is the beginning of the response's body, at most 16 KiB, as it came: it is
	// the receiver's text and not to be trusted.
	Body []byte
	// Header has some of the answer's: Content-Type, Date, Location, Retry-After, Server
	// and, of those whose names end in Request-Id or Trace-Id, a few. Each has one value,
	// of at most 256 bytes of valid UTF-8: the receiver's text, not to be trusted. Of the
	// Location only what is in the field of that name. It must not be changed.
	Header http.Header
	// Location is that header of the answer, without user, query and fragment, at most
	// 512 bytes of valid UTF-8. Redirects are not followed: it is for people to see.
	Location string
	// Want has the status codes that the message's policy takes for a success, if
	// Status is none of them. It is nil if the policy takes any 2xx.
	Want []int
	// RetryAfter is what the receiver of a status 429 or any 5xx asked to wait, at most
	// 1 hour.
	RetryAfter time.Duration
	// Wait is the time until the next attempt. It is set only if Outcome is
	// OutcomeRetrying.
	Wait time.Duration
	// Outcome says how the delivery goes on.
	Outcome Outcome
}

// A Class is a kind of failure.
type Class string

// The classes of failures. All but ClassInvalid, ClassExpired and ClassCanceled are retried.
// ClassUnreachable is too, on the same schedule, since a wrong entry in the DNS gets
// repaired; nothing is sent to the address until then.
const (
	// ClassUnreachable: the name was not resolved, or the address must not be dialled;
	// see [Egress]. To a customer they are one, also by the time they take at least, so
	// that nobody can find out internal names: Unwrap of the error tells the operator.
	ClassUnreachable Class = "unreachable"
	ClassConnect     Class = "connect"  // no connection
	ClassTLS         Class = "tls"      // the handshake or the certificate was not good
	ClassTimeout     Class = "timeout"  // no status line within the policy's timeout
	ClassReset       Class = "reset"    // the connection broke before a status line
	ClassProtocol    Class = "protocol" // the answer is no HTTP/1.1, or too large
	ClassBlocked     Class = "blocked"  // the proxy must not connect to the receiver
	// ClassProxy: the proxy itself failed: see [Egress]. A queue puts that off for a day
	// rather than count it.
	ClassProxy    Class = "proxy"
	ClassStatus   Class = "status"   // the status is no success
	ClassSign     Class = "sign"     // the Signer failed; nothing was sent
	ClassAuth     Class = "auth"     // no credentials, token or client certificate; nothing was sent
	ClassInvalid  Class = "invalid"  // the message itself is invalid; nothing was sent
	ClassExpired  Class = "expired"  // Policy.Expires has passed; nothing was sent
	ClassCanceled Class = "canceled" // the caller's context ended
)

// Classes returns all classes, in the order above: for a filter's choices, say, or to hold
// texts in another language to them.
func Classes() []Class {
	return []Class{
		ClassUnreachable, ClassConnect, ClassTLS, ClassTimeout, ClassReset, ClassProtocol, ClassBlocked, ClassProxy, ClassStatus,
		ClassSign, ClassAuth, ClassInvalid, ClassExpired, ClassCanceled,
	}
}

// An Outcome is what an attempt means for the delivery.
type Outcome string

// The outcomes of an attempt.
const (
	OutcomeDelivered Outcome = "delivered" // the status is a success
	OutcomeRetrying  Outcome = "retrying"  // failed, and to be tried again after Wait
	OutcomeFailed    Outcome = "failed"    // failed for good
	// 410: failed for good, and the receiver wants no more
	OutcomeGone     Outcome = "gone"
	OutcomeCanceled Outcome = "canceled" // the caller's context ended first: no result
)

// classTexts are what the customer is told. They name no address, so that a test send
// is no port scanner.
var classTexts = map[Class]string{
	ClassUnreachable: "host not found or not allowed",
	ClassConnect:     "no connection",
	ClassTLS:         "TLS handshake refused",
	ClassTimeout:     "no answer in time",
	ClassReset:       "connection closed without an answer",
	ClassProtocol:    "malformed answer",
	ClassBlocked:     "destination not allowed",
	ClassProxy:       "our outgoing proxy failed",
	ClassSign:        "not signed",
	ClassAuth:        "no credentials",
	ClassCanceled:    "canceled",
}

// textCodes are the codes of what the customer is told.
var textCodes = map[string]problem.Code{
	classTexts[ClassUnreachable]: problem.DeliveryUnreachable,
	classTexts[ClassConnect]:     problem.DeliveryConnect,
	connectionRefused:            problem.DeliveryRefused,
	classTexts[ClassTLS]:         problem.DeliveryTLS,
	certificateExpired:           problem.CertificateExpired,
	certificateEarly:             problem.CertificateEarly,
	certificateHost:              problem.CertificateHost,
	certificateAuthority:         problem.CertificateAuthority,
	tlsVersion:                   problem.TLSVersion,
	clientCertificate:            problem.ClientCertificate,
	http2Only:                    problem.HTTP2Only,
	classTexts[ClassTimeout]:     problem.DeliveryTimeout,
	classTexts[ClassReset]:       problem.DeliveryReset,
	classTexts[ClassProtocol]:    problem.DeliveryProtocol,
	classTexts[ClassBlocked]:     problem.DeliveryBlocked,
	classTexts[ClassProxy]:       problem.DeliveryProxy,
	classTexts[ClassSign]:        problem.DeliverySign,
	classTexts[ClassAuth]:        problem.DeliveryAuth,
	noCertificate:                problem.DeliveryCertificate,
	classTexts[ClassCanceled]:    problem.DeliveryCanceled,
}

const (
	connectionRefused = "connection refused"
	noCertificate     = "our certificate for this receiver is not available"
)

// tell sets the code and the arguments, unless they are set.
func (a *Attempt) tell(code problem.Code, args ...string) {
	if a.Code == "" {
		a.Code, a.Args = code.String(), args
	}
}

// fail ends the attempt in a failure whose detail is for the operator.
func (a *Attempt) fail(class Class, detail error) {
	text := classTexts[class]
	var auth *authError
	isAuth := errors.As(detail, &auth) && auth.text != ""
	isCertificate := class == ClassAuth && isIdentity(detail)
	ended := errors.Is(detail, context.Canceled) || errors.Is(detail, context.DeadlineExceeded)
	if ended && class != ClassCanceled {
		// not to be taken for the end of the caller's context
		detail = errors.New(detail.Error())
	}
	switch {
	case class == ClassInvalid:
		// of our own checks, which quote no values
		text = "invalid message: " + detail.Error()
		p := problem.Of(detail)
		a.tell(p.Code, p.Args...)
	case class == ClassSign && errors.Is(detail, ErrNoKey):
		// as of a Webhook without an ID, signed by the zero HMAC
		text += ": " + ErrNoKey.Error()
		a.tell(problem.DeliveryNoKey)
	case isAuth && class == ClassAuth:
		text = auth.text
		a.tell(auth.code, auth.args...)
	case class == ClassConnect && errors.Is(detail, syscall.ECONNREFUSED):
		text = connectionRefused
	case class == ClassTLS:
		text = tlsText(detail)
	case isCertificate:
		text = noCertificate
	case errors.Is(detail, http1.ErrHTTP2):
		text = http2Only
	}
	a.tell(textCodes[text])
	a.Class, a.Err = class, &textError{text, detail}
}

// failExpired ends the attempt of a message that is too old.
func (a *Attempt) failExpired(after time.Duration) {
	a.tell(problem.DeliveryExpired, after.String())
	a.Class, a.Err = ClassExpired, &textError{"expired, " + after.String() + " after it was composed", nil}
}

// failStatus ends the attempt in a status that is no success. Points says in words
// where a redirect points, or is empty.
func (a *Attempt) failStatus(want []int, points string) {
	a.Want = slices.Clone(want)
	status := strconv.Itoa(a.Status)
	text := "status " + status
	switch {
	case isRedirect(a.Status):
		text += ": redirects are not followed"
		if points != "" {
			text += "; it points to " + points
		}
		a.tell(problem.DeliveryRedirect, status, points)
	case len(want) > 0:
		text += ", want " + wantText(want)
		a.tell(problem.DeliveryUnwanted, status, wantText(want))
	}
	a.tell(problem.DeliveryStatus, status)
	a.Class, a.Err = ClassStatus, &textError{text, nil}
}

// wantText lists status codes, of many the first ones.
func wantText(codes []int) string {
	const most = 5
	texts := make([]string, 0, most)
	for _, code := range codes[:min(len(codes), most)] {
		texts = append(texts, strconv.Itoa(code))
	}
	last := len(texts) - 1
	switch {
	case len(codes) > most:
		return strings.Join(texts, ", ") + " or others"
	case last == 0:
		return texts[0]
	}
	return strings.Join(texts[:last], ", ") + " or " + texts[last]
}

// A textError has a text for the customer and a detail for the operator.
type textError struct {
	text   string
	detail error // nil for a status
}

func (e *textError) Error() string { return "webhook: " + e.text }

func (e *textError) Unwrap() error { return e.detail }

// A DeliveryError is what [Client.Send] returns for a message that was not delivered.
type DeliveryError struct {
	// MessageID is the message's ID.
	MessageID string
	// Attempts is how many were made. One that the caller's context cut off does not
	// count.
	Attempts int
	// Last is the last one, also if it was cut off. If its Outcome is OutcomeRetrying,
	// the delivery can go on after Last.Wait.
	Last Attempt
	// Err is why the delivery ended: Last.Err; or the cause of the context that ended;
	// or [context.DeadlineExceeded] if the next wait would have outlasted the context's
	// deadline.
	Err error
}

// Error has the message's ID, the number of attempts and why the delivery ended, and no
// addresses, URLs or values.
func (e *DeliveryError) Error() string {
	text := "webhook: message not delivered"
	if request.CheckID(e.MessageID) == nil { // else who knows what it holds
		text = "webhook: message " + e.MessageID + " not delivered"
	}
	text += " after " + strconv.Itoa(e.Attempts) + " attempt"
	if e.Attempts != 1 {
		text += "s"
	}
	if e.Err != nil {
		text += ": " + strings.TrimPrefix(e.Err.Error(), "webhook: ")
	}
	if e.Last.Err != nil && !errors.Is(e.Err, e.Last.Err) && e.Last.Class != ClassCanceled {
		text += " (" + strings.TrimPrefix(e.Last.Err.Error(), "webhook: ") + ")"
	}
	return text
}

// Unwrap returns Err and, if it is another, the error of the last attempt.
func (e *DeliveryError) Unwrap() []error {
	var errs []error
	if e.Err != nil {
		errs = append(errs, e.Err)
	}
	if e.Last.Err != nil && !errors.Is(e.Err, e.Last.Err) {
		errs = append(errs, e.Last.Err)
	}
	return errs
}
