package schema_test

import (
	"strings"
	"testing"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/schema"
)

// What generations refuse beyond the schema is an error where all that may judge the record refuse it, else a
// warning. The table is that of docs/validation.md.
func TestRulesOfGenerations(t *testing.T) {
	const all = schema.API5 | schema.API6 | schema.API7 | schema.DMS
	rules := []struct {
		name, resource, record string
		refused                schema.Generations
	}{
		{"blanks around a key", "studentAssessments", strings.Replace(minimalStudentAssessment, `"7781"`, `"7781 "`, 1), schema.API7 | schema.DMS},
		{"blanks around a part of a reference", "studentAssessments", strings.Replace(minimalStudentAssessment, `"604822"`, `" 604822"`, 1), schema.API7 | schema.DMS},
		{"markup", "assessments", with(minimalAssessment, `"nomenclature":"a<b>"`), schema.API7},
		{"true in quotes", "assessments", with(minimalAssessment, `"adaptiveAssessment":"true"`), schema.API5 | schema.API6},
		{"a date with slashes", "assessments", with(minimalAssessment, `"revisionDate":"3/4/2025"`), schema.API5 | schema.API6 | schema.API7},
		{"a time with a zone", "classPeriods", `{"classPeriodName":"1","schoolReference":{"schoolId":5},"meetingTimes":[{"startTime":"08:00Z","endTime":"08:45:00"}]}`, schema.API5 | schema.API6 | schema.API7},
		{"an odd namespace of a descriptor", "gradeLevelDescriptors", `{"namespace":"acme.org","codeValue":"K","shortDescription":"K"}`, schema.API7 | schema.DMS},

		{"a number in quotes", "studentAssessments", with(minimalStudentAssessment, `"assessedMinutes":"45"`), 0},
		{"an exponent", "assessments", with(minimalAssessment, `"maxRawScore":1e3`), 0},
		{"an empty reference", "studentAssessments", with(minimalStudentAssessment, `"reportedSchoolReference":{}`), 0},
		{"zero in a key", "studentAssessments", with(minimalStudentAssessment, `"reportedSchoolReference":{"schoolId":0}`), all},
		{"# in a code", "gradeLevelDescriptors", `{"namespace":"uri://acme.org/GradeLevelDescriptor","codeValue":"#","shortDescription":"K"}`, all},
		{"an id", "studentAssessments", with(minimalStudentAssessment, `"id":"1"`), all},
	}
	for _, g := range []schema.Generations{schema.API5, schema.API6, schema.API7, schema.DMS, schema.API7 | schema.DMS, all} {
		s := load(t)
		s.Generation = g
		for _, r := range rules {
			c, _ := s.Checker(r.resource)
			var rec schema.Record
			c.Check([]byte(r.record), &rec)
			worst := diag.Level(0)
			for _, f := range rec.Findings {
				if worst == 0 || f.Level < worst {
					worst = f.Level
				}
			}
			want := diag.LevelWarning
			if g&^r.refused == 0 {
				want = diag.LevelError
			}
			if worst != want {
				t.Errorf("%s, for %04b: level %d, want %d: %+v", r.name, g, worst, want, rec.Findings)
			}
		}
	}
}

func TestGenerationOf(t *testing.T) {
	for _, tt := range []struct {
		version, dataURL string
		want             schema.Generations
	}{
		{"5.3", "https://h/data/v3", schema.API5}, {"6.2", "https://h/data/v3/2026", schema.API6}, {"7.1.2", "https://h/2026/data/v3/", schema.API7},
		{"7.3", "", schema.API7}, {"8.0", "https://h/api/data", schema.DMS}, {"0.4.0", "https://h/api/data", schema.DMS}, {"", "https://h/data/", schema.DMS},
		{"", "https://h/data/v3/", 0}, {"", "", 0},
	} {
		if got := schema.GenerationOf(tt.version, tt.dataURL); got != tt.want {
			t.Errorf("GenerationOf(%q, %q) = %04b, want %04b", tt.version, tt.dataURL, got, tt.want)
		}
	}
}
