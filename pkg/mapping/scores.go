package mapping

import (
	"fmt"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/expression"
	"github.com/sluice-edfi/sluice/pkg/jsonl"
)

// scoreSet is the scores of a row or an element, in table order.
type scoreSet struct {
	all    []*score
	groups []*scoreGroup // by objective, in the order of their first row; the total's has no name
}

// scoreGroup is the scores and levels of one objective.
type scoreGroup struct {
	objective string
	scores    []*score
	levels    []*score
}

// score is a row of a score table, bound to a column.
type score struct {
	*scoreRow
	header string
	index  int              // column, or -1
	named  *expression.Code // or a name
	cell   *expression.Cell

	personal bool // it may be a student's, and not only a result
}

func (s *scoreSet) group(objective string) *scoreGroup {
	for _, g := range s.groups {
		if g.objective == objective {
			return g
		}
	}
	return nil
}

func (s *scoreSet) add(sc *score) {
	s.all = append(s.all, sc)
	g := s.group(sc.objective)
	if g == nil {
		g = &scoreGroup{objective: sc.objective}
		s.groups = append(s.groups, g)
	}
	if sc.level {
		g.levels = append(g.levels, sc)
	} else {
		g.scores = append(g.scores, sc)
	}
}

// read is the score's text on the row; empty if it has none.
func (sc *score) read(r *Worker) (string, *expression.Fault) {
	if sc.named == nil {
		s := expression.TrimSpace(r.frame.Cells[sc.index])
		if expression.IsNullCell(s, sc.cell.Nulls) {
			return "", nil
		}
		return s, nil
	}
	v, f := sc.named.Eval(&r.frame)
	if f != nil || v.IsNull() {
		return "", f
	}
	return expression.TrimSpace(v.Text()), nil
}

// any reports whether an objective has a value on the row.
func (g *scoreGroup) any(r *Worker) bool {
	for _, list := range [...][]*score{g.scores, g.levels} {
		for _, sc := range list {
			if s, f := sc.read(r); f != nil || s != "" {
				return true
			}
		}
	}
	return false
}

// maxResult is the length of a result in UTF-16 units, as the API counts; nothing is cut.
const maxResult = 35

// fit checks a score's text against its datatype and gives what is staged; the message says why not.
func (sc *score) fit(s string) (result, wrong string) {
	result = s
	switch sc.datatype {
	case "Integer":
		if !expression.IsInteger(s) {
			return "", "is not an integer"
		}
		result = expression.PlainDecimal(s)
	case "Decimal", "Percentage":
		if !expression.IsDecimal(s) {
			return "", "is not a decimal number"
		}
	case "Percentile":
		if !expression.IsDecimal(s) {
			return "", "is not a percentile"
		}
		if n := expression.DigitsOf(s); n.Negative || n.Compare(hundred) > 0 {
			return "", "is not a percentile from 0 to 100"
		}
	case "Range":
		if !expression.IsRange(s) {
			return "", "is not a range of two numbers with - between them"
		}
	}
	if len(result) > maxResult && jsonl.UTF16Length(result) > maxResult {
		return "", fmt.Sprintf("is longer than %d characters", maxResult)
	}
	return result, ""
}

var hundred = expression.DigitsOf("100")

// outside says whether a score is outside its table's range.
func (sc *score) outside(s string) (string, bool) {
	if sc.minimum == "" && sc.maximum == "" || sc.datatype == "Level" || sc.datatype == "Range" {
		return "", false
	}
	n := expression.DigitsOf(s)
	switch {
	case sc.minimum != "" && n.Compare(expression.DigitsOf(sc.minimum)) < 0:
		return "less than " + sc.minimum, true
	case sc.maximum != "" && n.Compare(expression.DigitsOf(sc.maximum)) > 0:
		return "more than " + sc.maximum, true
	}
	return "", false
}

func (sc *score) fault(s, wrong string) *expression.Fault {
	return &expression.Fault{Code: diag.CellScore, Rule: sc.pos, Column: sc.header, Value: strings.Clone(s), Personal: sc.personal, Message: "the score " + sc.method + " " + wrong}
}
