package roster

import (
	"archive/zip"
	"cmp"
	"errors"
	"io"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/table"
)

// onePackage is a OneRoster package: files by their names.
type onePackage struct {
	name    string
	open    map[string]func() (io.ReadCloser, error)
	close   func() error
	version string
}

// openPackage opens a folder or a ZIP file as a OneRoster package; nil: the file is neither.
func openPackage(file string) (*onePackage, error) {
	p := &onePackage{name: file, open: map[string]func() (io.ReadCloser, error){}, close: func() error { return nil }}
	info, err := os.Stat(file)
	switch {
	case err == nil && info.IsDir():
		entries, err := os.ReadDir(file)
		if err != nil {
			return nil, diag.FailWith(err, diag.Usage, diag.ConfigFile, "Check the folder's permissions.", "%s cannot be read", file)
		}
		folder := os.DirFS(file)
		for _, e := range entries {
			p.open[strings.ToLower(e.Name())] = func() (io.ReadCloser, error) { return folder.Open(e.Name()) }
		}
	case err == nil && strings.EqualFold(path.Ext(file), ".zip"):
		archive, err := zip.OpenReader(file)
		if err != nil {
			return nil, diag.FailWith(err, diag.Usage, diag.ConfigFile, "Check that it is the file that was exported.", "%s is not a ZIP file that can be read", file)
		}
		p.close = archive.Close
		for _, f := range archive.File {
			if name := strings.ToLower(path.Base(f.Name)); !strings.HasPrefix(f.Name, "__MACOSX/") && !f.FileInfo().IsDir() {
				if p.open[name] != nil {
					return nil, errors.Join(diag.Fail(diag.Usage, diag.ConfigFile, "Pack a single OneRoster export.", "%s holds two files %s", file, path.Base(f.Name)), archive.Close())
				}
				p.open[name] = f.Open
			}
		}
	default:
		return nil, nil
	}
	if p.open["users.csv"] == nil {
		return nil, errors.Join(diag.Fail(diag.Usage, diag.ConfigFile, "Name a CSV file, or a OneRoster package with users.csv, orgs.csv and enrollments.csv.",
			"%s is not a OneRoster package: it has no users.csv", file), p.close())
	}
	return p, nil
}

// eachRow reads a file of the package; one that is not there has no rows. Rows marked as deleted are passed over.
func (in *importing) eachRow(p *onePackage, file string, need []string, use func(row) error) (err error) {
	open := p.open[file]
	if open == nil {
		return nil
	}
	name := p.name + "/" + file
	f, err := open()
	if err != nil {
		return diag.FailWith(err, diag.Usage, diag.ConfigFile, "Check that the package is whole.", "%s cannot be read", name)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	r, err := table.OpenReader(name, f, table.Options{})
	if err != nil {
		return err
	}
	return in.rows(name, r, func(c *columns) { c.need(need...) }, func(row row) error {
		if status := row.text("status"); strings.EqualFold(status, "tobedeleted") || strings.EqualFold(status, "inactive") {
			in.done.Skipped++
			return nil
		}
		return use(row)
	})
}

// manifest reads which version the package has, and refuses one that holds changes alone.
func (in *importing) manifest(p *onePackage) error {
	says := map[string]string{}
	err := in.eachRow(p, "manifest.csv", []string{"propertyName", "value"}, func(r row) error {
		says[strings.ToLower(r.text("propertyName"))] = r.text("value")
		return nil
	})
	if err != nil {
		return err
	}
	for _, file := range []string{"users", "orgs", "enrollments", "roles", "demographics"} {
		if strings.EqualFold(says["file."+file], "delta") {
			return diag.Fail(diag.Usage, diag.ConfigFile, "Export all (bulk), and import that.", "%s holds only what changed (%s.csv is a delta)", p.name, file)
		}
	}
	p.version = cmp.Or(says["oneroster.version"], "1.1")
	if says["oneroster.version"] == "" && p.open["roles.csv"] != nil {
		p.version = "1.2"
	}
	if p.version != "1.1" && p.version != "1.2" {
		return diag.Fail(diag.Usage, diag.ConfigFile, "Export it as OneRoster 1.1 or 1.2 CSV.", "%s is OneRoster %q", p.name, p.version)
	}
	in.done.Format = "OneRoster " + p.version
	return nil
}

// What the files say of a user, in the order in which it is put together.
const (
	aboutUser       = "a"
	aboutBirth      = "b"
	aboutRole       = "c"
	aboutEnrollment = "d"
)

// oneRoster takes over a package. What its files say of a user is sorted together, so that none has to be held.
func (in *importing) oneRoster(p *onePackage) error {
	if err := in.manifest(p); err != nil {
		return err
	}
	orgs, err := in.orgs(p)
	if err != nil {
		return err
	}
	users := &sorter{folder: in.w.parts.folder, limit: sortBytes}
	defer users.close() //nolint:errcheck // files that nobody will miss
	say := func(user, about string, s *Student) error {
		return users.add(user, s.encode([]byte(about), partKnown))
	}
	if err := in.users(p, say, orgs); err != nil {
		return err
	}
	err = in.eachRow(p, "demographics.csv", []string{"sourcedId"}, func(r row) error {
		birth := cmp.Or(r.date("birthDate"), r.date("birthdate"))
		return say(cmp.Or(r.text("sourcedId"), r.text("userSourcedId")), aboutBirth, &Student{BirthDate: birth})
	})
	if err != nil {
		return err
	}
	if err := in.places(p, say, orgs); err != nil {
		return err
	}
	return in.joinUsers(p, users)
}

// orgs are the schools by their sourcedIds; other organizations are there with an empty id.
func (in *importing) orgs(p *onePackage) (map[string]string, error) {
	orgs := map[string]string{}
	return orgs, in.eachRow(p, "orgs.csv", []string{"sourcedId", "type"}, func(r row) error {
		id := ""
		if strings.EqualFold(r.text("type"), "school") {
			id = cmp.Or(r.text("identifier"), r.text("sourcedId"))
		}
		orgs[r.must("sourcedId")] = id
		return nil
	})
}

// users reads users.csv. In 1.1 it says who is a student, and where.
func (in *importing) users(p *onePackage, say func(user, about string, s *Student) error, orgs map[string]string) error {
	unique := cmp.Or(in.UniqueID, "identifier")
	need := []string{"sourcedId", "givenName", "familyName"}
	if p.version == "1.1" {
		need = append(need, "role")
	}
	kind, ofUserIDs := strings.CutPrefix(unique, "userIds:")
	if !ofUserIDs {
		need = append(need, unique)
	}
	return in.eachRow(p, "users.csv", need, func(r row) error {
		if p.version == "1.1" && !strings.EqualFold(r.text("role"), "student") {
			in.done.Skipped++
			return nil
		}
		s := &Student{LastName: r.text("familyName"), FirstName: r.text("givenName"), UniqueID: r.text(unique)}
		for _, name := range []string{"sourcedId", "identifier", "userMasterIdentifier"} {
			in.addID(s, name, r.text(name))
		}
		for system, value := range userIDs(r) {
			if in.addID(s, system, value); ofUserIDs && strings.EqualFold(system, kind) {
				s.UniqueID = value
			}
		}
		if s.UniqueID == "" && p.version == "1.1" {
			r.columns.fail(r.line, unique, "", "holds no studentUniqueId; --unique-id names another column")
			return nil
		}
		if p.version == "1.1" && p.open["enrollments.csv"] == nil {
			for org := range strings.SplitSeq(r.text("orgSourcedIds"), ",") {
				if school := orgs[strings.TrimSpace(org)]; school != "" {
					s.Enrollments = append(s.Enrollments, Enrollment{School: school, Grade: r.text("grades")})
				}
			}
		}
		s.IDs = append(s.IDs, ID{System: UniqueID, Value: s.UniqueID}) // on the way through the sort
		return say(r.must("sourcedId"), aboutUser, s)
	})
}

// userIDs are the further ids of a user: {type:id},{type:id}.
func userIDs(r row) map[string]string {
	ids := map[string]string{}
	for part := range strings.SplitSeq(r.text("userIds"), ",") {
		part = strings.TrimSpace(part)
		inner, ok := strings.CutPrefix(part, "{")
		inner, end := strings.CutSuffix(inner, "}")
		system, value, colon := strings.Cut(inner, ":")
		if part == "" || strings.TrimSpace(value) == "" && ok && end && colon {
			continue
		}
		if !ok || !end || !colon || strings.TrimSpace(system) == "" {
			r.fail("userIds", "is not a list such as {State:123},{Local:456}")
			return nil
		}
		ids[strings.TrimSpace(system)] = strings.TrimSpace(value)
	}
	return ids
}

// places reads where students are: enrollments.csv, and, in 1.2, roles.csv, which says who is a student. Without
// enrollments the schools of the roles count.
func (in *importing) places(p *onePackage, say func(user, about string, s *Student) error, orgs map[string]string) error {
	enrolled := func(r row, org string) ([]Enrollment, bool) {
		school, known := orgs[org]
		if !known {
			r.columns.fail(r.line, "", org, "orgs.csv has no organization with this sourcedId")
		}
		return []Enrollment{{School: school, Entry: r.date("beginDate"), Exit: r.date("endDate")}}, school != ""
	}
	if p.version == "1.2" {
		err := in.eachRow(p, "roles.csv", []string{"userSourcedId", "role", "orgSourcedId"}, func(r row) error {
			if !strings.EqualFold(r.text("role"), "student") {
				return nil
			}
			s := &Student{}
			if at, ok := enrolled(r, r.text("orgSourcedId")); ok && p.open["enrollments.csv"] == nil {
				s.Enrollments = at
			}
			return say(r.must("userSourcedId"), aboutRole, s)
		})
		if err != nil {
			return err
		}
	}
	return in.eachRow(p, "enrollments.csv", []string{"userSourcedId", "role", "schoolSourcedId"}, func(r row) error {
		if !strings.EqualFold(r.text("role"), "student") {
			return nil
		}
		at, ok := enrolled(r, r.text("schoolSourcedId"))
		if !ok {
			return nil
		}
		return say(r.must("userSourcedId"), aboutEnrollment, &Student{Enrollments: at})
	})
}

// joinUsers puts together what was said of each user, and adds those who are students.
func (in *importing) joinUsers(p *onePackage, users *sorter) error {
	var s Student
	user, kinds := "", ""
	end := func() error {
		if kinds == "" {
			return nil
		}
		isStudent := strings.Contains(kinds, aboutUser) && (p.version == "1.1" || strings.Contains(kinds, aboutRole))
		if !isStudent {
			in.done.Skipped++
			return nil
		}
		i := slices.IndexFunc(s.IDs, func(id ID) bool { return id.System == UniqueID })
		if s.UniqueID = s.IDs[i].Value; s.UniqueID == "" {
			return diag.Fail(diag.Usage, diag.ConfigFile, "Name the column that holds it with --unique-id.", "a student of %s/users.csv has no studentUniqueId", p.name)
		}
		s.IDs = slices.Delete(s.IDs, i, i+1)
		return in.w.Add(&s)
	}
	err := users.merged(func(key, value []byte) error {
		if string(key) != user || kinds == "" {
			if err := end(); err != nil {
				return err
			}
			s, user, kinds = Student{}, string(key), ""
		}
		if kind := string(value[:1]); !strings.Contains(kinds, kind) {
			kinds += kind
		}
		var part Student
		if _, ok := part.merge(value[1:]); !ok {
			return errDamaged
		}
		s.LastName, s.FirstName, s.BirthDate = cmp.Or(s.LastName, part.LastName), cmp.Or(s.FirstName, part.FirstName), cmp.Or(s.BirthDate, part.BirthDate)
		s.IDs, s.Enrollments = append(s.IDs, part.IDs...), append(s.Enrollments, part.Enrollments...)
		return nil
	})
	if err == nil {
		err = end()
	}
	return err
}
