package sandbox

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-edfi/sluice/pkg/jsonl"
	"github.com/sluice-edfi/sluice/pkg/schema"
)

// The people and places that the sandbox knows: 100,000 students, each enrolled in one of the 100
// schools of one district, and with ids in the identification system State and, up to Data Standard 5.2, Local.
const (
	FirstStudent = 600000
	Students     = 100000
	FirstSchool  = 255901300
	Schools      = 100
	District     = 255901
)

const (
	entryDate   = "2021-08-16"
	gradeLevel  = "uri://ed-fi.org/GradeLevelDescriptor#"
	firstYear   = 1991 // of the school years that an ODS is installed with
	lastYear    = 2050
	currentYear = 2026
)

// seedTime is when everything that was there from the start was last modified.
var seedTime = time.Date(2024, 7, 1, 0, 0, 0, 0, time.UTC)

var (
	firstNames = []string{"Ada", "Ben", "Carla", "Dev", "Elena", "Femi", "Grace", "Hugo", "Ines", "Jonas", "Kira", "Liam", "Maya", "Noah", "Olga", "Priya", "Quinn", "Rosa", "Sam", "Tara", "Uma", "Viktor", "Wanda", "Xavier", "Yara", "Zane"}
	surnames   = []string{"Abbott", "Becker", "Castillo", "Dang", "Ellis", "Fofana", "Garza", "Hansen", "Ibarra", "Jensen", "Kowalski", "Lopez", "Mbeki", "Nguyen", "Okafor", "Patel", "Quintero", "Rossi", "Singh", "Tanaka", "Usman", "Vargas", "Walker"}
	grades     = []string{"Kindergarten", "First grade", "Second grade", "Third grade", "Fourth grade", "Fifth grade", "Sixth grade", "Seventh grade", "Eighth grade", "Ninth grade", "Tenth grade", "Eleventh grade", "Twelfth grade"}
)

// roster is the students, their enrollments, or their ids: so many that they are not stored until one is changed.
// Everything about them follows from the student's number, which also gives them numbers in the store
// below those of other records. Immutable.
type roster struct {
	first uint32                               // number in the store
	key   func(dst []byte, student int) []byte // appends the natural key
	body  func(student int) []byte
	id    int // which part of the key is the student's id
}

// Numbers of records: those of two rosters, of students that a file gives, of the third roster, and of all
// others. Stores have records with these numbers: they stay as they are.
const (
	rosterSize = Students
	firstGiven = 2 * rosterSize
	firstCodes = firstFree - rosterSize
	firstFree  = firstGiven + 1<<24
)

// hasInRoster says that a number is of one of the endpoint's roster.
func (e *endpoint) hasInRoster(n uint32) bool {
	return e.roster != nil && n >= e.roster.first && n < e.roster.first+rosterSize
}

// number is the number of the record with a key.
func (r *roster) number(text []byte) (uint32, bool) {
	part := text
	for range r.id + 1 {
		_, part, _ = bytes.Cut(part, []byte{0})
	}
	part, _, _ = bytes.Cut(part, []byte{0})
	id, err := strconv.Atoi(string(part))
	student := id - FirstStudent
	if err != nil || student < 0 || student >= Students {
		return 0, false
	}
	var room [256]byte
	return r.first + uint32(student), bytes.Equal(text, r.key(room[:0], student))
}

func school(student int) int { return FirstSchool + student%Schools }

func student(id string, n int) []byte {
	return fmt.Appendf(nil, `{"birthDate":"%d-%02d-%02d","firstName":"%s","lastSurname":"%s","studentUniqueId":%s}`,
		2008+n%13, 1+n%12, 1+n%28, firstNames[n%len(firstNames)], surnames[n/7%len(surnames)], jsonl.AppendString(nil, id))
}

// Ids of a student by identification system, and the descriptor's values. Those of Local begin with zeros.
const (
	systemDescriptor = "uri://ed-fi.org/StudentIdentificationSystemDescriptor#"
	codeState        = "State"
	codeLocal        = "Local"
)

func stateID(n int) string { return "48" + strconv.Itoa(FirstStudent+n) }
func localID(n int) string { return fmt.Sprintf("%07d", n) }

// addCodes gives students their ids: on a record of their own, in a standard that has it, or else on the
// association with the district.
func (m *model) addCodes(id func(n int) string) {
	e, ok := m.find("studentIdentificationCodes")
	body := func(n int) []byte {
		return fmt.Appendf(nil, `{"educationOrganizationReference":{"educationOrganizationId":%d},"identificationCode":"%s","studentIdentificationSystemDescriptor":"%s","studentReference":{"studentUniqueId":"%s"}}`,
			District, stateID(n), systemDescriptor+codeState, id(n))
	}
	parts := 3
	if !ok {
		if e, ok = m.find("studentEducationOrganizationAssociations"); ok && e.Root.ByName["studentIdentificationCodes"] != nil {
			parts, body = 2, m.association(e, id)
		}
	}
	if !ok || len(e.Identity) != parts {
		return
	}
	e.roster = m.ofStudents(e, firstCodes, body, func(part string, n int) string {
		switch part {
		case "studentUniqueId":
			return id(n)
		case "educationOrganizationId":
			return strconv.Itoa(District)
		}
		return systemDescriptor + codeState
	})
}

// ofStudents is a roster of records that have their student in their key; value gives the parts of the keys.
func (m *model) ofStudents(e *endpoint, first uint32, body func(n int) []byte, value func(part string, n int) string) *roster {
	return &roster{
		first: first,
		id:    slices.IndexFunc(e.Identity, func(p schema.KeyPart) bool { return p.Path.Leaf() == "studentUniqueId" }),
		key: func(dst []byte, n int) []byte {
			return m.appendKey(dst, e, func(i int) []byte { return []byte(value(e.Identity[i].Path.Leaf(), n)) })
		},
		body: body,
	}
}

// association is the body of a student's association with the district.
func (m *model) association(e *endpoint, id func(n int) string) func(n int) []byte {
	sex := func(int) string { return "" }
	if p := e.Root.ByName["sexDescriptor"]; p != nil && p.Required {
		sex = func(n int) string {
			return `"sexDescriptor":"uri://ed-fi.org/SexDescriptor#` + []string{"Female", "Male"}[n%2] + `",`
		}
	}
	const code = `{"assigningOrganizationIdentificationCode":"%s","identificationCode":"%s","studentIdentificationSystemDescriptor":"%s"}`
	return func(n int) []byte {
		return fmt.Appendf(nil, `{"educationOrganizationReference":{"educationOrganizationId":%d},%s"studentIdentificationCodes":[`+code+","+code+`],"studentReference":{"studentUniqueId":"%s"}}`,
			District, sex(n), codeState, stateID(n), systemDescriptor+codeState, codeLocal, localID(n), systemDescriptor+codeLocal, id(n))
	}
}

// addRosters gives students, enrollments and ids their rosters, in a standard that has them.
func (m *model) addRosters() {
	id := func(n int) string { return strconv.Itoa(FirstStudent + n) }
	m.addCodes(id)
	if e, ok := m.find("students"); ok && len(e.Identity) == 1 {
		e.roster = &roster{
			key:  func(dst []byte, n int) []byte { return m.appendKey(dst, e, func(int) []byte { return []byte(id(n)) }) },
			body: func(n int) []byte { return student(id(n), n) },
		}
	}
	e, ok := m.find("studentSchoolAssociations")
	if !ok || len(e.Identity) != 3 {
		return
	}
	body := func(n int) []byte {
		return fmt.Appendf(nil, `{"entryDate":"%s","entryGradeLevelDescriptor":"%s%s","schoolReference":{"schoolId":%d},"studentReference":{"studentUniqueId":"%s"}}`,
			entryDate, gradeLevel, grades[12-n%13], school(n), id(n))
	}
	e.roster = m.ofStudents(e, rosterSize, body, func(part string, n int) string {
		switch part {
		case "studentUniqueId":
			return id(n)
		case "schoolId":
			return strconv.Itoa(school(n))
		}
		return entryDate
	})
}

// seeds gives the records that a new store begins with: descriptors, school years, the district and its
// schools. One whose key is there already, or whose resource the standard does not have, is left out.
func (m *model) seeds(descriptors []schema.DescriptorValue, give func(e *entry, body []byte)) {
	keys := map[key]bool{}
	add := func(resource string, body []byte) {
		if e, ok := m.find(resource); ok {
			if s := m.seed(e, firstFree+uint32(len(keys)), body); !keys[s.key] {
				keys[s.key] = true
				give(s, body)
			}
		}
	}
	for _, d := range descriptors {
		if e, ok := m.byType[strings.ToLower(d.Type)]; ok {
			body := jsonl.AppendString([]byte(`{"codeValue":`), d.CodeValue)
			body = jsonl.AppendString(append(body, `,"namespace":`...), d.Namespace)
			body = jsonl.AppendString(append(body, `,"shortDescription":`...), d.CodeValue)
			add(e.Name, append(body, '}'))
		}
	}
	for y := firstYear; y <= lastYear; y++ {
		add("schoolYearTypes", fmt.Appendf(nil, `{"currentSchoolYear":%t,"schoolYear":%d,"schoolYearDescription":"%d-%d"}`, y == currentYear, y, y-1, y))
	}
	const category = "uri://ed-fi.org/EducationOrganizationCategoryDescriptor#"
	add("localEducationAgencies", toJSON(object{"localEducationAgencyId": District, "nameOfInstitution": "Sandbox District",
		"localEducationAgencyCategoryDescriptor": "uri://ed-fi.org/LocalEducationAgencyCategoryDescriptor#Independent",
		"categories":                             []object{{"educationOrganizationCategoryDescriptor": category + "Local Education Agency"}}}))
	levels := []object{}
	for _, g := range grades {
		levels = append(levels, object{"gradeLevelDescriptor": gradeLevel + g})
	}
	for n := range Schools {
		add("schools", toJSON(object{"schoolId": FirstSchool + n, "nameOfInstitution": fmt.Sprintf("Sandbox School %02d", n),
			"localEducationAgencyReference":   object{"localEducationAgencyId": District},
			"educationOrganizationCategories": []object{{"educationOrganizationCategoryDescriptor": category + "School"}}, "gradeLevels": levels}))
	}
}

// seed is a record that was there from the start.
func (m *model) seed(e *endpoint, number uint32, body []byte) *entry {
	rec, _, err := decode(body, e.Root, &arena{})
	if err != nil { // the sandbox wrote it
		panic(err)
	}
	s := newEntry(e, m.appendRecordKey(nil, e, rec))
	s.number, s.version, s.modified, s.value = number, seedVersion, seedTime.UnixNano(), e.descriptorValue(rec)
	return &s
}

// addStudents adds the students of a CSV file with a column studentUniqueId that are not in the roster.
// The store knows them as long as the file is given: only their changes go into the log, which is read
// after this.
func (s *store) addStudents(path string) error {
	e, ok := s.model.find("students")
	if !ok {
		return errors.New("the data standard has no students")
	}
	ids, err := readStudents(path)
	if err != nil {
		return err
	}
	for n, id := range ids {
		body := student(id, n)
		r := s.model.seed(e, firstGiven+uint32(n), body)
		if _, known := s.find(e, r.key); !known {
			s.keep(r, body)
		}
	}
	return nil
}

// readStudents reads the column studentUniqueId. What it says of a file shows nothing of what the file holds.
func readStudents(path string) ([]string, error) {
	unusable := func(err error) error { return &FileError{Path: path, Students: true, Err: err} }
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, unusable(err)
	}
	rows := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff"))))
	rows.FieldsPerRecord = -1
	head, err := rows.Read()
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, unusable(err)
	}
	column := slices.IndexFunc(head, func(name string) bool { return strings.EqualFold(strings.TrimSpace(name), "studentUniqueId") })
	if column < 0 {
		return nil, unusable(errors.New("its first line has no column studentUniqueId"))
	}
	var ids []string
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return ids, nil
		}
		if err != nil {
			return nil, unusable(err)
		}
		if column >= len(row) || strings.TrimSpace(row[column]) == "" {
			line, _ := rows.FieldPos(0)
			return nil, unusable(fmt.Errorf("there is no studentUniqueId in line %d", line))
		}
		ids = append(ids, strings.TrimSpace(row[column]))
	}
}
