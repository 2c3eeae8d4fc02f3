package validate

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/jsonl"
	"github.com/sluice-edfi/sluice/pkg/schema"
)

// This file asks of results what makes them of use, and what no target refuses: a plausible date, and reporting methods,
// performance levels and datatypes as the assessment declares them. All of it are warnings (docs/rules.md). What an
// assessment declares is known of those that are staged; of others nothing is said.

// declared is what staged assessments and objectives declare, by their keys. Methods and pairs of method and level are
// folded. Workers read it for resources that come after the one that it was filled by.
type declared struct {
	methods map[string]map[string]bool
	levels  map[string]map[string]bool
}

func newDeclared() *declared {
	return &declared{methods: map[string]map[string]bool{}, levels: map[string]map[string]bool{}}
}

// declaration is what one assessment or objective declares.
type declaration struct {
	of              string
	methods, levels []string
}

func (d *declared) add(all []declaration) {
	put := func(to map[string]map[string]bool, of string, names []string) {
		if to[of] == nil {
			to[of] = map[string]bool{}
		}
		for _, n := range names {
			to[of][n] = true
		}
	}
	for _, one := range all {
		put(d.methods, one.of, one.methods)
		put(d.levels, one.of, one.levels)
	}
}

// modeller reads what the rules look at. It is owned by one worker.
type modeller struct {
	declared *declared
	dated    bool // the data standard has dates of results
	today    string
	scan     jsonl.Scanner
	texts    map[string]string // read before
	folded   map[string]string // folded before
	found    []note

	assessment, objective string // keys of what the result at hand belongs to
}

// What of a result or an assessment is modelled.
const (
	ofAssessment = "assessments"
	ofObjective  = "objectiveAssessments"
	ofResult     = "studentAssessments"
)

// modelling is the modeller of a resource's records; nil: there is nothing to ask of them.
func (g *gate) modelling(name string) *modeller {
	if !g.options.Modelling || name != ofAssessment && name != ofObjective && name != ofResult {
		return nil
	}
	m := &modeller{declared: g.declared, today: g.options.Now().AddDate(0, 0, 1).Format(time.DateOnly)} // it is tomorrow elsewhere
	if res, ok := g.standard.Resource(name); ok {
		_, m.dated = res.Property(schema.Path{"administrationDate"})
	}
	return m
}

// members calls yield with the name of each member of the object at the scanner's place; yield reads or skips its value.
func (m *modeller) members(yield func(name []byte) bool) bool {
	s := &m.scan
	if s.Peek() != '{' {
		return s.Skip()
	}
	s.Pos++
	for s.Peek() == '"' {
		name, ok := s.Text()
		if !ok || !s.Colon() {
			return false
		}
		if s.Peek(); !yield(name) {
			return false
		}
		if s.Peek() == ',' {
			s.Pos++
		}
	}
	s.Pos++
	return true
}

// items calls yield at each item of the list at the scanner's place.
func (m *modeller) items(yield func(i int) bool) bool {
	s := &m.scan
	if s.Peek() != '[' {
		return s.Skip()
	}
	s.Pos++
	for i := 0; ; i++ {
		if c := s.Peek(); c == ']' || c == 0 {
			s.Pos++
			return c != 0
		}
		if !yield(i) {
			return false
		}
		if s.Peek() == ',' {
			s.Pos++
		}
	}
}

// text reads a text; null and others are empty.
func (m *modeller) text(to *string) bool {
	if m.scan.Peek() != '"' {
		return m.scan.Skip()
	}
	t, ok := m.scan.Text()
	*to = m.interned(t)
	return ok
}

// mostTexts bounds what a modeller remembers of texts: descriptors are few, identifiers of results are not read.
const mostTexts = 1 << 14

// interned is a text, made once.
func (m *modeller) interned(t []byte) string {
	if s, ok := m.texts[string(t)]; ok {
		return s
	}
	s := string(t)
	if m.texts == nil {
		m.texts, m.folded = map[string]string{}, map[string]string{}
	}
	if len(m.texts) < mostTexts {
		m.texts[s] = s
	}
	return s
}

// fold is a text without regard to case, made once.
func (m *modeller) fold(s string) string {
	if f, ok := m.folded[s]; ok {
		return f
	}
	f := fold(s)
	if m.folded != nil && len(m.folded) < mostTexts {
		m.folded[s] = f
	}
	return f
}

// reference reads the parts of a reference that tell assessments and objectives apart.
func (m *modeller) reference() (assessment, objective string, ok bool) {
	var id, namespace, code string
	ok = m.members(func(name []byte) bool {
		switch string(name) {
		case "assessmentIdentifier":
			return m.text(&id)
		case "namespace":
			return m.text(&namespace)
		case "identificationCode":
			return m.text(&code)
		}
		return m.scan.Skip()
	})
	assessment = m.fold(namespace + "\x00" + id)
	return assessment, m.fold(assessment + "\x00" + code), ok
}

// declare reads what a staged assessment or objective declares.
func (m *modeller) declare(text []byte, objective bool) (d declaration, ok bool) {
	m.scan = jsonl.Scanner{Data: text, Decoded: m.scan.Decoded[:0]}
	var id, namespace, code, of string
	ok = m.members(func(name []byte) bool {
		switch string(name) {
		case "assessmentIdentifier":
			return m.text(&id)
		case "namespace":
			return m.text(&namespace)
		case "identificationCode":
			return m.text(&code)
		case "assessmentReference":
			var ok bool
			of, _, ok = m.reference()
			return ok
		case "scores":
			return m.items(func(int) bool {
				score, ok := m.pair()
				d.methods = append(d.methods, "", fold(score.method)) // "": there are some
				return ok
			})
		case "performanceLevels":
			return m.items(func(int) bool {
				level, ok := m.pair()
				d.levels = append(d.levels, fold(level.method+"\x00"), fold(level.method+"\x00"+level.level)) // the first: the method has some
				return ok
			})
		}
		return m.scan.Skip()
	})
	d.of = fold(namespace + "\x00" + id)
	if objective {
		d.of = fold(of + "\x00" + code)
	}
	return d, ok
}

// pair is a score or a performance level, of a result or as declared.
type pair struct{ method, level, datatype, result string }

func (m *modeller) pair() (p pair, ok bool) {
	ok = m.members(func(name []byte) bool {
		switch string(name) {
		case "assessmentReportingMethodDescriptor":
			return m.text(&p.method)
		case "performanceLevelDescriptor":
			return m.text(&p.level)
		case "resultDatatypeTypeDescriptor":
			return m.text(&p.datatype)
		case "result":
			return m.text(&p.result)
		}
		return m.scan.Skip()
	})
	return p, ok
}

func (m *modeller) warn(p diag.Problem) {
	p.Level = diag.LevelWarning
	m.found = append(m.found, note{p, false})
}

// result asks of a student's result. Its references are read first: they may stand behind its scores.
func (m *modeller) result(text []byte) []note {
	m.found = m.found[:0]
	m.scan = jsonl.Scanner{Data: text, Decoded: m.scan.Decoded[:0]}
	var date, end, reason string
	var lists [3]int // where scores, levels and objectives begin that stand before the references
	m.assessment, m.objective = "", ""
	list := func(i int, path string, read func(string) bool) bool {
		if m.assessment != "" {
			return read(path)
		}
		lists[i] = m.scan.Pos
		return m.scan.Skip()
	}
	ok := m.members(func(name []byte) bool {
		switch string(name) {
		case "administrationDate":
			return m.text(&date)
		case "administrationEndDate":
			return m.text(&end)
		case "reasonNotTestedDescriptor":
			return m.text(&reason)
		case "assessmentReference":
			var ok bool
			m.assessment, _, ok = m.reference()
			return ok
		case "scoreResults":
			return list(0, "$.scoreResults", m.scores)
		case "performanceLevels":
			return list(1, "$.performanceLevels", m.levels)
		case "studentObjectiveAssessments":
			return list(2, "$.studentObjectiveAssessments", m.objectives)
		}
		return m.scan.Skip()
	})
	if !ok {
		return nil // the schema's check has said so
	}
	m.dates(date, end, reason)
	m.at(lists[0], "$.scoreResults", m.scores)
	m.at(lists[1], "$.performanceLevels", m.levels)
	m.at(lists[2], "$.studentObjectiveAssessments", m.objectives)
	return m.found
}

func (m *modeller) at(begin int, path string, read func(path string) bool) {
	if begin > 0 {
		m.scan.Pos = begin
		read(path)
	}
}

func (m *modeller) objectives(path string) bool {
	defer func() { m.objective = "" }()
	return m.items(func(i int) bool {
		path, begins := path+"["+strconv.Itoa(i)+"]", [2]int{}
		m.objective = ""
		ok := m.members(func(name []byte) bool {
			switch string(name) {
			case "objectiveAssessmentReference":
				var ok bool
				_, m.objective, ok = m.reference()
				return ok
			case "scoreResults":
				if m.objective != "" {
					return m.scores(path + ".scoreResults")
				}
				begins[0] = m.scan.Pos
			case "performanceLevels":
				if m.objective != "" {
					return m.levels(path + ".performanceLevels")
				}
				begins[1] = m.scan.Pos
			}
			return m.scan.Skip()
		})
		end := m.scan.Pos
		m.at(begins[0], path+".scoreResults", m.scores)
		m.at(begins[1], path+".performanceLevels", m.levels)
		m.scan.Pos = end
		return ok
	})
}

// earliest is the first day that is taken for the day of a test.
const earliest = "1990-01-01"

func (m *modeller) dates(date, end, reason string) {
	wrong := func(path, value, message string) {
		m.warn(diag.Problem{Code: diag.ModelDate, Path: path, Value: value, Message: message})
	}
	day := func(s string) string { return s[:min(len(s), len(time.DateOnly))] }
	switch {
	case !m.dated:
	case date == "" && reason == "":
		wrong("$.administrationDate", "", "the result has neither a date nor a reason why the student was not tested")
	case date == "":
	case day(date) > m.today:
		wrong("$.administrationDate", date, "the day of the test is in the future")
	case day(date) < earliest:
		wrong("$.administrationDate", date, "the day of the test is before 1990")
	case end != "" && day(end) < day(date):
		wrong("$.administrationEndDate", end, "the test ends before it begins")
	}
}

func (m *modeller) scores(path string) bool {
	return m.items(func(i int) bool {
		p, ok := m.pair()
		if !ok {
			return false
		}
		if what := unfit(m.fold(p.datatype), p.result); what != "" {
			m.warn(diag.Problem{Code: diag.ModelResult, Path: path + "[" + strconv.Itoa(i) + "].result", Value: p.result,
				Message: "the result " + what + ", as its datatype " + code(p.datatype) + " asks"})
		}
		m.undeclared(diag.ModelMethod, path+"[*].assessmentReportingMethodDescriptor", m.declared.methods, m.fold(p.method), "",
			func() string {
				return fmt.Sprintf("the reporting method %q is not among the scores that its assessment declares", code(p.method))
			})
		return true
	})
}

func (m *modeller) levels(path string) bool {
	return m.items(func(int) bool {
		p, ok := m.pair()
		if ok {
			m.undeclared(diag.ModelLevel, path+"[*].performanceLevelDescriptor", m.declared.levels, m.fold(p.method+"\x00"+p.level), m.fold(p.method+"\x00"),
				func() string {
					return fmt.Sprintf("the performance level %q of %q is not among those that its assessment declares", code(p.level), code(p.method))
				})
		}
		return ok
	})
}

// undeclared warns of what neither the objective nor its assessment declares, if it is known what they declare. Where
// they declare nothing at all of such, as of projections to another test, it is a note: kind says that they do.
func (m *modeller) undeclared(c diag.Code, path string, of map[string]map[string]bool, what, kind string, message func() string) {
	all, known := of[m.assessment]
	if !known || all[what] {
		return
	}
	level := diag.LevelInfo
	if all[kind] {
		level = diag.LevelWarning
	}
	if m.objective != "" {
		if all, known = of[m.objective]; !known || all[what] {
			return
		}
		if all[kind] {
			level = diag.LevelWarning
		}
	}
	m.found = append(m.found, note{diag.Problem{Code: c, Level: level, Path: path, Message: message()}, true})
}

// code is the code value of a descriptor.
func code(descriptor string) string {
	if _, c, ok := strings.Cut(descriptor, "#"); ok {
		return c
	}
	return descriptor
}

// edFi is the namespace of Ed-Fi's own datatypes, folded: what others mean by theirs is not known.
const edFi = "uri://ed-fi.org/resultdatatypetypedescriptor#"

// unfit says what a result is not that its datatype, folded, asks for; "" if it fits.
func unfit(datatype, result string) string {
	kind, ours := strings.CutPrefix(datatype, edFi)
	if !ours || result == "" {
		return ""
	}
	number, err := strconv.ParseFloat(result, 64)
	plain := err == nil && !strings.ContainsAny(result, "eExXpPnN_") // as people write numbers
	switch kind {
	case "integer":
		if digits := strings.TrimLeft(result, "+-"); len(result)-len(digits) > 1 || digits == "" || strings.Trim(digits, "0123456789") != "" {
			return "is not a whole number"
		}
	case "decimal", "percentage":
		if !plain {
			return "is not a number"
		}
	case "percentile":
		if !plain || number < 0 || number > 100 {
			return "is not a number from 0 to 100"
		}
	}
	return ""
}

// model asks of a record that fits the schema what makes results of use.
func (w *worker) model(text []byte) {
	if w.r.name != ofResult {
		if d, ok := w.modeller.declare(text, w.r.name == ofObjective); ok {
			w.batch.declares = append(w.batch.declares, d)
		}
		return
	}
	for _, n := range w.modeller.result(text) {
		if n.sum {
			w.sum(n.problem)
		} else {
			w.note(n.problem)
		}
	}
}
