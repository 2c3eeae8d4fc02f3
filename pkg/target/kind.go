package target

import (
	"net/http"
	"strings"
)

// Kind says what sort of failure it is, so that callers decide without reading texts.
type Kind string

// The kinds of failures.
const (
	Setup      Kind = "setup"      // the settings do not lead to this target
	Auth       Kind = "auth"       // the credential or its token was refused
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
	{"too-many-tokens", TooMany},
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
