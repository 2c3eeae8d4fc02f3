package match

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/sluice-edfi/sluice/pkg/roster"
)

// Unmatched is an id that no student has, or several, with what a row of it says of its student.
type Unmatched struct {
	ID     string
	Others []string // the other ids of the row
	Input  string
	Why    string // codes
	Line   int64  // of its first row, in the vendor's file
	Rows   int
	Facts

	Candidates []Candidate // the likeliest first
}

// Facts are what a row may tell of a student beside ids. Each may be empty.
type Facts struct {
	First, Last string
	Birth       string // a date, as the row has it
	School      string
	Grade       string
}

// Candidate is a student who an unmatched id may belong to. A person decides; nothing else uses it.
type Candidate struct {
	*roster.Student
	Enrollment roster.Enrollment // the one that agrees most, or the last
	Agrees     []string          // in what
	weight     int
}

// mostCandidates of an id are listed.
const mostCandidates = 5

// FactColumns finds by their headers the columns of a vendor's file that tell of a student.
type FactColumns struct{ first, last, birth, school, grade int }

// facts are how headers name what a row tells, the surest first.
var (
	ofOthers = regexp.MustCompile(`teacher|instructor|parent|guardian|proctor|examiner|educator|contact|staff|admin|counsel|class|principal`)
	firsts   = []*regexp.Regexp{regexp.MustCompile(`^(student)?(legal)?(first|given)name$`), regexp.MustCompile(`firstname|givenname|namefirst|^fname$|^first$`)}
	lasts    = []*regexp.Regexp{regexp.MustCompile(`^(student)?(legal)?(last|family|sur)(name)?$`), regexp.MustCompile(`lastname|lastsurname|surname|namelast|^lname$`)}
	births   = []*regexp.Regexp{regexp.MustCompile(`birthdate|dateofbirth|dob$|^dob`), regexp.MustCompile(`birth`)}
	schools  = []*regexp.Regexp{regexp.MustCompile(`school(state)?(id|code|number|num)$`), regexp.MustCompile(`school.*(id|code|number|num)`), regexp.MustCompile(`^school$`)}
	grades   = []*regexp.Regexp{regexp.MustCompile(`^(student|enrolled|current)?grade(level)?$`), regexp.MustCompile(`grade(level)?$`)}
)

// FactsIn finds the columns among headers. Those in except hold ids.
func FactsIn(headers, except []string) FactColumns {
	find := func(patterns []*regexp.Regexp) int {
		for _, p := range patterns {
			for i, h := range headers {
				if plain := lettersOf(h); p.MatchString(plain) && !ofOthers.MatchString(plain) && !slices.Contains(except, h) {
					return i
				}
			}
		}
		return -1
	}
	return FactColumns{find(firsts), find(lasts), find(births), find(schools), find(grades)}
}

// Of reads the facts of a row.
func (c FactColumns) Of(cells []string) Facts {
	at := func(i int) string {
		if i < 0 || i >= len(cells) {
			return ""
		}
		return strings.TrimSpace(cells[i])
	}
	return Facts{at(c.first), at(c.last), at(c.birth), at(c.school), at(c.grade)}
}

func lettersOf(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

// day is a date as the roster has it; a text that is none is empty.
func day(text string) string {
	if i := strings.IndexAny(text, "T "); i > 0 {
		text = text[:i]
	}
	for _, form := range []string{time.DateOnly, "1/2/2006", "20060102", "01022006", "1-2-2006", "2006/1/2"} {
		if d, err := time.Parse(form, text); err == nil {
			return d.Format(time.DateOnly)
		}
	}
	return ""
}

var gradeWords = []string{"kindergarten", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh", "twelfth"}

// grade is a grade so that 5, 05, 5th and Fifth grade are one.
func grade(text string) string {
	plain := strings.TrimSuffix(lettersOf(text), "grade")
	if i := slices.Index(gradeWords, plain); i >= 0 {
		return strconv.Itoa(i)
	}
	if plain == "k" || plain == "kg" {
		return "0"
	}
	if n, err := strconv.Atoi(strings.TrimRight(plain, "stndrh")); err == nil {
		return strconv.Itoa(n)
	}
	return plain
}

func initials(first, last string) string {
	if first == "" || last == "" {
		return ""
	}
	initial := func(s string) string { return string(unicode.ToLower([]rune(s)[0])) }
	return initial(first) + initial(last)
}

// Propose finds for each unmatched id the students that it may belong to: those who agree in two of birth date,
// initials, school and grade at least, one of them the birth date or the initials. each walks over all students.
func Propose(unmatched []*Unmatched, each func(func(*roster.Student) error) error) error {
	byBirth, byInitials := map[string][]*Unmatched{}, map[string][]*Unmatched{}
	for _, u := range unmatched {
		u.Birth = cmp.Or(day(u.Birth), u.Birth)
		if d := day(u.Birth); d != "" {
			byBirth[d] = append(byBirth[d], u)
		}
		if i := initials(u.First, u.Last); i != "" {
			byInitials[i] = append(byInitials[i], u)
		}
	}
	return each(func(s *roster.Student) error {
		for _, u := range byBirth[s.BirthDate] {
			u.consider(s)
		}
		for _, u := range byInitials[initials(s.FirstName, s.LastName)] {
			if u.Birth != s.BirthDate { // else it is among those above
				u.consider(s)
			}
		}
		return nil
	})
}

// consider takes a student among the candidates, if enough agrees.
func (u *Unmatched) consider(s *roster.Student) {
	c := Candidate{Student: s}
	if u.Birth != "" && u.Birth == s.BirthDate {
		c.agree("birth date", 8)
	}
	if i := initials(u.First, u.Last); i != "" && i == initials(s.FirstName, s.LastName) {
		c.agree("initials", 4)
	}
	best := 0
	var where []string
	for _, e := range s.Enrollments {
		weight, agrees := 0, []string(nil)
		if u.School != "" && strings.TrimLeft(u.School, "0") == strings.TrimLeft(e.School, "0") {
			weight, agrees = weight+2, append(agrees, "school")
		}
		if u.Grade != "" && grade(u.Grade) == grade(e.Grade) {
			weight, agrees = weight+1, append(agrees, "grade")
		}
		if weight >= best {
			best, where, c.Enrollment = weight, agrees, e
		}
	}
	c.weight, c.Agrees = c.weight+best, append(c.Agrees, where...)
	if len(c.Agrees) < 2 {
		return
	}
	u.Candidates = append(u.Candidates, c)
	slices.SortStableFunc(u.Candidates, func(a, b Candidate) int {
		return cmp.Or(cmp.Compare(b.weight, a.weight), cmp.Compare(a.UniqueID, b.UniqueID))
	})
	u.Candidates = u.Candidates[:min(len(u.Candidates), mostCandidates)]
}

func (c *Candidate) agree(in string, weight int) {
	c.Agrees, c.weight = append(c.Agrees, in), c.weight+weight
}
