package roster

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
)

// errForm is for a record whose properties are not of the API's types. It says nothing of what they hold.
var errForm = errors.New("a property does not have the form that the API documents")

func unpack(item []byte, into any) error {
	if json.Unmarshal(item, into) != nil {
		return errForm
	}
	return nil
}

type reference struct {
	UniqueID string `json:"studentUniqueId"`
}

func (p *pull) student(record Record, item []byte) (*Student, error) {
	var r struct {
		UniqueID  string `json:"studentUniqueId"`
		LastName  string `json:"lastSurname"`
		FirstName string `json:"firstName"`
		BirthDate string `json:"birthDate"`
	}
	err := unpack(item, &r)
	if p.done.Whole == "" {
		p.changed.Add(recordOf(renamed, r.UniqueID)) // also if it was deleted and made again
	}
	return &Student{UniqueID: r.UniqueID, LastName: r.LastName, FirstName: r.FirstName, BirthDate: day(r.BirthDate), Record: record}, err
}

// day is a date without the time that some targets write behind it.
func day(text string) string { return text[:min(len(text), len("2006-01-02"))] }

func (p *pull) enrollment(record Record, item []byte) (*Student, error) {
	var r struct {
		EntryDate string    `json:"entryDate"`
		ExitDate  string    `json:"exitWithdrawDate"`
		Grade     string    `json:"entryGradeLevelDescriptor"`
		Student   reference `json:"studentReference"`
		School    struct {
			ID json.Number `json:"schoolId"`
		} `json:"schoolReference"`
		Year struct {
			SchoolYear int `json:"schoolYear"`
		} `json:"schoolYearTypeReference"`
	}
	err := unpack(item, &r)
	e := Enrollment{School: r.School.ID.String(), Grade: Code(r.Grade), Entry: day(r.EntryDate), Exit: day(r.ExitDate), Record: record}
	if r.Year.SchoolYear != 0 {
		e.SchoolYear = strconv.Itoa(r.Year.SchoolYear)
	}
	return &Student{UniqueID: r.Student.UniqueID, Enrollments: []Enrollment{e}}, err
}

type identificationCode struct {
	System string `json:"studentIdentificationSystemDescriptor"`
	Code   string `json:"identificationCode"`
}

// coded is a student with those codes that are kept.
func (p *pull) coded(student string, record Record, codes ...identificationCode) *Student {
	s := &Student{UniqueID: student}
	for _, c := range codes {
		if slices.Contains(unkept, fold(c.System)) {
			p.done.Left[Code(c.System)]++
			continue
		}
		if id := strings.TrimSpace(c.Code); id != "" && fold(c.System) != "" {
			s.IDs = append(s.IDs, ID{System: Code(c.System), Value: id, Record: record})
		}
	}
	if s.IDs == nil {
		s.Silent = []Record{record}
	}
	return s
}

func (p *pull) code(record Record, item []byte) (*Student, error) {
	var r struct {
		identificationCode
		Student reference `json:"studentReference"`
	}
	err := unpack(item, &r)
	return p.coded(r.Student.UniqueID, record, r.identificationCode), err
}

func (p *pull) association(record Record, item []byte) (*Student, error) {
	var r struct {
		Student reference            `json:"studentReference"`
		Codes   []identificationCode `json:"studentIdentificationCodes"`
	}
	err := unpack(item, &r)
	return p.coded(r.Student.UniqueID, record, r.Codes...), err
}
