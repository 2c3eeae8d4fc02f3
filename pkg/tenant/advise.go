package tenant

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// SettingLines is how a setting of a tenant gets into sluice.yaml: what is to be done with the lines, and the lines. The setting
// is not in the file yet.
func (c *Config) SettingLines(t *Tenant, setting string) (where string, lines []string) {
	whole := []string{"tenants:", "  " + t.Name + ":", "    " + setting}
	if c.File == "" {
		return "save this as " + filepath.Join(c.Folder, "sluice.yaml") + ", which does not exist yet", append([]string{"version: 1"}, whole...)
	}
	tenants, listed := c.written["sluice.yaml: tenants"]
	if !listed {
		return "add at the end of " + c.File, whole
	}
	own, written := c.named["tenant "+t.Name]
	others := slices.DeleteFunc(slices.Clone(c.tenants), func(o *Tenant) bool { _, ok := c.named["tenant "+o.Name]; return !ok })
	switch {
	case len(others) == 0:
		return fmt.Sprintf("write in place of line %d of %s", tenants.Line, c.File), whole
	case !written:
		other := c.named["tenant "+others[0].Name]
		if other.Line == tenants.Line {
			return fmt.Sprintf("add after the first { in line %d of %s", tenants.Line, c.File), []string{t.Name + ": {" + setting + "},"}
		}
		blanks := strings.Repeat(" ", other.Col-1)
		return fmt.Sprintf("add below line %d of %s", tenants.Line, c.File), []string{blanks + t.Name + ":", blanks + "  " + setting}
	}
	column := 0 // of the tenant's settings, where each has a line of its own
	for key, at := range c.written {
		name, of := strings.CutPrefix(key, "tenant "+t.Name+": ")
		if of && !strings.Contains(name, ": ") && at.Line > own.Line {
			column = max(column, at.Col)
		}
	}
	if column == 0 {
		return fmt.Sprintf("add after the { of %s in line %d of %s", t.Name, own.Line, c.File), []string{setting + ","}
	}
	return fmt.Sprintf("add below line %d of %s", own.Line, c.File), []string{strings.Repeat(" ", column-1) + setting}
}
