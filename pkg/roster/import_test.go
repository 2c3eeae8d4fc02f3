package roster

import (
	"archive/zip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

func save(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// imported imports files and gives the students.
func imported(t *testing.T, o ImportOptions, files ...string) (*Import, []*Student) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "index")
	done, err := ImportFiles(path, files, o)
	if err != nil {
		e, _ := diag.AsError(err)
		t.Fatal(err, e.Problems)
	}
	x, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = x.Close() }()
	var all []*Student
	if err := x.Each(func(s *Student) error { all = append(all, s); return nil }); err != nil {
		t.Fatal(err)
	}
	return done, all
}

func TestImportCSV(t *testing.T) {
	dir := t.TempDir()
	save(t, dir, map[string]string{"a.csv": "\ufeffStudentUniqueID,State,id.nwea,Homeroom,SSN,lastSurname,firstName,birthDate,schoolId,gradeLevel,entryDate\r\n" +
		"1,S1,007,H,123,Ortega,Ana,2015-03-04,255901107,Fifth grade,2026-08-20\r\n\r\n2,,,,,\"Li, Jr.\",Bo,,,,\r\n1,S1b,,,,,,,255901108,,2026-10-01\r\n"})
	done, got := imported(t, ImportOptions{}, filepath.Join(dir, "a.csv"))
	want := []*Student{
		{UniqueID: "1", LastName: "Ortega", FirstName: "Ana", BirthDate: "2015-03-04", IDs: []ID{{System: "nwea", Value: "007"}, {System: "State", Value: "S1"}, {System: "State", Value: "S1b"}},
			Enrollments: []Enrollment{{School: "255901107", Grade: "Fifth grade", Entry: "2026-08-20"}, {School: "255901108", Entry: "2026-10-01"}}},
		{UniqueID: "2", LastName: "Li, Jr.", FirstName: "Bo"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !slices.Equal(done.Unread, []string{"Homeroom"}) || done.Left["SSN"] != 1 || done.Format != "csv" {
		t.Errorf("%+v", done)
	}
}

// All that is wrong is listed with line and value, and nothing is taken over.
func TestImportRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"no column":   {"id,State\n1,2\n", []string{":1: there is no column studentUniqueId"}},
		"semicolons":  {"studentUniqueId;State\n1;2\n", []string{"is separated by semicolons"}},
		"values":      {"studentUniqueId,birthDate,schoolId,entryDate\n1,3/4/2015,,\n,2015-01-01,,\n2,,,2026-08-20\n3,,\n", []string{`:2: birthDate "3/4/2015"`, ":3: studentUniqueId is blank", ":4: schoolId is blank", ":5: the line has 3 cells"}},
		"twice":       {"studentUniqueId,State,state\n1,2,3\n", []string{"two columns have this header"}},
		"quotes":      {"studentUniqueId,State\n1,\"a\"b\"\n", []string{":2: "}},
		"no students": {"studentUniqueId\n", []string{"no students"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			save(t, dir, map[string]string{"a.csv": c.text})
			_, err := ImportFiles(filepath.Join(dir, "index"), []string{filepath.Join(dir, "a.csv")}, ImportOptions{})
			e, ok := diag.AsError(err)
			if !ok {
				t.Fatal(err)
			}
			says := e.Error()
			for _, p := range e.Problems {
				says += "\n" + p.Pos().String() + ": " + p.Message
			}
			for _, want := range c.want {
				if !strings.Contains(says, want) {
					t.Errorf("%s\nlacks %s", says, want)
				}
			}
			if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
				t.Error(left, err)
			}
		})
	}
}

var oneRoster11 = map[string]string{
	"manifest.csv": "propertyName,value\nmanifest.version,1.0\noneroster.version,1.1\nfile.users,bulk\nfile.orgs,bulk\n",
	"orgs.csv":     "sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId\no1,,,District,district,255901,\no2,,,School,school,255901107,o1\n",
	"users.csv": "sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,userIds,givenName,familyName,middleName,identifier,email,sms,phone,agentSourcedIds,grades,password\n" +
		"u1,,,true,\"o1,o2\",student,a,\"{State:S1},{LDAP:a}\",Ana,Ortega,,1,,,,,05,\nu2,,,true,o2,teacher,t,,Tom,Teach,,9,,,,,,\nu3,tobedeleted,,true,o2,student,b,,Bo,Li,,2,,,,,05,\n",
	"enrollments.csv":  "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role,primary,beginDate,endDate\ne1,,,c1,o2,u1,student,,2026-08-20,2027-06-01\ne2,,,c2,o2,u1,student,,2026-08-20,2027-06-01\ne3,,,c1,o2,u2,teacher,,,\n",
	"demographics.csv": "sourcedId,status,dateLastModified,birthDate\nu1,,,2015-03-04\nu2,,,1980-01-01\n",
}

func TestImportOneRoster(t *testing.T) {
	dir := t.TempDir()
	save(t, dir, oneRoster11)
	want := []*Student{{UniqueID: "1", LastName: "Ortega", FirstName: "Ana", BirthDate: "2015-03-04",
		IDs:         []ID{{System: "identifier", Value: "1"}, {System: "LDAP", Value: "a"}, {System: "sourcedId", Value: "u1"}, {System: "State", Value: "S1"}},
		Enrollments: []Enrollment{{School: "255901107", Entry: "2026-08-20", Exit: "2027-06-01"}}}}
	done, got := imported(t, ImportOptions{}, dir)
	if diff := cmp.Diff(want, got); diff != "" || done.Format != "OneRoster 1.1" || done.Skipped == 0 {
		t.Error(diff, done)
	}
	want[0].UniqueID = "S1"
	if _, got = imported(t, ImportOptions{UniqueID: "userIds:State"}, dir); cmp.Diff(want, got) != "" {
		t.Error(cmp.Diff(want, got))
	}
	want[0].UniqueID = "u1"
	if err := os.Remove(filepath.Join(dir, "enrollments.csv")); err != nil {
		t.Fatal(err)
	}
	want[0].Enrollments = []Enrollment{{School: "255901107", Grade: "05"}}
	if _, got = imported(t, ImportOptions{UniqueID: "sourcedId"}, dir); cmp.Diff(want, got) != "" {
		t.Error(cmp.Diff(want, got))
	}
}

func TestImportOneRoster12(t *testing.T) {
	file := filepath.Join(t.TempDir(), "roster.zip")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	w := zip.NewWriter(f)
	for name, text := range map[string]string{
		"manifest.csv": "propertyName,value\noneroster.version,1.2\nfile.users,bulk\n",
		"orgs.csv":     "sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId\no2,,,School,school,255901107,\n",
		"users.csv":    "sourcedId,status,dateLastModified,enabledUser,username,userIds,givenName,familyName,middleName,identifier,userMasterIdentifier\nu1,,,true,a,,Ana,Ortega,,1,m1\nu2,,,true,t,,Tom,Teach,,9,\n",
		"roles.csv":    "sourcedId,status,dateLastModified,userSourcedId,roleType,role,beginDate,endDate,orgSourcedId\nr1,,,u1,primary,student,2026-08-20,,o2\nr2,,,u2,primary,teacher,,,o2\n",
	} {
		out, err := w.Create("export/" + name)
		if err == nil {
			_, err = out.Write([]byte(text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	want := []*Student{{UniqueID: "1", LastName: "Ortega", FirstName: "Ana",
		IDs:         []ID{{System: "identifier", Value: "1"}, {System: "sourcedId", Value: "u1"}, {System: "userMasterIdentifier", Value: "m1"}},
		Enrollments: []Enrollment{{School: "255901107", Entry: "2026-08-20"}}}}
	done, got := imported(t, ImportOptions{}, file)
	if diff := cmp.Diff(want, got); diff != "" || done.Format != "OneRoster 1.2" {
		t.Error(diff, done)
	}
}

func TestOneRosterRefuses(t *testing.T) {
	for name, c := range map[string]struct{ file, text, want string }{
		"delta":          {"manifest.csv", "propertyName,value\noneroster.version,1.1\nfile.users,delta\n", "only what changed"},
		"version":        {"manifest.csv", "propertyName,value\noneroster.version,1.0\n", `OneRoster "1.0"`},
		"no id":          {"users.csv", "sourcedId,role,givenName,familyName,identifier\nu1,student,Ana,Ortega,\n", ":2: identifier holds no studentUniqueId"},
		"no such school": {"enrollments.csv", "sourcedId,schoolSourcedId,userSourcedId,role\ne1,o9,u1,student\n", `:2: "o9": orgs.csv has no organization`},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			save(t, dir, oneRoster11)
			save(t, dir, map[string]string{c.file: c.text})
			_, err := ImportFiles(filepath.Join(t.TempDir(), "index"), []string{dir}, ImportOptions{})
			e, ok := diag.AsError(err)
			if !ok {
				t.Fatal(err)
			}
			says := e.Error()
			for _, p := range e.Problems {
				says += "\n" + p.Pos().String() + ": " + p.Message
			}
			if !strings.Contains(says, c.want) {
				t.Errorf("%s\nlacks %s", says, c.want)
			}
		})
	}
}

func TestReadCrosswalk(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "decided.csv")
	save(t, dir, map[string]string{"decided.csv": "StudentID,Name,studentUniqueId,effectiveDate,endDate\n17,Ana,1,,2026-06-30\n17,Bo,2,2026-07-01,\n18,Cy,,,\n"})
	form := CrosswalkForm{System: "nwea", IDs: []string{"StudentID"}}
	rows, undecided, err := ReadCrosswalk(file, file, form)
	want := []Own{{"nwea", "17", "1", "", "2026-06-30"}, {"nwea", "17", "2", "2026-07-01", ""}}
	if err != nil || undecided != 1 || !slices.Equal(rows, want) {
		t.Fatal(rows, undecided, err)
	}
	merged, added, replaced := MergeCrosswalk(rows, []Own{{"NWEA", "17", "3", "2026-08-01", ""}, {"nwea", "19", "1", "", ""}})
	if want := []Own{rows[0], {"NWEA", "17", "3", "2026-08-01", ""}, {"nwea", "19", "1", "", ""}}; !slices.Equal(merged, want) || added != 2 || replaced != 1 {
		t.Error(merged, added, replaced)
	}
	if again, added, replaced := MergeCrosswalk(rows, rows); !slices.Equal(again, rows) || added != 0 || replaced != 0 {
		t.Error(again, added, replaced)
	}
	save(t, dir, map[string]string{"decided.csv": "id,studentUniqueId,effectiveDate,endDate\n17,1,,\n17,2,2026-07-01,\n18,1,1/2/2026,\n19,1,2026-02-01,2026-01-01\n"})
	_, _, err = ReadCrosswalk(file, file, CrosswalkForm{})
	e, ok := diag.AsError(err)
	if !ok || len(e.Problems) != 3 || e.Problems[0].Line != 3 || e.Problems[1].Line != 4 || e.Problems[2].Line != 5 {
		t.Error(err, e)
	}
}
