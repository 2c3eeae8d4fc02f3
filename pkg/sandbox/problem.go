package sandbox

import (
	"cmp"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// problem is the body of every refusal: problem details as ODS/API 7.2 writes them.
type problem struct {
	Detail           string              `json:"detail"`
	Type             string              `json:"type"`
	Title            string              `json:"title"`
	Status           int                 `json:"status"`
	CorrelationID    string              `json:"correlationId"`
	ValidationErrors map[string][]string `json:"validationErrors,omitempty"`
	Errors           []string            `json:"errors,omitempty"`

	retryAfter time.Duration
}

// Error makes a problem an error, so that what refuses a call need not know how it is answered.
func (p *problem) Error() string { return p.Detail }

// newProblem makes a problem; typ is its type without the prefix all types have.
func newProblem(status int, typ, title, detail string, errs ...string) *problem {
	return &problem{Detail: detail, Type: "urn:ed-fi:api:" + typ, Title: title, Status: status, Errors: errs}
}

func badRequest(errs ...string) *problem {
	return newProblem(http.StatusBadRequest, "bad-request", "Bad Request", "The request could not be processed. See 'errors' for details.", errs...)
}

func invalidData(messages map[string][]string) *problem {
	p := newProblem(http.StatusBadRequest, "bad-request:data-validation-failed", "Data Validation Failed",
		"Data validation failed. See 'validationErrors' for details.")
	p.ValidationErrors = messages
	return p
}

func invalidParameter(errs ...string) *problem {
	return newProblem(http.StatusBadRequest, "bad-request:parameter-validation-failed", "Parameter Validation Failed",
		"Parameter validation failed. See 'errors' for details.", errs...)
}

func keyChange(entity string) *problem {
	return newProblem(http.StatusBadRequest, "bad-request:data-validation-failed:key-change-not-supported", "Key Change Not Supported",
		fmt.Sprintf("Identifying values for the '%s' resource cannot be changed. Delete and recreate the resource item instead.", entity))
}

func unauthenticated(err string) *problem {
	return newProblem(http.StatusUnauthorized, "security:authentication", "Authentication Failed",
		"The caller could not be authenticated.", err)
}

func accessDenied(kind, claimSet, err string) *problem {
	return newProblem(http.StatusForbidden, "security:authorization:access-denied:"+kind, "Authorization Denied",
		"Access to the resource could not be authorized. Are you missing a claim? This resource can be authorized by claim set '"+claimSet+"'.", err)
}

func namespaceMismatch(prefixes []string, existing bool) *problem {
	word := ""
	if existing {
		word = "existing "
	}
	return newProblem(http.StatusForbidden, "security:authorization:namespace:access-denied:namespace-mismatch", "Authorization Denied",
		fmt.Sprintf("Access to the requested data could not be authorized. The %s'Namespace' value of the data does not start with any of the caller's associated namespace prefixes ('%s').",
			word, strings.Join(prefixes, "', '")))
}

func notFound(detail string) *problem {
	return newProblem(http.StatusNotFound, "not-found", "Not Found", detail)
}

func methodNotAllowed(detail string) *problem {
	return newProblem(http.StatusMethodNotAllowed, "method-not-allowed", "Method Not Allowed", detail)
}

func unresolvedReference(entity string) *problem {
	return newProblem(http.StatusConflict, "data-conflict:unresolved-reference", "Unresolved Reference",
		fmt.Sprintf("The referenced '%s' item does not exist.", entity))
}

func nonUnique(entity string) *problem {
	return newProblem(http.StatusConflict, "data-conflict:non-unique-identity", "Identifying Values Are Not Unique",
		"The identifying value(s) of the item are the same as another item that already exists.",
		fmt.Sprintf("A primary key conflict occurred when attempting to create or update a record of '%s'.", entity))
}

func dependentExists(by []string) *problem {
	return newProblem(http.StatusConflict, "data-conflict:dependent-item-exists", "Dependent Item Exists",
		fmt.Sprintf("The requested action cannot be performed because this item is referenced by existing '%s' item(s).", strings.Join(by, "', '")))
}

func staleETag() *problem {
	return newProblem(http.StatusPreconditionFailed, "optimistic-lock-failed", "Optimistic Lock Failed",
		"The item has been modified by another user.",
		"The resource item's etag value does not match what was specified in the 'If-Match' request header, indicating that it has been modified by another client since it was last retrieved.")
}

func unsupportedMediaType() *problem {
	return newProblem(http.StatusUnsupportedMediaType, "unsupported-media-type", "Unsupported Media Type",
		"The request could not be processed. See 'errors' for details.", "The 'Content-Type' header must be 'application/json'.")
}

func systemError() *problem {
	return newProblem(http.StatusInternalServerError, "system", "System Error",
		"An unexpected problem has occurred.")
}

// write answers with a problem.
func (p *problem) write(w http.ResponseWriter, r *http.Request) {
	p.CorrelationID = correlationID(r)
	if p.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((p.retryAfter+time.Second-1)/time.Second)))
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_, _ = w.Write(toJSON(p)) // the client's end may be gone; it gets no better answer
}

// correlationID is the client's own id of the call, if it gave one.
func correlationID(r *http.Request) string {
	return cmp.Or(r.Header.Get("correlation-id"), r.URL.Query().Get("correlationId"), newID())
}
