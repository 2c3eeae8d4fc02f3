package sandbox

import (
	"bytes"
	"encoding/binary"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

// The roster: 100,000 students, each enrolled in one of the 100 schools of one district. Students and
// enrollments are computed when asked for; everything about them follows from the student's number.
const (
	firstStudent = 600000
	studentCount = 100000
	firstSchool  = 255901300
	schoolCount  = 100
	districtID   = 255901
	entryDate    = "2021-08-16"
	firstYear    = 1991 // of the school years that an ODS is installed with
	lastYear     = 2050
	currentYear  = 2026
)

// seedTime is when everything that was there from the start was last modified.
var seedTime = time.Date(2024, 7, 1, 0, 0, 0, 0, time.UTC)

var (
	firstNames = []string{"Ada", "Ben", "Carla", "Dev", "Elena", "Femi", "Grace", "Hugo", "Ines", "Jonas", "Kira", "Liam", "Maya", "Noah", "Olga", "Priya", "Quinn", "Rosa", "Sam", "Tara", "Uma", "Viktor", "Wanda", "Xavier", "Yara", "Zane"}
	surnames   = []string{"Abbott", "Becker", "Castillo", "Dang", "Ellis", "Fofana", "Garza", "Hansen", "Ibarra", "Jensen", "Kowalski", "Lopez", "Mbeki", "Nguyen", "Okafor", "Patel", "Quintero", "Rossi", "Singh", "Tanaka", "Usman", "Vargas", "Walker"}
	grades     = []string{"Kindergarten", "First grade", "Second grade", "Third grade", "Fourth grade", "Fifth grade", "Sixth grade", "Seventh grade", "Eighth grade", "Ninth grade", "Tenth grade", "Eleventh grade", "Twelfth grade"}
)

// virtualRange is an endpoint's records that exist without being stored. Immutable.
type virtualRange struct {
	mark   byte
	count  int
	number func(parts [][]byte) (int, bool) // which record has a key of these parts
	body   func(dst []byte, n int) []byte
}

func (v *virtualRange) key(n int) key {
	k := key{keyVirtual, v.mark}
	binary.BigEndian.PutUint32(k[12:], uint32(n))
	return k
}

// decode is the number of the record that k means.
func (v *virtualRange) decode(k key) (int, bool) {
	n := int(binary.BigEndian.Uint32(k[12:]))
	return n, n < v.count && k == v.key(n)
}

func (v *virtualRange) item(e *endpoint, n int) item {
	s := slot{key: v.key(n), version: seedVersion, modified: seedTime.UnixNano(), endpoint: e.index, live: true}
	return item{endpoint: e, slot: s, number: int32(n), virtual: true}
}

// inRange says that k is the key of one of the endpoint's virtual records.
func (e *endpoint) inRange(k key) bool {
	if e.virtual == nil {
		return false
	}
	_, ok := e.virtual.decode(k)
	return ok
}

// studentNumber reads a studentUniqueId of the roster.
func studentNumber(id []byte) (int, bool) {
	n, err := strconv.Atoi(string(id))
	n -= firstStudent
	return n, err == nil && len(id) == 6 && n >= 0 && n < studentCount
}

func schoolOf(n int) int { return firstSchool + n%schoolCount }

func appendStudent(dst []byte, id string, n int) []byte {
	born := 2008 + n%13
	return fmt.Appendf(dst, `{"studentUniqueId":%s,"firstName":"%s","lastSurname":"%s","birthDate":"%d-%02d-%02d"}`,
		appendQuoted(nil, []byte(id)), firstNames[n%len(firstNames)], surnames[n/7%len(surnames)], born, 1+n%12, 1+n%28)
}

// addRoster gives students and enrollments their virtual ranges.
func (m *model) addRoster() {
	if e, ok := m.find("students"); ok && len(e.key) == 1 {
		e.virtual = &virtualRange{
			mark: 'S', count: studentCount,
			number: func(parts [][]byte) (int, bool) { return studentNumber(parts[0]) },
			body: func(dst []byte, n int) []byte {
				return appendStudent(dst, strconv.Itoa(firstStudent+n), n)
			},
		}
	}
	e, ok := m.find("studentSchoolAssociations")
	if !ok || len(e.key) != 3 {
		return
	}
	place := map[string]int{}
	for i, p := range e.Identity {
		place[p.Path.Leaf()] = i
	}
	e.virtual = &virtualRange{
		mark: 'A', count: studentCount,
		number: func(parts [][]byte) (int, bool) {
			n, ok := studentNumber(parts[place["studentUniqueId"]])
			return n, ok && string(parts[place["entryDate"]]) == entryDate &&
				string(parts[place["schoolId"]]) == strconv.Itoa(schoolOf(n))
		},
		body: func(dst []byte, n int) []byte {
			return fmt.Appendf(dst, `{"entryDate":"%s","schoolReference":{"schoolId":%d},"studentReference":{"studentUniqueId":"%d"},`+
				`"entryGradeLevelDescriptor":"uri://ed-fi.org/GradeLevelDescriptor#%s"}`,
				entryDate, schoolOf(n), firstStudent+n, grades[12-n%13])
		},
	}
}

// plant puts the seeds into the store: standard descriptors, school years, the district, its schools,
// and the students of the options' file.
func (s *store) plant(o *Options) error {
	s.model.addRoster()
	p := planter{store: s, record: &record{foldKeys: o.FoldKeys}}
	for _, d := range o.Descriptors {
		if e, ok := s.model.byType[strings.ToLower(d.Type)]; ok {
			text := d.Namespace + "#" + d.CodeValue
			k := p.add(e, fmt.Appendf(nil, `{"namespace":%s,"codeValue":%s,"shortDescription":%s}`, appendQuoted(nil, []byte(d.Namespace)),
				appendQuoted(nil, []byte(d.CodeValue)), appendQuoted(nil, []byte(d.CodeValue))))
			e.values.set(k, text)
		}
	}
	if e, ok := s.model.find("schoolYearTypes"); ok {
		for y := firstYear; y <= lastYear; y++ {
			p.add(e, fmt.Appendf(nil, `{"schoolYear":%d,"currentSchoolYear":%t,"schoolYearDescription":"%d-%d"}`, y, y == currentYear, y-1, y))
		}
	}
	if e, ok := s.model.find("localEducationAgencies"); ok {
		p.add(e, fmt.Appendf(nil, `{"localEducationAgencyId":%d,"nameOfInstitution":"Sandbox District",`+
			`"localEducationAgencyCategoryDescriptor":"uri://ed-fi.org/LocalEducationAgencyCategoryDescriptor#Independent",`+
			`"categories":[{"educationOrganizationCategoryDescriptor":"uri://ed-fi.org/EducationOrganizationCategoryDescriptor#Local Education Agency"}]}`, districtID))
	}
	if e, ok := s.model.find("schools"); ok {
		for n := range schoolCount {
			p.add(e, appendSchool(nil, n))
		}
	}
	if o.Students != "" {
		return p.addStudents(o.Students)
	}
	return p.err
}

func appendSchool(dst []byte, n int) []byte {
	dst = fmt.Appendf(dst, `{"schoolId":%d,"nameOfInstitution":"Sandbox School %02d","localEducationAgencyReference":{"localEducationAgencyId":%d},`+
		`"educationOrganizationCategories":[{"educationOrganizationCategoryDescriptor":"uri://ed-fi.org/EducationOrganizationCategoryDescriptor#School"}],"gradeLevels":[`,
		firstSchool+n, n, districtID)
	for i, g := range grades {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = fmt.Appendf(dst, `{"gradeLevelDescriptor":"uri://ed-fi.org/GradeLevelDescriptor#%s"}`, g)
	}
	return append(dst, "]}"...)
}

// planter adds seeds to a store that is being opened.
type planter struct {
	store  *store
	record *record
	err    error
}

// add adds a seed; one whose key is there already is left out.
func (p *planter) add(e *endpoint, body []byte) key {
	p.record.body = body
	if err := p.record.begin(e); err != nil {
		p.err = errors.Join(p.err, fmt.Errorf("seed of %s: %w", e.Name, err))
		return key{}
	}
	k := p.record.recordKey(e)
	s := p.store
	if _, ok := s.index[k]; ok {
		return k
	}
	s.bodies = append(s.bodies, body)
	s.seeds = append(s.seeds, slot{
		key: k, offset: -int64(len(s.bodies)), version: seedVersion, modified: s.modified, endpoint: e.index, live: true,
	})
	n := ^int32(len(s.seeds) - 1)
	s.index[k] = n
	s.order[e.index] = append(s.order[e.index], n)
	return k
}

// addStudents adds the students of a CSV file with a column studentUniqueId.
func (p *planter) addStudents(path string) error {
	e, ok := p.store.model.find("students")
	if !ok {
		return errors.New("the data standard has no students")
	}
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("read the students file: %w", err)
	}
	defer f.Close()
	rows := csv.NewReader(f)
	rows.FieldsPerRecord = -1
	head, err := rows.Read()
	if err != nil {
		return fmt.Errorf("read the students file %s: %w", path, err)
	}
	column := -1
	for i, name := range head {
		if strings.EqualFold(strings.TrimSpace(strings.TrimPrefix(name, "\ufeff")), "studentUniqueId") {
			column = i
		}
	}
	if column < 0 {
		return fmt.Errorf("the students file %s has no column studentUniqueId; its first line is %q", path, strings.Join(head, ","))
	}
	for n := 0; ; n++ {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return p.err
		}
		if err != nil {
			return fmt.Errorf("read the students file %s: %w", path, err)
		}
		line, _ := rows.FieldPos(0)
		if column >= len(row) || strings.TrimSpace(row[column]) == "" {
			return fmt.Errorf("the students file %s has no studentUniqueId in line %d", path, line)
		}
		id := strings.TrimSpace(row[column])
		if _, virtual := studentNumber([]byte(id)); !virtual {
			p.add(e, appendStudent(nil, id, n))
		}
	}
}

// descriptorText is the value of a descriptor's record.
func descriptorText(e *endpoint, body []byte) (string, error) {
	r := record{body: body}
	if err := r.begin(e); err != nil {
		return "", fmt.Errorf("record of %s: %w", e.Name, err)
	}
	return r.descriptorText(e), nil
}

// descriptorText is the value of the descriptor's record in r.
func (r *record) descriptorText(e *endpoint) string {
	text := func(name string) []byte { return r.tree.nodes[r.tree.member(0, e.root.byName[name])].text }
	return string(bytes.Join([][]byte{text("namespace"), text("codeValue")}, []byte("#")))
}
