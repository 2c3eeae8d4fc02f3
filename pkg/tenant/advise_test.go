package tenant

import (
	"slices"
	"strings"
	"testing"
)

// TestSettingLines: what is advised gives, done to the letter, a sluice.yaml with the setting.
func TestSettingLines(t *testing.T) {
	const api = `api: {base_url: "https://h", client_id: i, client_secret: "${env:X}"}`
	for name, c := range map[string]struct{ text, tenant, want string }{
		"other keys only":      {"version: 1\nruns: r\n", Sandbox, "add at the end of"},
		"no tenants":           {"version: 1\ntenants: {}\nruns: r\n", Sandbox, "write in place of line 2 of"},
		"another tenant":       {"version: 1\ntenants:\n    gb:\n        " + api + "\n", Sandbox, "add below line 2 of"},
		"tenants in braces":    {"version: 1\ntenants: {gb: {" + api + "}}\n", Sandbox, "add after the first { in line 2 of"},
		"the tenant":           {"version: 1\ntenants:\n  gb:\n     # ours\n     " + api + "\n", "gb", "add below line 3 of"},
		"the tenant in braces": {"version: 1\ntenants:\n  gb: {" + api + "}\n", "gb", "add after the { of gb in line 3 of"},
		"an empty tenant":      {"version: 1\ntenants:\n  sandbox: {}\n", Sandbox, "add after the { of sandbox in line 3 of"},
	} {
		config, err := Parse("sluice.yaml", []byte(c.text))
		if err != nil {
			t.Fatal(name, err)
		}
		of, err := config.Tenant(c.tenant)
		if err != nil {
			t.Fatal(name, err)
		}
		where, added := config.SettingLines(of, "max_pass_age: 7h")
		if !strings.HasPrefix(where, c.want) {
			t.Errorf("%s: %s", name, where)
			continue
		}
		lines := strings.Split(strings.TrimSuffix(c.text, "\n"), "\n")
		switch {
		case strings.Contains(where, "first {"):
			lines[1] = strings.Replace(lines[1], "{", "{"+added[0], 1)
		case strings.Contains(where, "the {"):
			lines[2] = strings.Replace(lines[2], "{", "{"+added[0], 1)
		case strings.Contains(where, "in place of"):
			lines = slices.Concat(lines[:1], added, lines[2:])
		case strings.Contains(where, "line 2"):
			lines = slices.Insert(lines, 2, added...)
		case strings.Contains(where, "line 3"):
			lines = slices.Insert(lines, 3, added...)
		default:
			lines = append(lines, added...)
		}
		text := strings.Join(lines, "\n") + "\n"
		config, err = Parse("sluice.yaml", []byte(text))
		if err != nil {
			t.Errorf("%s: %v\n%s", name, err, text)
			continue
		}
		if of, err = config.Tenant(c.tenant); err != nil || of.MaxPassAge.Hours() != 7 {
			t.Errorf("%s: %+v %v\n%s", name, of, err, text)
		}
	}
}
