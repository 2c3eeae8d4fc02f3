package tenant

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sluice.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const good = `version: 1
bundles: [mine]
tenants:
  gb:
    api: {base_url: "https://host/api/", school_year: 2026, instance: north, client_id: "${env:T_ID}", client_secret: "${file:secret}", environment: test}
    lea_codes: ["255901"]
    data_standard: "5.1"
    roster: {column: Student_StateID}
    params: {school_year: 2026}
    limits: {concurrency: 4}
    max_pass_age: 2h
  other:
    api: {base_url: "http://127.0.0.1:9000", client_id: x, client_secret: "${env:T_SECRET}"}
  sandbox:
    params: {school_year: 2022}
`

func TestLoad(t *testing.T) {
	path := write(t, good)
	c, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	gb, err := c.Tenant("gb")
	if err != nil {
		t.Fatal(err)
	}
	if gb.API.BaseURL != "https://host/api" || gb.Concurrency != 4 || gb.RosterColumn != "Student_StateID" || gb.Params["school_year"] != "2026" ||
		gb.MaxPassAge.Hours() != 2 || gb.API.SchoolYear != 2026 || gb.API.Instance != "north" {
		t.Errorf("%+v %+v", gb, gb.API)
	}
	folder := filepath.Dir(path)
	if c.Runs != filepath.Join(folder, "runs") || c.Bundles[0] != filepath.Join(folder, "mine") {
		t.Errorf("%+v", c)
	}
	if sb, err := c.Tenant(Sandbox); err != nil || sb.API != nil || sb.Params["school_year"] != "2022" || sb.Concurrency != defaultConcurrency {
		t.Errorf("%+v %v", sb, err)
	}
	if _, err := c.Tenant("sandbx"); err == nil || !strings.Contains(err.Error(), `did you mean "sandbox"`) {
		t.Errorf("%v", err)
	}
}

func TestCredential(t *testing.T) {
	path := write(t, good)
	c, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	gb, _ := c.Tenant("gb")
	ctx := context.Background()
	if _, err := c.Credential(ctx, gb); err == nil || !strings.Contains(err.Error(), "T_ID is not set") {
		t.Errorf("unset: %v", err)
	}
	t.Setenv("T_ID", "key")
	if err := os.WriteFile(filepath.Join(c.Folder, "secret"), []byte("hush\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := c.Credential(ctx, gb)
	if err != nil || got.ClientID != "key" || string(got.Secret) != "hush" {
		t.Errorf("%v %v", got.ClientID, err)
	}
	if shown := fmt.Sprintf("%v %s %#v %+v", got, got.Secret, got, got); strings.Contains(shown, "hush") {
		t.Errorf("the secret shows: %s", shown)
	}
	t.Setenv("T_ID", "x")
	if _, err := c.Credential(ctx, gb); err == nil || !strings.Contains(err.Error(), "same client_id") {
		t.Errorf("shared: %v", err)
	}
}

// api is a sluice.yaml whose tenant has one more key under api.
func api(more string) string {
	return "version: 1\ntenants:\n  a:\n    api:\n      {base_url: \"https://h\", client_id: i, client_secret: \"${env:X}\",\n      " + more + "}\n"
}

func TestProblemsAreListedAtOnce(t *testing.T) {
	for name, c := range map[string]struct{ yaml, want string }{
		"no version":      {"tenants: {}\n", "no version"},
		"unknown key":     {"version: 1\ntenats: {}\n", `did you mean "tenants"`},
		"later key":       {"version: 1\ntenants:\n  a:\n    jobs: {}\n", "not in this version"},
		"later limits":    {"version: 1\ntenants:\n  a:\n    limits: {per_minute: 60}\n", "not in this version"},
		"two rosters":     {"version: 1\ntenants:\n  a:\n    roster: {student_ids: [state], column: c}\n", "is for tenants whose students are not looked up"},
		"no systems":      {"version: 1\ntenants:\n  a:\n    roster: {student_ids: []}\n", "names no identification system"},
		"no automat":      {"version: 1\ntenants:\n  a:\n    roster: {match: best}\n", "match can only be auto"},
		"literal secret":  {"version: 1\ntenants:\n  a:\n    api: {base_url: \"https://h\", client_id: i, client_secret: hush}\n", "is written out in the file"},
		"half a literal":  {"version: 1\ntenants:\n  a:\n    api: {base_url: \"https://h\", client_id: i, client_secret: \"hush${env:X}\"}\n", "is written out in the file"},
		"cut secret":      {"version: 1\ntenants:\n  a:\n    api:\n      client_secret: hush #rest\n", "comment"},
		"user in address": {"version: 1\ntenants:\n  a:\n    api: {base_url: \"https://u:hush@h\", client_id: i, client_secret: \"${env:X}\"}\n", "neither a user"},
		"same line":       {"version: 1\ntenants:\n  a: {jobs: {}, api: {base_url: \"https://h\", client_id: i, client_secret: \"hush\"}}\n", "not in this version"},
		"plain http":      {"version: 1\ntenants:\n  a:\n    api: {base_url: \"http://h\", client_id: i, client_secret: \"${env:X}\"}\n", "not encrypted"},
		"name":            {"version: 1\ntenants:\n  A_b: {}\n", "cannot be the name"},
		"sandbox has api": {"version: 1\ntenants:\n  sandbox:\n    api: {base_url: \"https://h\", client_id: i, client_secret: \"${env:X}\"}\n", "built in"},
		"no api":          {"version: 1\ntenants:\n  a: {lea_codes: [\"1\"]}\n", "has no api"},
		"concurrency":     {"version: 1\ntenants:\n  sandbox:\n    limits: {concurrency: 0}\n", "from 1 to 64"},
		"source":          {"version: 1\nstate: \"${env:X}\"\n", "state: ${…} is not filled in here"},
		"source in param": {"version: 1\ntenants:\n  sandbox:\n    params: {a: \"${env:X}\"}\n", "not filled in here"},
		"mistyped":        {"version: 1\ntenants:\n  a:\n    api: {base_url: \"https://h\", client_id: i, client_secrt: \"hush\"}\n", `unknown key "client_secrt"`},
		"not a key":       {"version: 1\ntenants:\n  a:\n    api: {base_url: \"https://h\", client_id: i, client_secrethush: 1}\n", "unknown key “…”"},
		"share":           {"version: 1\ntenants:\n  sandbox:\n    guards: {max_rejected: 5}\n", "not a percentage"},
		"tables":          {"version: 1\ntenants:\n  sandbox: {tables: sluice.yaml}\n", "not a folder"},
		"tls_min":         {api("tls_min: 1.1"), "tls_min \"1.1\" is not"},
		"half a pair":     {api("client_key: k.pem"), "belong together"},
		"proxy":           {api("proxy: somewhere"), "not the address of a proxy"},
		"proxy, socks":    {api(`proxy: "socks5://h:1"`), "not the address of a proxy"},
		"proxy, source":   {api(`proxy: "http://u:${envi:X}@h:1"`), "not the address of a proxy"},
		"proxy, host":     {api(`proxy: "http://${env:X}:1"`), "not the address of a proxy"},
		"proxy, written":  {api(`proxy: "http://u:hush@h:1"`), "password that is written out"},
		"proxy, half":     {api(`proxy: "http://u:hush${env:X}@h:1"`), "password that is written out"},
		"proxy, token":    {api(`proxy: "http://hush@h:1"`), "password that is written out"},
		"proxy, odd":      {api(`proxy: "http://u:hu/hush@h:1"`), "not the address of a proxy"},
		"proxy, list":     {api(`proxy: ["http://u:hush@h:1"]`), "must be a text"},
		"no verification": {api("insecure: true"), "unknown key"},
	} {
		config, err := Load(write(t, c.yaml))
		for i := 0; err == nil && i < len(config.tenants); i++ {
			_, err = config.Tenant(config.tenants[i].Name)
		}
		e, ok := diag.AsError(err)
		if !ok || e.Kind != diag.Usage {
			t.Errorf("%s: %v", name, err)
			continue
		}
		found := false
		for _, p := range e.Problems {
			found = found || strings.Contains(p.Message, c.want)
			if strings.Contains(p.Message+p.Fix+p.Snippet, "hush") {
				t.Errorf("%s: the secret shows: %+v", name, p)
			}
		}
		if !found {
			t.Errorf("%s: %+v does not say %q", name, e.Problems, c.want)
		}
	}
	_, err := Load(filepath.Join(t.TempDir(), "sluice.yaml"))
	if e, ok := diag.AsError(err); !ok || e.Kind != diag.Usage {
		t.Errorf("missing: %v", err)
	}
}

// TestOneTenantsMistake: it stops the commands for that tenant, and no other.
func TestOneTenantsMistake(t *testing.T) {
	c, err := Load(write(t, good+"  broken: {tables: sluice.yaml}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Tenant("gb"); err != nil {
		t.Errorf("gb: %v", err)
	}
	_, err = c.Tenant("broken")
	if e, ok := diag.AsError(err); !ok || e.Kind != diag.Usage || len(e.Problems) != 2 || !strings.Contains(e.Message, "tenant broken") {
		t.Errorf("broken: %+v", err)
	}
}

func TestSettingsHoldNoSecret(t *testing.T) {
	for text, want := range map[string]string{
		"hush": "(written in the file)", "${env:X}": "${env:X}", "${file:secrets/gb}": "${file:secrets/gb}",
		"${cmd:vault read --token hush}": "${cmd:vault …}", "${cmd: vault }": "${cmd: vault }",
	} {
		if got := (secretText{text: text}).shown(); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
}

// TestWhatACommandLeavesBehind: the secret is there once the command ended, whatever still holds its output.
func TestWhatACommandLeavesBehind(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the command is a shell script")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "agent.sh"), []byte("sleep 60 &\necho hush\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	got, err := secretText{text: "${cmd:sh agent.sh}"}.resolve(t.Context(), dir)
	if got != "hush" || err != nil || time.Since(begun) > 20*time.Second {
		t.Errorf("%q %v after %v", got, err, time.Since(begun))
	}
	if _, err := (secretText{text: "${file:.}"}).resolve(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("%v", err)
	}
	if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("%v", err)
	}
}

// TestCloneOfOddFiles: a tenant is copied whole, wherever its comments and brackets stand, and the rest of
// the file stays as it is.
func TestCloneOfOddFiles(t *testing.T) {
	for name, c := range map[string]struct{ src, want string }{
		"a comment at the margin": {"tenants:\n  gb:\n    api:\n# the key\n      client_id: a\n", "tenants:\n  gb:\n    api:\n# the key\n      client_id: a\n  new:\n    api:\n# the key\n      client_id: a\n"},
		"a comment of the next":   {"tenants:\n  gb:\n    tables: a\n\n  # next\n  zz:\n    tables: b\n", "tenants:\n  gb:\n    tables: a\n  new:\n    tables: a\n\n  # next\n  zz:\n    tables: b\n"},
		"brackets on lines":       {"tenants:\n  gb: {\n    tables: a\n  }\nruns: r\n", "tenants:\n  gb: {\n    tables: a\n  }\n  new: {\n    tables: a\n  }\nruns: r\n"},
		"a key in quotes":         {"tenants:\n  gb:\n    params: {\"school_year\": 2026}", "tenants:\n  gb:\n    params: {\"school_year\": 2026}\n  new:\n    params: {\"school_year\": 2027}\n"},
		"blank lines at the end":  {"tenants:\n  gb:\n    tables: a\n\n\n", "tenants:\n  gb:\n    tables: a\n  new:\n    tables: a\n\n\n"},
		"no line end on Windows":  {"tenants:\r\n  gb:\r\n    tables: a", "tenants:\r\n  gb:\r\n    tables: a\r\n  new:\r\n    tables: a\r\n"},
		"line ends of Windows":    {"tenants:\r\n  gb:\r\n    tables: a\r\n\r\nruns: r\r\n", "tenants:\r\n  gb:\r\n    tables: a\r\n  new:\r\n    tables: a\r\n\r\nruns: r\r\n"},
	} {
		got, err := Clone("sluice.yaml", []byte(c.src), "gb", "new", 2027)
		if err != nil || string(got) != c.want {
			t.Errorf("%s: %v\n%s", name, err, got)
		}
	}
}

// TestAdd: a new tenant comes after the last one, as deep as that one and with its line ends.
func TestAdd(t *testing.T) {
	for name, c := range map[string]struct{ src, want string }{
		"deep":    {"tenants:\n    gb:\n        tables: a\n\n# end\nruns: r\n", "tenants:\n    gb:\n        tables: a\n    new:\n      tables: b\n\n# end\nruns: r\n"},
		"windows": {"tenants:\r\n  gb: {tables: a}", "tenants:\r\n  gb: {tables: a}\r\n  new:\r\n    tables: b\r\n"},
	} {
		got, err := Add("sluice.yaml", []byte(c.src), "new", "  new:\n    tables: b\n")
		if err != nil || string(got) != c.want {
			t.Errorf("%s: %v\n%q", name, err, got)
		}
	}
	for _, src := range []string{"version: 1\n", "tenants: {}\n", "tenants: {gb: {tables: a}}\n", "tenants:\n  new:\n    tables: a\n"} {
		if got, err := Add("sluice.yaml", []byte(src), "new", "  new:\n    tables: b\n"); err == nil {
			t.Errorf("%q became %q", src, got)
		}
	}
}
