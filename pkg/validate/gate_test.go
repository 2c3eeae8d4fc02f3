package validate

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/jsonl"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/target"
)

func TestAGoodRunPasses(t *testing.T) {
	r := newRun(t, own(map[string]string{
		"assessments":          lines(assessment("A")),
		"objectiveAssessments": lines(objective("A", "child", "top"), objective("A", "top", "")),
		"studentAssessments": lines(result("1", "A", "600001", append(score(method), "schoolYearTypeReference", raw(`{"schoolYear":2026}`),
			"reportedSchoolReference", raw(`{"schoolId":255901001}`), "whenAssessedGradeLevelDescriptor", "URI://ed-fi.org/GradeLevelDescriptor#third GRADE",
			"studentObjectiveAssessments", raw("["+obj("objectiveAssessmentReference", raw(obj("assessmentIdentifier", "A", "identificationCode", "child", "namespace", ns)))+"]"))...)),
	}))
	v, err := try(t, r, world(), Options{Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	if len(v.problems) > 0 {
		t.Errorf("%s", v)
	}
	p := r.Pass
	if p == nil || !p.Online || p.Tenant != "gb" || p.Target != "id" || p.Bundle != "b1" || p.DataStandard != "5.1" || !p.At.Equal(now) || len(p.Staged) != 5 {
		t.Fatalf("%+v", p)
	}
	for name, d := range r.Staged {
		if p.Staged[name] != d.SHA256 || p.Verdicts[name] != r.Verdicts[name].SHA256 {
			t.Errorf("%s: the pass is for other files", name)
		}
		got, err := jsonl.DigestFile(r.VerdictFile(name))
		if err != nil || got.SHA256 != r.Verdicts[name].SHA256 || got.Bytes != r.Verdicts[name].Lines {
			t.Errorf("%s: %+v %+v %v", name, got, r.Verdicts[name], err)
		}
	}
	if r.Target == nil || r.Target.Identity != "id" {
		t.Errorf("%+v", r.Target)
	}
}

func TestLinesThatAreNoRecords(t *testing.T) {
	good := assessment("A")
	v := judgeAll(t, map[string]string{
		"assessments":          "\ufeff" + good + "\n" + good + "\n\n   \n{\"a\":\n[]\nnull\n" + good + good + "\n" + `{"assessmentIdentifier":"B","assessmentIdentifier":"C"}` + "\n",
		"objectiveAssessments": "",
		"students":             strings.ReplaceAll(lines(strings.TrimSuffix(assessment("B"), "}")), "\n", ""),
		"assessmentItems":      "\r\n",
	}, world(), map[string]string{"assessments": "iviiiiiii", "objectiveAssessments": "", "students": "i", "assessmentItems": "i"})
	for line := 1; line <= 9; line++ {
		if line != 2 && !v.has(diag.RecordJSON, "assessments", line) {
			t.Errorf("line %d: no %s\n%s", line, diag.RecordJSON, v)
		}
	}
	first := slices.IndexFunc(v.problems, func(p diag.Problem) bool { return p.Resource == "assessments" })
	if p := v.problems[first]; p.Input != "results" || p.File != "/in/b.csv" || p.Line != 2 || p.Key != "" {
		t.Errorf("%+v", p)
	}
}

func TestLineEndsOfWindowsAreNoMatter(t *testing.T) {
	judgeAll(t, map[string]string{"assessments": assessment("A") + "\r\n" + assessment("B")}, world(), map[string]string{"assessments": "vv"})
}

func TestWhatTheSchemaSays(t *testing.T) {
	v := judgeAll(t, map[string]string{"assessments": lines(
		assessment("A", "revisionDate", "2026-02-30"),
		assessment("B", "assessmentVersion", raw("3000000000")),
		assessment("C", "assessmentTitel", "x"),
		assessment("D", "id", "0123"),
		assessment("E", "nomenclature", ""),
		assessment(strings.Repeat("x", 61)),
		assessment("G", "nomenclature", strings.Repeat("\U0001F600", 51)),
		assessment("H", "scores", raw(`[{"assessmentReportingMethodDescriptor":"uri://ed-fi.org/AssessmentReportingMethodDescriptor#Scale score"},{"assessmentReportingMethodDescriptor":"uri://ed-fi.org/AssessmentReportingMethodDescriptor#Scale score"}]`)),
	)}, world(), map[string]string{"assessments": "iiiiviii"})
	want := []string{
		"1 VAL-SCHEMA $.revisionDate", "2 VAL-SCHEMA $.assessmentVersion", "3 VAL-UNKNOWN-PROPERTY $.assessmentTitel", "4 VAL-SERVER-FIELD $.id",
		"5 VAL-PORTABLE $.nomenclature", "6 VAL-SCHEMA $.assessmentIdentifier", "7 VAL-SCHEMA $.nomenclature", "8 VAL-ITEM-TWICE $.scores[1]",
	}
	var got []string
	for _, p := range v.problems {
		got = append(got, fmt.Sprintf("%d %s %s", p.StagedLine, p.Code, p.Path))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s\n%s", diff, v)
	}
}

// What only some targets refuse is one warning for all records that have it.
func TestWhatSomeTargetsRefuse(t *testing.T) {
	var records []string
	for i := range 50 {
		records = append(records, assessment(fmt.Sprint("A", i), "nomenclature", "", "languages", raw(`[{"languageDescriptor":"uri://ed-fi.org/LanguageDescriptor#eng "}]`)))
	}
	v := judgeAll(t, map[string]string{"assessments": lines(records...)}, world(), nil)
	counts := map[string]int{}
	for _, p := range v.problems {
		if p.Code == diag.RecordPortable {
			counts[p.Path] = p.Count
		}
	}
	if diff := cmp.Diff(map[string]int{"$.nomenclature": 50, "$.languages[*].languageDescriptor": 50}, counts); diff != "" {
		t.Errorf("%s\n%s", diff, v)
	}
}

func TestDescriptors(t *testing.T) {
	const grade = "uri://ed-fi.org/GradeLevelDescriptor#"
	levels := func(uris ...string) []any {
		var items []string
		for _, u := range uris {
			items = append(items, obj("gradeLevelDescriptor", u))
		}
		return []any{"assessedGradeLevels", raw("[" + strings.Join(items, ",") + "]")}
	}
	v := judgeAll(t, own(map[string]string{"assessments": lines(
		assessment("A", levels(grade+"FIRST grade")...),
		assessment("B", levels(grade+"First grade#x")...),
		assessment("C", levels("uri://ed-fi.org/AcademicSubjectDescriptor#Reading")...), // exists, of another type
		assessment("D", levels(grade+"First grade", grade+"No such grade")...),
		assessment("E", "scores", raw(`[`+obj("assessmentReportingMethodDescriptor", strings.ToUpper(method))+`,`+
			obj("assessmentReportingMethodDescriptor", "uri://acme.org/AssessmentReportingMethodDescriptor#Other")+`]`)), // a good one does not hide a bad one
		assessment("F", "scores", raw(`[`+obj("assessmentReportingMethodDescriptor", method)+`]`)),
		assessment("G", levels(grade+"First grade ")...),
	)}), world(), map[string]string{"assessments": "viiiivi"})
	for _, p := range v.problems {
		if p.Resource != "assessments" || p.StagedLine != 4 {
			continue
		}
		if p.Code != diag.RecordDescriptor || p.Path != "$.assessedGradeLevels[1].gradeLevelDescriptor" || p.Value != grade+"No such grade" ||
			p.Key != "assessmentIdentifier=D, namespace="+ns || p.Line != 5 || p.Fix == "" {
			t.Errorf("%+v", p)
		}
	}
}

// A value that is not known comes with the one that was probably meant: of the target, of the run or, offline, of the
// standard.
func TestNearMissesOfDescriptors(t *testing.T) {
	const grade = "uri://ed-fi.org/GradeLevelDescriptor#"
	use := func(id, uri string) string {
		return assessment(id, "assessedGradeLevels", raw(`[`+obj("gradeLevelDescriptor", uri)+`]`))
	}
	staged := func() map[string]string {
		return map[string]string{"gradeLevelDescriptors": lines(descriptor("uri://acme.org/GradeLevelDescriptor#Hatchling")),
			"assessments": lines(use("A", grade+"Frist grade"), use("B", "uri://acme.org/GradeLevelDescriptor#Third grade"), use("C", grade+"First grade "),
				use("D", "uri://acme.org/GradeLevelDescriptor#Hatchlings"), use("E", grade+"xyzzy"))}
	}
	want := map[int]string{1: grade + "First grade", 2: grade + "Third grade", 3: grade + "First grade", 4: "uri://acme.org/GradeLevelDescriptor#Hatchling"}
	for name, target := range map[string]*fakeTarget{"online": world(), "offline": nil} {
		v := judgeAll(t, staged(), target, map[string]string{"assessments": "iiiii"})
		for _, p := range v.problems {
			near := ""
			if want[p.StagedLine] != "" {
				near = fmt.Sprintf(" (did you mean %q?)", want[p.StagedLine])
			}
			if p.Code == diag.RecordDescriptor && p.Resource == "assessments" && (!strings.HasSuffix(p.Message, near) || near == "" && strings.Contains(p.Message, "did you mean")) {
				t.Errorf("%s: line %d: %s, want%s", name, p.StagedLine, p.Message, near)
			}
		}
	}
}

func TestDescriptorsThatMayNotBeRead(t *testing.T) {
	f := world()
	f.forbidden["ed-fi/gradeLevelDescriptors"] = true
	v := judgeAll(t, map[string]string{"assessments": lines(assessment("A"),
		assessment("B", "assessedGradeLevels", raw(`[{"gradeLevelDescriptor":"uri://ed-fi.org/GradeLevelDescriptor#First grade"}]`)))}, f,
		map[string]string{"assessments": "vu"})
	if !v.has(diag.RecordUnchecked, "assessments", 2) || f.asked("PAGES ed-fi/gradeLevelDescriptors") != 1 {
		t.Errorf("%s", v)
	}
}

func TestInvalidDescriptorsMarkWhatUsesThem(t *testing.T) {
	staged := own(map[string]string{"studentAssessments": lines(result("1", "A", "600001", score(method)...), result("2", "A", "600001")), "assessments": lines(assessment("A"))})
	staged["assessmentReportingMethodDescriptors"] = lines(strings.Replace(descriptor(method), `"shortDescription"`, `"short"`, 1))
	v := judgeAll(t, staged, world(), map[string]string{"assessmentReportingMethodDescriptors": "i", "studentAssessments": "mv"})
	if c := v.counts.Resources["studentAssessments"]; c.Valid != 2 || c.Marked != 1 {
		t.Errorf("%+v", c)
	}
}

func TestDescriptorsThatDifferInCase(t *testing.T) {
	v := judgeAll(t, map[string]string{"performanceLevelDescriptors": lines(descriptor(level), descriptor("uri://"+strings.ToUpper(strings.TrimPrefix(level, "uri://"))))}, world(),
		map[string]string{"performanceLevelDescriptors": "vv"})
	if len(v.problems) != 1 || !v.has(diag.DescriptorCase, "performanceLevelDescriptors", 2) {
		t.Errorf("%s", v)
	}
}

func TestKeysThatDifferOnlyInCase(t *testing.T) {
	f := world()
	f.items["ed-fi/students"] = append(f.items["ed-fi/students"], student("ABC"), student("abc"))
	v := judgeAll(t, map[string]string{"assessments": lines(assessment("A"), assessment("a"), assessment("Ä"), assessment("ä"), assessment("b")),
		"studentAssessments": lines(result("r", "A", "ABC"), result("r", "A", "abc"), result("r", "A", "ABC"), result("R", "A", "aBC"))}, f,
		map[string]string{"assessments": "vvvvv", "studentAssessments": "vvdi"})
	var got []string
	for _, p := range v.problems {
		if p.Code == diag.RecordKeyCase {
			got = append(got, fmt.Sprintf("%s %d %s", p.Resource, p.StagedLine, p.Message))
		}
	}
	want := []string{"assessments 2 the natural key of staged line 1 differs only in upper and lower case", "assessments 4 the natural key of staged line 3 differs only in upper and lower case",
		"studentAssessments 2 the natural key of staged line 1 differs only in upper and lower case", "studentAssessments 4 the natural key of staged line 1 differs only in upper and lower case"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s\n%s", diff, v)
	}
}

// A letter with its accent may be one character or two: that looks the same, and is another key to most targets.
func TestKeysThatDifferOnlyInComposition(t *testing.T) {
	v := judgeAll(t, map[string]string{"assessments": lines(assessment("Espa\u00f1ol"), assessment("Espan\u0303ol"), assessment("ESPAN\u0303OL"), assessment("Espanol"))}, world(),
		map[string]string{"assessments": "vvvv"})
	for line, want := range map[int]bool{1: false, 2: true, 3: true, 4: false} {
		if v.has(diag.RecordKeyCase, "assessments", line) != want {
			t.Errorf("line %d\n%s", line, v)
		}
	}
}

func TestKeysThatStandTwice(t *testing.T) {
	equal := strings.Replace(assessment("B"), `{"assessmentIdentifier":"B",`, `{`, 1)
	equal = strings.TrimSuffix(equal, "}") + `,"assessmentIdentifier":"B"}` // another order of properties
	v := judgeAll(t, map[string]string{"assessments": lines(
		assessment("A"), assessment("B"), assessment("C"), assessment("A", "assessmentFamily", "x"), equal, assessment("D"), assessment("A"), assessment("B"),
	)}, world(), map[string]string{"assessments": "ivvidvid"})
	for line, code := range map[int]diag.Code{1: diag.RecordConflict, 4: diag.RecordConflict, 7: diag.RecordConflict, 5: diag.RecordDuplicate, 8: diag.RecordDuplicate} {
		if !v.has(code, "assessments", line) {
			t.Errorf("line %d: no %s\n%s", line, code, v)
		}
	}
	c := v.counts.Resources["assessments"]
	if c != (runs.Verdicts{Staged: 8, Valid: 5, Invalid: 3, Duplicate: 2}) {
		t.Errorf("%+v", c)
	}
	for _, p := range v.problems {
		if p.Code == diag.RecordDuplicate && p.Level != diag.LevelWarning {
			t.Errorf("%+v", p)
		}
	}
}

func TestKeysAreOfIdentityOnlyAndByPath(t *testing.T) {
	program := func(own, programs string) string {
		return obj("beginDate", "2026-01-01", "educationOrganizationReference", raw(`{"educationOrganizationId":`+own+`}`),
			"programReference", raw(obj("educationOrganizationId", raw(programs), "programName", "P", "programTypeDescriptor", "uri://ed-fi.org/ProgramTypeDescriptor#Athletics")),
			"studentReference", raw(`{"studentUniqueId":"600001"}`))
	}
	action := func(school string) string {
		return obj("disciplineActionIdentifier", "1", "disciplineDate", "2026-01-01", "studentReference", raw(`{"studentUniqueId":"600001"}`),
			"disciplines", raw(`[{"disciplineDescriptor":"uri://ed-fi.org/DisciplineDescriptor#Removal from Classroom"}]`),
			"responsibilitySchoolReference", raw(`{"schoolId":`+school+`}`))
	}
	v := judgeAll(t, map[string]string{
		"studentProgramAssociations": lines(program("255901", "255901001"), program("255901001", "255901")), // same leaf names, other paths: two records
		"disciplineActions":          lines(action("255901001"), action("255901002")),                       // a reference outside the key does not tell them apart
	}, world(), nil)
	if v.has(diag.RecordConflict, "studentProgramAssociations", 1) || v.has(diag.RecordDuplicate, "studentProgramAssociations", 2) {
		t.Errorf("two records are taken for one\n%s", v)
	}
	if !v.has(diag.RecordConflict, "disciplineActions", 1) || !v.has(diag.RecordConflict, "disciplineActions", 2) {
		t.Errorf("one key is taken for two\n%s", v)
	}
}

func TestReferencesToTheTarget(t *testing.T) {
	f := world()
	v := judgeAll(t, map[string]string{"assessments": lines(assessment("A")), "studentAssessments": lines(
		result("1", "A", "600001"),
		result("2", "A", "999999"),
		result("3", "A", "600001", "reportedSchoolReference", raw(`{"schoolId":255901001}`)), // role-named
		result("4", "A", "600001", "reportedSchoolReference", raw(`{"schoolId":1}`)),
		result("5", "B", "600001"),
		result("6", "A", "600001", "schoolYearTypeReference", raw(`{"schoolYear":1999}`)),
	)}, f, map[string]string{"studentAssessments": "viviii"})
	for _, line := range []int{2, 4, 5, 6} {
		if !v.has(diag.ReferenceMissing, "studentAssessments", line) {
			t.Errorf("line %d\n%s", line, v)
		}
	}
	for _, p := range v.problems {
		if p.StagedLine == 4 && (p.Path != "$.reportedSchoolReference" || p.Value != "schoolId=1" || !strings.Contains(p.Message, "schools")) {
			t.Errorf("%+v", p)
		}
	}
}

func TestReferencesToEducationOrganizations(t *testing.T) {
	at := func(id string) []any {
		return []any{"educationOrganizationReference", raw(`{"educationOrganizationId":` + id + `}`)}
	}
	for _, deaf := range []bool{false, true} {
		f := world()
		f.deaf = deaf
		judgeAll(t, map[string]string{"assessments": lines(assessment("A", at("255901001")...), assessment("B", at("255901")...), assessment("C", at("7")...))}, f,
			map[string]string{"assessments": "vvi"})
	}
	f := world()
	f.forbidden["ed-fi/schools"] = true
	v := judgeAll(t, map[string]string{"assessments": lines(assessment("A", at("255901001")...), assessment("B", at("255901")...))}, f,
		map[string]string{"assessments": "uv"})
	if !v.has(diag.ReferenceUnknown, "assessments", 1) {
		t.Errorf("%s", v)
	}
	judgeAll(t, map[string]string{
		"schools": lines(obj("schoolId", 5, "nameOfInstitution", "S", "educationOrganizationCategories", raw(`[{"educationOrganizationCategoryDescriptor":"uri://ed-fi.org/EducationOrganizationCategoryDescriptor#School"}]`),
			"gradeLevels", raw(`[{"gradeLevelDescriptor":"uri://ed-fi.org/GradeLevelDescriptor#First grade"}]`), "localEducationAgencyReference", raw(`{"localEducationAgencyId":255901}`))),
		"assessments": lines(assessment("A", at("5")...), assessment("B", at("6")...)),
	}, world(), map[string]string{"schools": "v", "assessments": "vi"})
}

func TestReferencesWithNestedKeys(t *testing.T) {
	f := world()
	course := []any{"localCourseCode", "ALG", "schoolId", 255901001, "schoolYear", 2026, "sessionName", "Fall"}
	f.items["ed-fi/courseOfferings"] = []string{obj("localCourseCode", "ALG", "schoolReference", raw(`{"schoolId":255901001}`),
		"sessionReference", raw(`{"schoolId":255901001,"schoolYear":2026,"sessionName":"Fall"}`))}
	member := func(section string) string {
		return obj("beginDate", "2026-01-01", "studentReference", raw(`{"studentUniqueId":"600001"}`),
			"sectionReference", raw(obj(append([]any{"sectionIdentifier", section}, course...)...)))
	}
	judgeAll(t, map[string]string{
		"sections":                   lines(obj("sectionIdentifier", "S1", "courseOfferingReference", raw(obj(course...)))),
		"studentSectionAssociations": lines(member("S1"), member("S2")),
	}, f, map[string]string{"sections": "v", "studentSectionAssociations": "vi"})
}

func TestCollectionsThatMayNotBeRead(t *testing.T) {
	f := world()
	f.forbidden["ed-fi/students"] = true
	v := judgeAll(t, map[string]string{"assessments": lines(assessment("A")), "studentAssessments": lines(result("1", "A", "600001"), result("2", "B", "600001"))}, f,
		map[string]string{"studentAssessments": "ui"})
	if !v.has(diag.ReferenceUnknown, "studentAssessments", 1) || v.counts.Resources["studentAssessments"].Unchecked != 1 || v.counts.OpenForTarget {
		t.Errorf("%s", v)
	}
}

func TestTheCheaperWayIsTaken(t *testing.T) {
	many := func(n int) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(result(fmt.Sprint(i), "A", fmt.Sprint(600000+i)) + "\n")
		}
		return b.String()
	}
	for _, test := range []struct {
		records, students int
		byKey             bool
	}{{2, 5000, true}, {40, 5000, true}, {60, 5000, false}, {10, 50, false}, {2_010, 100_000, false} /* more than are kept to be asked for by key */} {
		f := world()
		for i := 10; i < test.students; i++ {
			f.items["ed-fi/students"] = append(f.items["ed-fi/students"], student(fmt.Sprint(600000+i)))
		}
		judgeAll(t, map[string]string{"assessments": lines(assessment("A")), "studentAssessments": many(test.records)}, f,
			map[string]string{"studentAssessments": strings.Repeat("v", test.records)})
		if got := f.asked("PAGES ed-fi/students") == 0; got != test.byKey {
			t.Errorf("%d of %d: %v", test.records, test.students, f.requests)
		}
	}
}

func TestTargetsThatFoldCaseOrIgnoreParameters(t *testing.T) {
	f := world()
	f.items["ed-fi/students"] = []string{student("ABC"), student("DEF"), student("GHI")}
	staged := map[string]string{"assessments": lines(assessment("A")), "studentAssessments": lines(result("1", "A", "abc"), result("2", "A", "DEF"), result("3", "A", "x"))}
	judgeAll(t, staged, f, map[string]string{"studentAssessments": "ivi"})
	f.folds = true
	judgeAll(t, staged, f, map[string]string{"studentAssessments": "vvi"})
	f.folds, f.deaf = false, true
	judgeAll(t, staged, f, map[string]string{"studentAssessments": "ivi"})
	f.deaf, f.strict = false, true
	judgeAll(t, staged, f, map[string]string{"studentAssessments": "ivi"})
}

// However many they are: the whole collection, which is read then, does not show that the target folds case.
func TestManyReferencesInAnotherCase(t *testing.T) {
	f := world()
	f.items["ed-fi/students"] = nil
	var results []string
	for i := range 1000 {
		f.items["ed-fi/students"] = append(f.items["ed-fi/students"], student(fmt.Sprint("S", i)))
		results = append(results, result(fmt.Sprint(i), "A", fmt.Sprint("s", i+500)))
	}
	staged := map[string]string{"assessments": lines(assessment("A")), "studentAssessments": lines(results...)}
	judgeAll(t, staged, f, map[string]string{"studentAssessments": strings.Repeat("i", 1000)})
	if n := f.asked("GET ed-fi/students"); n > 20 {
		t.Errorf("%d questions", n)
	}
	f.folds = true
	judgeAll(t, staged, f, map[string]string{"studentAssessments": strings.Repeat("v", 500) + strings.Repeat("i", 500)})
}

// What is missing does not depend on how many references are open, nor on a target whose questions by
// key find nothing.
func TestTargetsThatFindNothingByKey(t *testing.T) {
	for open := 1; open <= 6; open++ {
		for _, blind := range []bool{false, true} {
			f := world()
			f.blind = blind
			var staged []string
			for i := range open {
				f.items["ed-fi/students"] = append(f.items["ed-fi/students"], student(fmt.Sprint(610000+i)))
				staged = append(staged, result(fmt.Sprint(i), "A", fmt.Sprint(610000+i)))
			}
			staged = append(staged, result("x", "A", "999999"))
			judgeAll(t, map[string]string{"assessments": lines(assessment("A")), "studentAssessments": lines(staged...)}, f,
				map[string]string{"studentAssessments": strings.Repeat("v", open) + "i"})
		}
	}
	f := world()
	f.blind, f.items["ed-fi/students"] = true, nil // where there is none, there is nothing to prove it by
	judgeAll(t, map[string]string{"assessments": lines(assessment("A")), "studentAssessments": lines(result("1", "A", "600001"))}, f,
		map[string]string{"studentAssessments": "i"})
}

func TestReferencesToStagedRecords(t *testing.T) {
	v := judgeAll(t, map[string]string{
		"assessments": lines(assessment("A"), assessment("B", "nonsense", 1)),
		"objectiveAssessments": lines(
			objective("A", "leaf", "middle"), objective("A", "middle", "top"), objective("A", "top", ""),
			objective("B", "x", ""), objective("B", "y", "x"),
			objective("A", "p", "q"), objective("A", "q", "p"), objective("A", "r", "q"), objective("A", "lost", "nowhere")),
		"studentAssessments": lines(result("1", "A", "600001"), result("2", "B", "600001"),
			result("3", "A", "600001", "studentObjectiveAssessments", raw("["+obj("objectiveAssessmentReference", raw(obj("assessmentIdentifier", "A", "identificationCode", "r", "namespace", ns)))+"]")),
			result("4", "A", "600001", "studentObjectiveAssessments", raw("["+obj("objectiveAssessmentReference", raw(obj("assessmentIdentifier", "B", "identificationCode", "x", "namespace", ns)))+"]")),
			result("5", "B", "999999"),
			result("6", "A", "600001", "studentObjectiveAssessments", raw("["+obj("objectiveAssessmentReference", raw(obj("assessmentIdentifier", "A", "identificationCode", "nowhere", "namespace", ns)))+"]"))),
	}, world(), map[string]string{"assessments": "vi", "objectiveAssessments": "vvvmmiimi", "studentAssessments": "vmmiii"})
	for resource, byLine := range map[string]map[int]diag.Code{
		"objectiveAssessments": {4: diag.ReferenceInvalid, 5: diag.ReferenceInvalid, 6: diag.ReferenceCycle, 8: diag.ReferenceInvalid, 9: diag.ReferenceMissing},
		"studentAssessments":   {2: diag.ReferenceInvalid, 3: diag.ReferenceInvalid, 4: diag.RecordPartsDiffer, 5: diag.ReferenceMissing, 6: diag.ReferenceMissing},
	} {
		for line, code := range byLine {
			if !v.has(code, resource, line) {
				t.Errorf("%s line %d: no %s\n%s", resource, line, code, v)
			}
		}
	}
}

func TestRecordsOfUncheckedParentsAreMarked(t *testing.T) {
	f := world()
	f.forbidden["ed-fi/schools"] = true
	judgeAll(t, map[string]string{
		"assessments":        lines(assessment("A", "educationOrganizationReference", raw(`{"educationOrganizationId":255901001}`))),
		"studentAssessments": lines(result("1", "A", "600001")),
	}, f, map[string]string{"assessments": "u", "studentAssessments": "m"})
}

func TestARecordWithManyFaultsCountsOnce(t *testing.T) {
	v := judgeAll(t, map[string]string{"studentAssessments": lines(result("1", "none", "999999", "a", 1, "b", 2))}, world(), map[string]string{"studentAssessments": "i"})
	if len(v.problems) < 4 || v.counts.Resources["studentAssessments"] != (runs.Verdicts{Staged: 1, Invalid: 1}) {
		t.Errorf("%s", v)
	}
}

func TestUnknownResources(t *testing.T) {
	v := judgeAll(t, map[string]string{"studentAssessment": lines("{}", "{}"), "assessments": lines(assessment("A"))}, world(),
		map[string]string{"studentAssessment": "ii", "assessments": "v"})
	p := v.problems[len(v.problems)-1]
	if p.Code != diag.ResourceUnknown || p.Count != 2 || !strings.Contains(p.Message, `"studentAssessments"`) {
		t.Errorf("%+v", p)
	}
}

func TestEditedFiles(t *testing.T) {
	staged := map[string]string{"assessments": lines(assessment("A"), assessment("B")), "objectiveAssessments": lines(objective("A", "x", ""))}
	r := newRun(t, staged)
	write := func(name, text string) {
		if err := os.WriteFile(r.StagedFile(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("assessments", lines(assessment("A"), assessment("B", "nonsense", 1)))             // same number of lines
	write("objectiveAssessments", lines(objective("A", "x", ""), objective("A", "y", "no"))) // one more
	write("schools", lines("{}"))                                                            // new
	v, err := try(t, r, world(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"assessments", "objectiveAssessments", "schools"} {
		if !v.has(diag.RecordEdited, name, 0) {
			t.Errorf("%s\n%s", name, v)
		}
	}
	if v.lines["assessments"] != "vi" || v.lines["objectiveAssessments"] != "vi" || v.lines["schools"] != "i" {
		t.Errorf("%s", v)
	}
	for _, p := range v.problems {
		switch {
		case p.Code == diag.RecordEdited && (p.Level != diag.LevelWarning || p.Count != 0):
			t.Errorf("%+v", p)
		case p.Resource == "assessments" && p.StagedLine == 2 && p.Line != 3, p.Resource == "objectiveAssessments" && p.StagedLine == 2 && p.Line != 0:
			t.Errorf("origin of %+v", p)
		}
	}
	if r.Pass.Staged["assessments"] == r.Staged["assessments"].SHA256 || r.Pass.Staged["schools"] == "" {
		t.Error("the pass is not for what stands there")
	}
}

func TestOffline(t *testing.T) {
	r := newRun(t, own(map[string]string{
		"assessments": lines(assessment("A"),
			assessment("B", "assessedGradeLevels", raw(`[{"gradeLevelDescriptor":"uri://ed-fi.org/GradeLevelDescriptor#no such"}]`)),
			assessment("C", "assessedGradeLevels", raw(`[{"gradeLevelDescriptor":"uri://state.gov/GradeLevelDescriptor#3"}]`)),
			assessment("D", "scores", raw(`[{"assessmentReportingMethodDescriptor":"uri://acme.org/AssessmentReportingMethodDescriptor#not staged"}]`))),
		"studentAssessments": lines(result("1", "A", "600001", score(method)...), result("2", "A", "600002"), result("3", "B", "600002")),
	}))
	v, err := try(t, r, nil, Options{Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	if v.lines["assessments"] != "viui" || v.lines["studentAssessments"] != "uuu" || !v.counts.OpenForTarget || v.counts.Online {
		t.Errorf("%+v\n%s", v.counts, v)
	}
	if r.Pass == nil || r.Pass.Online || r.Pass.Target != "" {
		t.Errorf("%+v", r.Pass)
	}
	sums := 0
	for _, p := range v.problems {
		if p.Code == diag.ReferenceUnknown {
			sums++
			if p.Count != 3 || p.Level != diag.LevelInfo || p.Path != "$.studentReference" {
				t.Errorf("%+v", p)
			}
		}
	}
	if sums != 1 {
		t.Errorf("%d\n%s", sums, v)
	}
}

func TestOfflineWhatWaitsIsNoFault(t *testing.T) {
	v, err := try(t, newRun(t, map[string]string{
		"assessments":          lines(assessment("A", "educationOrganizationReference", raw(`{"educationOrganizationId":255901001}`))),
		"objectiveAssessments": lines(objective("A", "x", "y"), objective("A", "y", "")),
	}), nil, Options{})
	if err != nil || !v.counts.OpenForTarget || v.lines["assessments"] != "u" || v.lines["objectiveAssessments"] != "uu" {
		t.Errorf("%v %s", err, v)
	}
}

// TestLostRecords: what transform staged and is not there any more must not pass for loaded.
func TestLostRecords(t *testing.T) {
	for what, lose := range map[string]func(path string) error{
		"a file": os.Remove,
		"a line": func(path string) error { return os.WriteFile(path, []byte(lines(assessment("A"))), 0o600) },
		"a tail": func(path string) error { return os.WriteFile(path, nil, 0o600) },
	} {
		r := newRun(t, map[string]string{"assessments": lines(assessment("A"), assessment("B")), "objectiveAssessments": lines(objective("A", "x", ""))})
		if err := lose(r.StagedFile("assessments")); err != nil {
			t.Fatal(err)
		}
		_, err := try(t, r, world(), Options{})
		e, ok := diag.AsError(err)
		if !ok || e.Kind != diag.Guarded || e.Code != diag.RecordEdited || !strings.Contains(e.Next, "transform") || !strings.Contains(e.Message, "assessments") {
			t.Errorf("%s: %v", what, err)
		}
		if r.Pass != nil {
			t.Errorf("%s: the run has a pass", what)
		}
		told := 0
		if err := r.EachProblem(runs.Validate, func(p diag.Problem) {
			if p.Code == diag.RecordEdited && p.Level == diag.LevelError {
				told++
			}
		}); err != nil || told != 1 {
			t.Errorf("%s: told %d times, %v", what, told, err)
		}
	}
}

func TestOfflineWithNothingOpen(t *testing.T) {
	v, err := try(t, newRun(t, map[string]string{"assessments": lines(assessment("A"))}), nil, Options{})
	if err != nil || v.counts.OpenForTarget || v.lines["assessments"] != "v" {
		t.Errorf("%v %+v", err, v)
	}
}

func TestWorkersDoNotShowInTheOutput(t *testing.T) {
	var records, objectives strings.Builder
	for i := range 1500 {
		more := []any{}
		switch i % 10 {
		case 1:
			more = score("uri://acme.org/AssessmentReportingMethodDescriptor#Scale score " + fmt.Sprint(i%3))
		case 2:
			more = []any{"administrationDate", "2026-13-01"}
		case 3:
			more = []any{"reportedSchoolReference", raw(fmt.Sprintf(`{"schoolId":%d}`, 255901000+i%7))}
		}
		records.WriteString(result(fmt.Sprint(i%1450), fmt.Sprint("A", i%4), fmt.Sprint(600000+i%12), more...) + "\n")
		objectives.WriteString(objective("A0", fmt.Sprint(i), fmt.Sprint((i*7)%1500)) + "\n")
	}
	staged := own(map[string]string{"assessments": lines(assessment("A0"), assessment("A1"), assessment("A2", "x", 1)), "studentAssessments": records.String(), "objectiveAssessments": objectives.String()})
	var first verdict
	var texts [2]string
	for workers := 1; workers <= 8; workers++ {
		r := newRun(t, staged)
		v, err := try(t, r, world(), Options{Workers: workers})
		if err != nil {
			t.Fatal(err)
		}
		var got [2]string
		for i, name := range []string{"validate.jsonl", "validate.csv"} {
			text, err := os.ReadFile(r.File("problems", name))
			if err != nil {
				t.Fatal(err)
			}
			got[i] = string(text)
		}
		if workers == 1 {
			first, texts = v, got
			continue
		}
		if d := cmp.Diff(first.lines, v.lines); d != "" {
			t.Errorf("%d workers: %s", workers, d)
		}
		if got != texts {
			t.Errorf("%d workers list other problems", workers)
		}
	}
}

func TestAnotherStandard(t *testing.T) {
	std, _ := standard()
	r := newRun(t, nil)
	r.DataStandard = "6.0"
	for _, test := range []struct{ embedded, says string }{{"5.1", "data_standard: \"5.1\""}, {"6.0", "a target with 5.1 cannot be loaded"}} {
		result, err := Run(t.Context(), Options{Run: r, Standard: std, Embedded: []string{test.embedded}})
		e, ok := diag.AsError(err)
		if !ok || e.Kind != diag.Guarded || e.Code != diag.StandardMismatch || !strings.Contains(e.Next, test.says) || result != nil {
			t.Errorf("%+v, %v", result, err)
		}
	}
}

func TestFailuresOfTheTargetEndTheRun(t *testing.T) {
	for _, test := range []struct {
		failure error
		kind    diag.Kind
		code    diag.Code
	}{
		{&target.Failure{Kind: target.Auth, Status: 401, Fix: "check the secret"}, diag.Refused, diag.AuthRefused},
		{&target.Failure{Kind: target.Transport, Detail: "no route"}, diag.CouldNotRun, diag.TargetUnreached},
		{&target.Failure{Kind: target.Server, Status: 503}, diag.CouldNotRun, diag.TargetServer},
		{&target.Failure{Kind: target.TooMany, Status: 429}, diag.CouldNotRun, diag.TargetBusy},
	} {
		f := world()
		f.failure = test.failure
		r := newRun(t, map[string]string{"assessments": lines(assessment("A"))})
		r.Pass = &runs.Pass{Online: true}
		_, err := try(t, r, f, Options{Workers: 2})
		e, ok := diag.AsError(err)
		if !ok || e.Kind != test.kind || e.Code != test.code || !errors.Is(err, test.failure) && !errors.As(err, new(*target.Failure)) {
			t.Errorf("%v: %+v", test.failure, err)
		}
		if r.Pass != nil {
			t.Errorf("%v: the old pass stands", test.failure)
		}
	}
}

func TestAnUnwritableRun(t *testing.T) {
	r := newRun(t, map[string]string{"assessments": lines(assessment("A"))})
	if err := os.WriteFile(r.File("verdicts"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(r.File("problems")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(r.File("problems"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := try(t, r, world(), Options{})
	if e, ok := diag.AsError(err); !ok || e.Kind != diag.CouldNotRun || e.Code != diag.MachineDisk {
		t.Errorf("%v", err)
	}
}
