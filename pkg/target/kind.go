package target

import (
	"crypto/tls"
	"errors"
	"net/http"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// Kind says what sort of failure it is, so that callers decide without reading texts.
type Kind string

// The kinds of failures.
const (
	Setup      Kind = "setup"      // the settings do not lead to this target
	Auth       Kind = "auth"       // the credential or its token was refused
	Token      Kind = "token"      // no token came, and nothing was said about the credential: no other call was made
	Forbidden  Kind = "forbidden"  // the credential may not do this
	Validation Kind = "validation" // the record is not acceptable
	Reference  Kind = "reference"  // the record refers to something that is not there
	Conflict   Kind = "conflict"   // the record collides with another one
	NotFound   Kind = "not-found"  // no such resource or record
	TooMany    Kind = "too-many"   // the target asked to slow down
	Server     Kind = "server"     // the target failed
	Transport  Kind = "transport"  // no answer came
	Odd        Kind = "odd"        // an answer that an Ed-Fi API does not give
)

// problemPrefix starts the type of every problem that an Ed-Fi API reports.
const problemPrefix = "urn:ed-fi:api:"

// kindsByType maps what a problem's type says beyond its status. The first match wins; a match is
// a whole segment or more, since versions of the API put segments before and after.
var kindsByType = []struct {
	segment string
	kind    Kind
}{
	{tooManyTokens, TooMany},
	{"too-many-requests", TooMany},
	{"security:authentication", Auth},
	{"unauthorized", Auth},
	{"security", Forbidden},
	{"forbidden", Forbidden},
	{"authorization-denied", Forbidden},
	{"unresolved-reference", Reference},
	{"data-conflict", Conflict},
	{"identity-conflict", Conflict},
	{"conflict", Conflict},
	{"optimistic-lock-failed", Conflict},
	{"precondition-failed", Conflict},
	{"bad-request", Validation},
	{"data-policy-enforced", Validation},
	{"profile", Odd},
	{"method-not-allowed", Odd},
	{"unsupported-media-type", Odd},
	{"route-resolution-error", NotFound},
	{"not-found", NotFound},
	{"system", Server},
	{"bad-gateway", Server},
	{"service-unavailable", Server},
}

// typeHolds reports whether the problem type consists of the segment, among others.
func typeHolds(problemType, segment string) bool {
	rest, ok := strings.CutPrefix(problemType, problemPrefix)
	return ok && strings.Contains(":"+rest+":", ":"+segment+":")
}

// kindOf judges an answer by its problem type, else by its status. Older generations have no
// types: there the status decides, and for 409 and 400 the few sentences that are known.
func kindOf(status int, problemType, message string) Kind {
	for _, k := range kindsByType {
		if typeHolds(problemType, k.segment) {
			return k.kind
		}
	}
	switch status {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return Validation
	case http.StatusUnauthorized:
		return Auth
	case http.StatusForbidden:
		return Forbidden
	case http.StatusNotFound, http.StatusGone:
		return NotFound
	case http.StatusConflict:
		if missesReference(message) {
			return Reference
		}
		return Conflict
	case http.StatusPreconditionFailed:
		return Conflict
	case http.StatusTooManyRequests:
		return TooMany
	case http.StatusRequestTimeout:
		return Server
	}
	if status >= 500 {
		return Server
	}
	return Odd
}

// missesReference knows the sentences by which API versions before 7.2 report a missing reference.
func missesReference(message string) bool {
	m := strings.ToLower(message)
	return strings.Contains(m, "the value supplied for the related") || strings.Contains(m, "was not found")
}

// retryable says which answers are worth another attempt: never one that says that the
// request itself is wrong.
func retryable(status int, problemType string) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	case http.StatusInternalServerError:
		// A server that is configured wrongly will be so in a minute.
		return !typeHolds(problemType, "system:configuration")
	case http.StatusConflict:
		return typeHolds(problemType, "multi-user-conflict")
	}
	return false
}

// Code is the code under which the user is told of the failure, whichever command met it.
func (f *Failure) Code() diag.Code {
	switch f.Kind {
	case Setup:
		return diag.ConfigTenant
	case Auth:
		return diag.AuthRefused
	case Forbidden:
		// Versions before 7.2 have no types; their sentence speaks of the NamespacePrefix claims.
		if strings.Contains(f.Type, ":namespace:") || strings.Contains(strings.ToLower(f.Text()), "namespaceprefix claims") {
			return diag.AuthNamespace
		}
		return diag.AuthForbidden
	case Reference:
		return diag.ReferenceRefused
	case Conflict:
		return diag.TargetConflict
	case TooMany:
		if typeHolds(f.Type, tooManyTokens) {
			return diag.AuthTooMany
		}
		return diag.TargetBusy
	case Server:
		return diag.TargetServer
	case Transport:
		var certificate *tls.CertificateVerificationError
		if _, refused := alertOf(f.Err); refused || errors.As(f.Err, &certificate) {
			return diag.TargetTLS
		}
		return diag.TargetUnreached
	case Validation:
		// Only a record can be refused. A question that is not understood points at the address.
		if f.Method != http.MethodGet && f.Resource != tokenInfoResource {
			return diag.TargetRefused
		}
	}
	return diag.TargetOdd
}

// Diag makes the failure the end of a command. what says what could not be done; if it is empty
// the failure speaks for itself. The text holds no word of a record.
func (f *Failure) Diag(what string) *diag.Error {
	kind := diag.CouldNotRun
	switch f.Kind {
	case Setup:
		kind = diag.Usage
	case Auth, Forbidden:
		kind = diag.Refused
	}
	e := &diag.Error{Kind: kind, Code: f.Code(), Message: what, Next: f.Fix, Err: withoutFix{f}}
	if what == "" {
		e.Message, e.Err = f.Summary(), nil
	}
	return e
}

// Explain is Diag for a failure that err holds and nobody has explained yet; other errors stay as
// they are.
func Explain(err error, what string) error {
	f, ok := AsFailure(err)
	if _, explained := diag.AsError(err); !ok || explained {
		return err
	}
	return f.Diag(what)
}

// withoutFix is a failure in the chain of an Error that gives its advice already.
type withoutFix struct{ failure *Failure }

func (w withoutFix) Error() string { return w.failure.Summary() }
func (w withoutFix) Unwrap() error { return w.failure }
