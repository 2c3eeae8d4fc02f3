package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/pipeline"
	"github.com/sluice-edfi/sluice/pkg/report"
)

// printRows prints the rows that tables lack for the values that are shown, as they can be pasted: they and the
// lines for sluice.yaml begin at the margin.
func (a *app) printRows(rep *report.Report) {
	s, ofTenant := a.screen, false
	for _, f := range missingRows(rep) {
		_, err := os.Stat(f.File)
		if err != nil && (rep.Tenant == "" || filepath.Base(filepath.Dir(f.File)) == "tables") {
			continue // nothing that could be written to: the problem's own advice says what can be done
		}
		ofTenant = ofTenant || err != nil
		what := "add to " + f.File
		if err != nil {
			what = "save this as " + f.File + ", which does not exist yet"
			f.rows = append([]string{f.Header}, f.rows...)
		}
		s.say("\n  %s:\n", what)
		for _, row := range f.rows {
			if strings.ContainsAny(row, "\r\n") {
				row = "… a row of several lines: take it from " + shownPath(filepath.Join(rep.Path, "unmapped.csv"))
			}
			s.say("%s", row)
		}
		s.say("\n  check what is filled in, and fill in what is empty")
		for line := range strings.Lines(f.Allowed) {
			s.say("  %s", shortened(strings.TrimSpace(line)))
		}
	}
	if ofTenant {
		a.printTablesSetting(rep.Tenant)
	}
}

// missing is the rows that a file of a table lacks.
type missing struct {
	report.Missing
	rows []string
}

// missingRows is the rows that tables lack for the values shown, by the file that they belong into, each once.
func missingRows(rep *report.Report) (all []*missing) {
	for _, g := range rep.Problems {
		for _, v := range g.Values {
			if v.Missing == nil {
				continue
			}
			i := slices.IndexFunc(all, func(m *missing) bool { return m.File == v.Missing.File })
			if i < 0 {
				i, all = len(all), append(all, &missing{Missing: *v.Missing})
			}
			if !slices.Contains(all[i].rows, v.Missing.Row) {
				all[i].rows = append(all[i].rows, v.Missing.Row)
			}
		}
	}
	return all
}

// shortened is a line that fits three rows of a terminal.
func shortened(line string) string {
	const most = 3 * narrow
	if len(line) <= most {
		return line
	}
	cut, _, _ := strings.Cut(line[most:], ";")
	return line[:most] + cut + "; … (all of them: unmapped.csv)"
}

// printTablesSetting prints the lines of sluice.yaml by which the tenant has tables of its own, if it has none yet.
func (a *app) printTablesSetting(name string) {
	config, err := a.config()
	if err != nil {
		return // it was read before: nobody waits for this advice
	}
	t, err := config.Tenant(name)
	if err != nil || t.Tables != "" {
		return
	}
	where, lines := config.SettingLines(t, "tables: "+pipeline.TablesOf(name))
	a.screen.say("\n  then, so that it is read, %s:\n", where)
	for _, line := range lines {
		a.screen.say("%s", line)
	}
}
