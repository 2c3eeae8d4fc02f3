package match

import (
	"errors"
	"strings"
	"testing"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/mapping"
)

// book is a roster: by system and id the students.
type book map[string][]string

func (b book) FindOn(system, id, day string) ([]string, error) {
	if id == "broken" {
		return nil, errors.New("damaged")
	}
	return append(b[system+" "+id], b[day+" "+system+" "+id]...), nil
}

var known = book{
	"State 0000001234": {"A"},
	"State 0000005678": {"B"},
	"State 0000000007": {"D"},
	"State X-1":        {"C"},
	"Local 17":         {"A"},
	"Local 18":         {"B"},
	"Local 19":         {"A", "B"},
	"Local 1234":       {"B"}, // what is left of State 0000001234 without its zeros
	"Local 0020":       {"C"},
	"Local 00020":      {"D"},
	"crosswalk 19":     {"C"},
	"crosswalk 99":     {"B"},
	"crosswalk 55":     {"A"},
	"Local 00055":      {"A"},
	"crosswalk 0017":   {"B"},
}

var (
	state     = System{"State", []int{10}}
	local     = System{"Local", []int{2, 4, 5}}
	crosswalk = System{"crosswalk", []int{2, 4}}
	columns   = []mapping.StudentColumn{{Name: "st", Header: "State ID"}, {Name: "lo", Header: "Local ID"}}
)

func TestMatch(t *testing.T) {
	for name, c := range map[string]struct {
		ids      [2]string
		systems  []System
		person   *System
		want     string // the student, or the code
		repaired bool
		says     string
	}{
		"exact":                  {ids: [2]string{"0000001234"}, want: "A"},
		"second system":          {ids: [2]string{"", "18"}, want: "B"},
		"two that agree":         {ids: [2]string{"0000001234", "17"}, want: "A"},
		"two that differ":        {ids: [2]string{"0000001234", "18"}, want: "VAL-STUDENT-DISAGREE", says: "State ID as State to one, Local ID as Local to another"},
		"ambiguous":              {ids: [2]string{"", "19"}, want: "VAL-STUDENT-AMBIGUOUS", says: "Local ID as Local"},
		"ambiguous beside one":   {ids: [2]string{"0000001234", "19"}, want: "VAL-STUDENT-AMBIGUOUS"},
		"unknown":                {ids: [2]string{"0000009999", "77"}, want: "VAL-STUDENT-UNKNOWN", says: "State ID and Local ID, tried as State, Local"},
		"unknown beside one":     {ids: [2]string{"0000009999", "17"}, want: "A"},
		"blank":                  {want: "VAL-STUDENT-MISSING", says: "State ID and Local ID are empty"},
		"case":                   {ids: [2]string{"x-1"}, want: "VAL-STUDENT-UNKNOWN"},
		"zeros lost":             {ids: [2]string{"5678"}, want: "B", repaired: true},
		"zeros added":            {ids: [2]string{"", "00017"}, want: "A", repaired: true},
		"decimal":                {ids: [2]string{"", "17.0"}, want: "A", repaired: true},
		"decimal of more zeros":  {ids: [2]string{"", "17.00"}, want: "A", repaired: true},
		"decimal and zeros":      {ids: [2]string{"5678.0"}, want: "B", repaired: true},
		"no decimal":             {ids: [2]string{"", "17.1"}, want: "VAL-STUDENT-UNKNOWN"},
		"repaired to two":        {ids: [2]string{"", "20"}, want: "VAL-STUDENT-AMBIGUOUS", says: "Local ID as Local"},
		"zeros alone":            {ids: [2]string{"", "00"}, want: "VAL-STUDENT-UNKNOWN"},
		"lost zeros hit another": {ids: [2]string{"1234"}, want: "VAL-STUDENT-DISAGREE", says: "State ID as State (with its zeros restored) to one, State ID as Local to another"},
		"but not beside one":     {ids: [2]string{"0000005678", "1234"}, want: "B"},
		"the same in one system": {ids: [2]string{"1234"}, systems: []System{state}, want: "A", repaired: true},
		"a person decided":       {ids: [2]string{"", "19"}, person: &crosswalk, want: "C"},
		"a person alone":         {ids: [2]string{"", "99"}, person: &crosswalk, want: "B"},
		"a person, repaired":     {ids: [2]string{"", "17"}, person: &crosswalk, want: "VAL-STUDENT-DISAGREE", says: "as crosswalk (with its zeros restored) to one, Local ID as Local to another"},
		"a person who agrees":    {ids: [2]string{"", "0055"}, person: &crosswalk, want: "A", repaired: true},
		"a person and another":   {ids: [2]string{"0000001234", "99"}, person: &crosswalk, want: "VAL-STUDENT-DISAGREE", says: "as crosswalk"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.systems == nil {
				c.systems = []System{state, local}
			}
			s := New(known, c.person, c.systems)
			match := s.For("results", columns)
			m := match(c.ids[:], nil)
			if got := m.Student + string(m.Code); got != c.want || m.How.Repaired != c.repaired || !strings.Contains(m.Message, c.says) {
				t.Errorf("%q, repaired %v: %s; want %q", got, m.How.Repaired, m.Message, c.want)
			}
			for _, id := range c.ids {
				if id != "" && m.Code != "" && strings.Contains(m.Message, id) {
					t.Errorf("the message shows an id: %s", m.Message)
				}
			}
		})
	}
}

// An id that a person gave to a student for some time is nobody's before and after it.
func TestIDsOfATime(t *testing.T) {
	roster := book{"2025-10-01 crosswalk 77": {"A"}, "2026-10-01 crosswalk 77": {"B"}}
	m := New(roster, &System{"crosswalk", []int{2}}, []System{local}).For("results", columns)
	for want, days := range map[string][]string{"A": {"2025-10-01"}, "B": {"2026-10-01"}, "VAL-STUDENT-UNKNOWN": {"2027-10-01"},
		"VAL-STUDENT-AMBIGUOUS": {"2025-10-01", "2027-10-01"}} {
		if got := m([]string{"77", ""}, days); got.Student+string(got.Code) != want {
			t.Errorf("on %v: %+v, want %s", days, got, want)
		}
	}
}

func TestOrderOfSystemsSaysByWhatAStudentIsKnown(t *testing.T) {
	for _, systems := range [][]System{{state, local}, {local, state}} {
		m := New(known, nil, systems).For("results", columns)([]string{"0000001234", "17"}, nil)
		if m.Student != "A" || m.How.System != 1 || m.How.Column != map[string]uint8{"State": 0, "Local": 1}[systems[0].Name] {
			t.Errorf("%v: %+v", systems, m)
		}
	}
}

func TestRosterThatCannotBeRead(t *testing.T) {
	s := New(known, nil, []System{state})
	s.For("results", columns)([]string{"broken", ""}, nil)
	if s.Err() == nil {
		t.Error("nothing is said")
	}
}

// measured is an Auto that has seen so many ids of a column, of which so many are known.
func measured(stored map[string]*Choice, ids, known int) *Auto {
	all := book{}
	a := &Auto{Students: New(all, nil, []System{{"State", []int{4}}, {"Local", []int{4}}}), Stored: stored, Min: 50, Today: "2026-11-21", Pull: "sluice roster pull --tenant gb"}
	for i := range ids {
		id := string([]byte{'1', byte('0' + i/100), byte('0' + i/10%10), byte('0' + i%10)})
		if i < known {
			all["Local "+id] = []string{"S" + id}
		}
		a.See("results", columns[1], id)
	}
	return a
}

func TestAutoChooses(t *testing.T) {
	a := measured(nil, 100, 98)
	a.See("results", columns[0], "nobody")
	if err := a.Decide("results"); err != nil {
		t.Fatal(err)
	}
	c := a.Students.Choices()["results"]
	if c.Column != "lo" || c.System != "Local" || c.Percent() != 98 || len(c.Measured) != 4 {
		t.Errorf("%+v", c)
	}
	if m := a.Students.For("results", columns)([]string{"1000", ""}, nil); m.Code != diag.StudentMissing || m.Column != "Local ID" {
		t.Errorf("the column that was not chosen is asked: %+v", m)
	}
	if m := a.Students.For("results", columns)([]string{"", "1000"}, nil); m.Student != "S1000" || m.How != (mapping.How{Column: 1, System: 2}) {
		t.Errorf("%+v", m)
	}
}

func TestAutoRefuses(t *testing.T) {
	before := func(matched int64) map[string]*Choice {
		return map[string]*Choice{"results": {Rate: Rate{Column: "lo", Header: "Local ID", System: "Local", IDs: 100, Matched: matched}, Chosen: "2026-09-01"}}
	}
	for name, c := range map[string]struct {
		auto *Auto
		want string
	}{
		"half":              {measured(nil, 100, 50), ""},
		"less than half":    {measured(nil, 100, 49), "less than 50% of the students of results are known: Local ID as Local: 49% of 100 ids; Local ID as State: 0%"},
		"ten points":        {measured(before(98), 100, 88), ""},
		"more":              {measured(before(98), 100, 87), "far fewer students of results are known than before: Local ID as Local: 87% of 100 ids; it was 98% of 100 when it was chosen on 2026-09-01"},
		"a few rows":        {measured(before(98), 3, 2), ""},
		"too few to count":  {measured(before(98), 19, 16), ""},
		"enough to count":   {measured(before(98), 20, 17), "far fewer students of results are known than before: Local ID as Local: 85% of 20 ids"},
		"few, and unknown":  {measured(before(98), 3, 1), "less than 50%"},
		"not below the min": {measured(before(55), 100, 48), "less than 50%"},
		"nothing to see":    {measured(before(98), 0, 0), ""},
	} {
		err := c.auto.Decide("results")
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if e, ok := diag.AsError(err); err != nil && (!ok || e.Code != diag.GuardMatch || e.Kind != diag.Guarded || !strings.Contains(e.Next, "sluice roster pull --tenant gb")) {
			t.Errorf("%s: %+v", name, e)
		}
	}
	gone := measured(map[string]*Choice{"results": {Rate: Rate{Column: "st", Header: "State ID", System: "District", IDs: 1, Matched: 1}}}, 10, 10)
	if err := gone.Decide("results"); err == nil || !strings.Contains(gone.anew(), "--rematch") {
		t.Error("a system that is gone is chosen")
	}
}
