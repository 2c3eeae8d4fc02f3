// Package roster owns the students of a tenant, kept in an index on disk: who they are, the ids that
// identification systems give them, and where they are enrolled. It answers whose id a value is, a very great
// number of times, in little memory.
//
// An index is one immutable file, complete or absent, written whole by a Writer. It knows nothing of mappings
// or runs, and nothing in it is guessed: an id is looked up as it stands.
package roster

import (
	"errors"
	"strings"
	"time"
)

// UniqueID is the identification system that every student has: the target's own key.
const UniqueID = "studentUniqueId"

// Crosswalk is the identification system of the ids that a person matched with students, unless the crosswalk
// names another.
const Crosswalk = "crosswalk"

// Student is what is known of one student. Dates are as in the API, 2026-09-01, or "".
type Student struct {
	UniqueID    string       `json:"studentUniqueId"`
	LastName    string       `json:"lastSurname,omitempty"`
	FirstName   string       `json:"firstName,omitempty"`
	BirthDate   string       `json:"birthDate,omitempty"`
	IDs         []ID         `json:"ids,omitempty"`
	Enrollments []Enrollment `json:"enrollments,omitempty"`

	Record Record   `json:"-"` // of the target, that says who the student is; zero if none was read
	Silent []Record `json:"-"` // those that could have had ids, and have none
}

// ID is a student's id in one identification system.
type ID struct {
	System string `json:"system"` // the descriptor's code, such as State
	Value  string `json:"value"`
	From   string `json:"effectiveDate,omitempty"` // the first day on which it counts, if the crosswalk says so
	Until  string `json:"endDate,omitempty"`       // the last day
	Own    bool   `json:"crosswalk,omitempty"`     // it is the tenant's own, from its crosswalk

	Record Record `json:"-"`
}

// On reports whether the id counts on a day; "" is any day.
func (i ID) On(day string) bool {
	return day == "" || (i.From == "" || i.From <= day) && (i.Until == "" || day <= i.Until)
}

// Enrollment is a time at a school.
type Enrollment struct {
	School     string `json:"schoolId"`
	Grade      string `json:"gradeLevel,omitempty"` // the descriptor's code, such as Fifth grade
	Entry      string `json:"entryDate,omitempty"`
	Exit       string `json:"exitWithdrawDate,omitempty"`
	SchoolYear string `json:"schoolYear,omitempty"`

	Record Record `json:"-"`
}

// Record tells apart the target's records that a roster was read from, so that one that changed or was deleted
// can be taken out again. The zero value is none.
type Record [16]byte

// System is an identification system and how much it knows.
type System struct {
	Name      string `json:"name"`
	Students  int64  `json:"students"`            // who have at least one id
	IDs       int64  `json:"ids"`                 // distinct ones
	Ambiguous int64  `json:"ambiguous,omitempty"` // ids that belong to several students
	Widths    []int  `json:"widths,omitempty"`    // the lengths of those that have digits alone
}

// About says what an index is.
type About struct {
	Digest      string    `json:"digest"` // of the students, not of the time or the way that they were read
	Written     time.Time `json:"written"`
	Students    int64     `json:"students"`
	Named       int64     `json:"named"` // students whose own record was read
	Enrollments int64     `json:"enrollments"`
	Coded       int64     `json:"coded"` // records that may have ids, read from the target
	Schools     int64     `json:"schools"`
	Systems     []System  `json:"systems"`           // studentUniqueId first
	Unknown     int64     `json:"unknown,omitempty"` // students whom only the crosswalk names: they are left out
	Origin      Origin    `json:"origin"`
}

// Origin says where the students of an index come from.
type Origin struct {
	From    string    `json:"from"`             // Pulled or Imported
	Pulled  time.Time `json:"pulled"`           // when what is known was true
	Target  string    `json:"target,omitempty"` // its identity
	Version int64     `json:"changeVersion,omitempty"`
	Unread  []string  `json:"unread,omitempty"` // resources that the credential may not read
	Codes   string    `json:"codes,omitempty"`  // the resource that has identification codes; empty: the data standard has none
}

// Kinds of origins.
const (
	Pulled   = "pull"
	Imported = "import"
)

// fold is a system's name as names are compared: the descriptor's code without regard to case.
func fold(system string) string {
	return strings.ToLower(Code(system))
}

// Code is the code of a descriptor value: what follows its last #.
func Code(descriptor string) string {
	return strings.TrimSpace(descriptor[strings.LastIndexByte(descriptor, '#')+1:])
}

// errDamaged is for a file that is not an index, or no longer one.
var errDamaged = errors.New("it is damaged, or not a roster that this version reads")
