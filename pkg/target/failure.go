package target

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// Failure is a call that did not succeed: what the target said, or why it could not be asked.
//
// Error is safe for logs: of what the target says about a record (kinds Validation, Reference,
// Conflict, Forbidden, NotFound) it gives status and title only, because the API's sentences quote
// values; of other answers to calls about records it leaves out what may be such values, and of a
// refusal of a posted record it gives no word. Those are in Title, Detail, Fields, Messages and Body and
// belong in the run's files.
type Failure struct {
	Kind      Kind
	Method    string
	Resource  string // "ed-fi/students", "token", "root document" …
	Address   string // that was asked for a token; "": the call was for something else
	Status    int    // 0: no answer
	Retryable bool   // another attempt, later, may succeed
	Attempts  int

	Type     string              // problem type, "urn:ed-fi:api:…"; "" from older APIs
	Title    string              // of the problem, else the status in words
	Detail   string              // the API's own sentence, or ours when there was no answer
	Fields   map[string][]string // what is wrong by JSON path
	Messages []string            // further sentences
	Body     string              // start of an answer that could not be read as an Ed-Fi error

	CorrelationID string // under which the target's log knows the call
	Fix           string // what to do
	Err           error  // cause, if there was no answer
}

// Error says what failed, why and what to do, on one line.
func (f *Failure) Error() string {
	s := f.Summary()
	if f.Fix != "" {
		s = strings.TrimSuffix(s, ".") + ". " + f.Fix
	}
	return s
}

// Summary is Error without the advice.
func (f *Failure) Summary() string {
	var b strings.Builder
	if f.Method != "" {
		fmt.Fprintf(&b, "%s %s: ", f.Method, cmp.Or(f.Address, f.Resource))
	}
	if f.Status != 0 {
		title, text := f.Title, f.words()
		if f.Status >= http.StatusBadRequest && strings.Contains(f.Resource, "/") && f.Kind != TooMany { // about records
			title, text = diag.Masked(title), diag.Masked(text)
			if f.Method == http.MethodPost && f.Status <= http.StatusInternalServerError { // about this record, perhaps with its names
				title, text = http.StatusText(f.Status), ""
			}
		}
		fmt.Fprintf(&b, "%d %s", f.Status, title)
		if f.quotable() && text != "" && text != title {
			b.WriteString(": " + text)
		}
	} else {
		b.WriteString(f.Detail)
	}
	if f.Attempts > 1 {
		fmt.Fprintf(&b, " (%d attempts)", f.Attempts)
	}
	if f.CorrelationID != "" && f.Status != 0 {
		fmt.Fprintf(&b, " [correlation id %s]", f.CorrelationID)
	}
	return b.String()
}

// quotable reports whether the target's own words may stand in a log.
func (f *Failure) quotable() bool {
	switch f.Kind {
	case Validation, Reference, Conflict, Forbidden, NotFound:
		return false
	}
	return true
}

// Text is what the target says is wrong, in its own words, on one line: the fields, else the
// messages, else the detail, else the start of the body, else its status. It may quote a record's values.
func (f *Failure) Text() string {
	text := f.words()
	switch {
	case text != "":
		return text
	case f.Status == 0:
		return "no answer came"
	}
	return fmt.Sprintf("%d %s, no reason given", f.Status, f.Title)
}

func (f *Failure) words() string {
	switch {
	case len(f.Fields) > 0:
		var parts []string
		for _, path := range slices.Sorted(maps.Keys(f.Fields)) {
			parts = append(parts, strings.TrimSpace(path+": "+strings.Join(f.Fields[path], " ")))
		}
		return strings.Join(parts, "; ")
	case len(f.Messages) > 0:
		return strings.Join(f.Messages, "; ")
	case f.Detail != "":
		return f.Detail
	}
	return f.Body
}

// Unwrap gives the cause of a call that got no answer.
func (f *Failure) Unwrap() error { return f.Err }

// AsFailure finds the failure in an error.
func AsFailure(err error) (*Failure, bool) {
	var f *Failure
	ok := errors.As(err, &f)
	return f, ok
}

// IsKind reports whether the error is a failure of one of the kinds.
func IsKind(err error, kinds ...Kind) bool {
	f, ok := AsFailure(err)
	return ok && slices.Contains(kinds, f.Kind)
}

// ErrOutage is in the chain of every failure that was given up because the target has been down
// for longer than RetryPolicy.MaxOutage: there is no point in trying the next record.
var ErrOutage = errors.New("the target has been down for too long")

// ErrNotOffered is in the chain of a failure to use something that this target does not have.
var ErrNotOffered = errors.New("the target does not offer this")

// ErrNoCount is in the chain of a failure to count records where the target answered without a count.
var ErrNoCount = errors.New("the target does not count its records")

func setup(detail, fix string) *Failure {
	return &Failure{Kind: Setup, Detail: detail, Fix: fix}
}
