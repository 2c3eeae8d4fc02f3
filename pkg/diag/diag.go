// Package diag owns what sluice says when something is wrong: positions, problems, the table of
// codes with their levels and resolutions, and the typed error that stops a run; and how names, counts
// and commands are written in messages.
//
// A bad row or record is a Problem, a value that is listed and counted. A run that cannot go on is
// an *Error. The package prints nothing and knows neither terminals nor exit codes; cmd decides.
package diag

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Level says how severe a problem is; 1 is the gravest.
type Level int

// The four levels.
const (
	LevelFormat  Level = 1 // blocks the file
	LevelError   Level = 2 // blocks the record
	LevelWarning Level = 3 // passes, must be explained
	LevelInfo    Level = 4 // worth knowing
)

// String is what people call a level: the same word on screens, in files and in documents.
func (l Level) String() string {
	switch l {
	case LevelFormat, LevelError:
		return "error"
	case LevelWarning:
		return "warning"
	}
	return "note"
}

// Pos is a place in a text file that people write: a bundle, a table, sluice.yaml. Line and Col count
// from 1, Col in characters; 0 means unknown.
type Pos struct {
	File string
	Line int
	Col  int
}

func (p Pos) String() string {
	switch {
	case p.File == "":
		return ""
	case p.Line == 0:
		return p.File
	case p.Col == 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col)
}

// Rule is the place as problems name a rule of a bundle: file:line.
func (p Pos) Rule() string {
	if p.File == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}

// Problem is one thing that is wrong or worth knowing. All stages use this shape, which is also that of
// the lines of problems/<stage>.jsonl. What does not apply is left empty.
//
// Value may be a student's data: it belongs in the run's files, never in a log.
type Problem struct {
	Code         Code      `json:"code"`
	Level        Level     `json:"level"`
	Stage        string    `json:"stage,omitempty"`
	Tenant       string    `json:"tenant,omitempty"`
	Input        string    `json:"input,omitempty"`
	File         string    `json:"file,omitempty"`
	Line         int       `json:"line,omitempty"`   // of File, from 1
	Col          int       `json:"col,omitempty"`    // character in Line, for files that people write
	Column       string    `json:"column,omitempty"` // header of a tabular file
	Resource     string    `json:"resource,omitempty"`
	StagedLine   int       `json:"stagedLine,omitempty"`
	Path         string    `json:"path,omitempty"` // JSON path in the record
	Key          string    `json:"key,omitempty"`  // natural key
	Value        string    `json:"value,omitempty"`
	Personal     bool      `json:"personal,omitempty"` // Value is made of a student's data, whatever Column is
	Table        string    `json:"table,omitempty"`    // that has no row for Value
	Message      string    `json:"message"`
	Fix          string    `json:"fix,omitempty"`
	Rule         string    `json:"rule,omitempty"`         // file:line of the bundle
	RuleID       string    `json:"ruleId,omitempty"`       // of a rule that has one
	Count        int       `json:"count,omitempty"`        // how often it occurred, if it stands for several
	RejectLine   int       `json:"rejectLine,omitempty"`   // the line that its row has in the file of rejected rows
	Acknowledged *Accepted `json:"acknowledged,omitempty"` // a warning that somebody knows of and lets pass
	Snippet      string    `json:"-"`                      // the source line of a written file, for the terminal
}

// MarshalJSON adds the level's word to the fields.
func (p Problem) MarshalJSON() ([]byte, error) {
	type fields Problem
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	err := e.Encode(struct {
		fields
		LevelWord string `json:"levelWord"`
	}{fields(p), p.Level.String()})
	return out.Bytes(), err
}

// Pos is where the problem is.
func (p Problem) Pos() Pos { return Pos{File: p.File, Line: p.Line, Col: p.Col} }

// At makes a problem of the code's own level at pos. fix may be empty if the code's resolution says
// enough.
func At(pos Pos, code Code, fix, format string, args ...any) Problem {
	return Problem{Code: code, Level: LevelOf(code), File: pos.File, Line: pos.Line, Col: pos.Col,
		Message: fmt.Sprintf(format, args...), Fix: fix}
}

// Counted is a count with its noun and whatever else depends on the number, such as the verb.
func Counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// List is the problems of one stage or one file.
type List []Problem

// Blocks reports whether any problem of the list is of level 1 or 2.
func (l List) Blocks() bool {
	return slices.ContainsFunc(l, func(p Problem) bool { return p.Level <= LevelError })
}

// Sort orders by place, then code, then message, so that output does not depend on the order of work.
func (l List) Sort() {
	slices.SortStableFunc(l, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Input, b.Input), cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Col, b.Col), cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.StagedLine, b.StagedLine),
			cmp.Compare(a.Column, b.Column), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Code, b.Code),
			cmp.Compare(a.Message, b.Message))
	})
}

// Kind says why an Error ends a command; the command line makes an exit status of it.
type Kind int

// Kinds of Error.
const (
	CouldNotRun Kind = iota // the target is unreachable, the disk is full
	Usage                   // a problem of usage, configuration or bundle
	Refused                 // the target refused the credential
	Guarded                 // a guard stopped it, such as drift, a missing pass, a lock
)

// Error ends a command. Message says what happened, Next what to do; Problems, if any, are listed
// before it. Only Problems may hold a student's data, and nothing holds a secret.
type Error struct {
	Kind     Kind
	Code     Code
	Message  string
	Next     string
	Problems List
	Err      error
}

func (e *Error) Error() string {
	if e.Err != nil {
		return e.Message + ": " + e.Err.Error()
	}
	return e.Message
}

func (e *Error) Unwrap() error { return e.Err }

// Advice is what to do: the error's own word, or the code's.
func (e *Error) Advice() string {
	entry, _ := Explain(e.Code)
	return cmp.Or(e.Next, entry.Resolution)
}

// Repeats reports whether the error says of its only problem what that says already.
func (e *Error) Repeats() bool {
	return len(e.Problems) == 1 && e.Code == e.Problems[0].Code && strings.HasSuffix(e.Error(), e.Problems[0].Message)
}

// List is the problems of the error, itself among them if they do not say the same.
func (e *Error) List() List {
	if e.Repeats() {
		return e.Problems
	}
	return append(slices.Clone(e.Problems), Problem{Code: e.Code, Level: LevelOf(e.Code), Message: e.Error(), Fix: e.Next})
}

// Fail makes an *Error. If next is empty, the code's resolution is shown in its place.
func Fail(kind Kind, code Code, next, format string, args ...any) *Error {
	return &Error{Kind: kind, Code: code, Next: next, Message: fmt.Sprintf(format, args...)}
}

// FailWith makes an *Error that wraps err.
func FailWith(err error, kind Kind, code Code, next, format string, args ...any) *Error {
	e := Fail(kind, code, next, format, args...)
	e.Err = err
	return e
}

// Unwritable makes err, of a file that could not be written or read, an error with its code; nil stays nil.
func Unwritable(err error, next, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return FailWith(err, CouldNotRun, MachineDisk, next, format, args...)
}

// AsError finds the *Error in err's chain.
func AsError(err error) (*Error, bool) {
	var e *Error
	ok := errors.As(err, &e)
	return e, ok
}

// DidYouMean returns ` (did you mean "x"?)` with the known name nearest to name, or "" if none is near.
func DidYouMean(name string, known []string) string {
	if near := Nearest(name, known, 1); len(near) > 0 {
		return fmt.Sprintf(" (did you mean %q?)", near[0])
	}
	return ""
}
