package tenant

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// Secret is a value that is never shown: printed or logged it is a row of stars.
type Secret string

// String hides the secret.
func (Secret) String() string { return "***" }

// GoString hides the secret.
func (Secret) GoString() string { return "***" }

// LogValue hides the secret.
func (Secret) LogValue() slog.Value { return slog.StringValue("***") }

// MarshalText hides the secret.
func (Secret) MarshalText() ([]byte, error) { return []byte("***"), nil }

// secretText is a value of sluice.yaml as written, maybe with ${env:…}, ${file:…} or ${cmd:…}.
type secretText struct {
	text string
	pos  diag.Pos
}

var source = regexp.MustCompile(`\$\{(env|file|cmd):([^}]*)\}`)

// literal reports whether any part of the text stands for itself: it would be a secret in a file.
func (s secretText) literal() bool { return source.FindString(s.text) != s.text }

// IsSource reports whether a text only says where a secret lives: ${env:…}, ${file:…} or ${cmd:…}.
func IsSource(text string) bool { return !secretText{text: text}.literal() }

// commandTime is how long a secret manager's client may take.
const commandTime = 30 * time.Second

// lingerTime is how long its output is waited for once it has ended or was stopped: a process that it
// left behind, such as an agent, may hold the output open for ever.
const lingerTime = 2 * time.Second

// resolve replaces the sources by what they give. Errors name the source, never a value.
func (s secretText) resolve(ctx context.Context, folder string) (string, error) {
	var failed error
	out := source.ReplaceAllStringFunc(s.text, func(m string) string {
		parts := source.FindStringSubmatch(m)
		value, err := read(ctx, folder, parts[1], strings.TrimSpace(parts[2]))
		if err != nil && failed == nil {
			next := ""
			if parts[1] == "env" {
				next = fmt.Sprintf(`Run: export %[1]s=…   (PowerShell: $env:%[1]s = "…"); where no shell sets it, as under cron, use ${file:PATH}.`, parts[2])
			}
			failed = diag.Fail(diag.Usage, diag.ConfigSecret, next, "%s: %v", s.pos, err)
		}
		return value
	})
	if failed == nil && strings.Contains(out, "${") {
		return "", diag.Fail(diag.Usage, diag.ConfigSecret, "Write ${env:NAME}, ${file:PATH} or ${cmd:PROGRAM ARGUMENTS}.",
			"%s: a ${…} that is not env, file or cmd", s.pos)
	}
	return out, failed
}

// SecretFiles are the files that hold the tenant's key or secret, its certificate's key, or its proxy's password.
func (c *Config) SecretFiles(t *Tenant) []string {
	var all []string
	if t.API.ClientKey != "" {
		all = append(all, t.API.ClientKey)
	}
	for _, s := range []secretText{t.API.clientID, t.API.clientSecret, t.API.proxy} {
		for _, parts := range source.FindAllStringSubmatch(s.text, -1) {
			if parts[1] == "file" {
				all = append(all, c.path(strings.TrimSpace(parts[2])))
			}
		}
	}
	return all
}

func read(ctx context.Context, folder, kind, name string) (string, error) {
	switch kind {
	case "env":
		switch value, ok := os.LookupEnv(name); {
		case !ok:
			return "", fmt.Errorf("the environment variable %s is not set", name)
		case strings.TrimSpace(value) == "":
			return "", fmt.Errorf("the environment variable %s is empty", name)
		default:
			return value, nil
		}
	case "file":
		if !filepath.IsAbs(name) {
			name = filepath.Join(folder, name)
		}
		text, err := readRegular(name)
		if err != nil {
			return "", fmt.Errorf("the secret's file cannot be read: %w", err)
		}
		if len(bytes.TrimSpace(text)) == 0 {
			return "", fmt.Errorf("the secret's file %s is empty", name)
		}
		return strings.TrimRight(string(text), "\r\n"), nil
	}
	words := strings.Fields(name)
	if len(words) == 0 {
		return "", fmt.Errorf("${cmd:} names no program")
	}
	ctx, cancel := context.WithTimeout(ctx, commandTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, words[0], words[1:]...) // no shell: words are split at blanks
	cmd.Dir = folder
	cmd.WaitDelay = lingerTime
	text, err := cmd.Output()
	if err != nil && !errors.Is(err, exec.ErrWaitDelay) { // that one: the command ended well, and left another behind
		return "", fmt.Errorf("the secret's command %s failed: %w", words[0], err) // its own output may hold secrets
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return "", fmt.Errorf("the secret's command %s gave nothing", words[0])
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}

// Credential is what opens a target.
type Credential struct {
	ClientID string
	Secret   Secret
}

// CredentialFrom says where the tenant's key and secret come from: lines of sluice.yaml, and what these name. Of a file
// that is not written yet it names no lines.
func (c *Config) CredentialFrom(t *Tenant) string {
	from := func(key string, s secretText) string {
		var where []string
		if c.File != "" {
			where = append(where, fmt.Sprintf("%s:%d", s.pos.File, s.pos.Line))
		}
		if !s.literal() {
			where = append(where, s.masked())
		}
		if len(where) == 0 {
			return key
		}
		return key + " (" + strings.Join(where, ", ") + ")"
	}
	return from("client_id", t.API.clientID) + " and " + from("client_secret", t.API.clientSecret)
}

// Credential resolves the tenant's key and secret. It also refuses a key that another tenant or
// environment has: one credential is never shared.
func (c *Config) Credential(ctx context.Context, t *Tenant) (Credential, error) {
	id, err := t.API.clientID.resolve(ctx, c.Folder)
	if err != nil {
		return Credential{}, err
	}
	secret, err := t.API.clientSecret.resolve(ctx, c.Folder)
	if err != nil {
		return Credential{}, err
	}
	for _, other := range c.tenants {
		if other == t || other.API == nil {
			continue
		}
		same := other.API.clientID.text == t.API.clientID.text
		if !same && !strings.Contains(other.API.clientID.text, "${cmd:") { // another tenant's command is not run for this one
			theirs, err := other.API.clientID.resolve(ctx, c.Folder)
			same = err == nil && theirs == id
		}
		if same {
			return Credential{}, diag.Fail(diag.Usage, diag.ConfigTenant, "Ask the host for a credential of its own for each tenant and environment.",
				"%s: tenants %s and %s have the same client_id", t.API.clientID.pos, t.Name, other.Name)
		}
	}
	return Credential{ClientID: id, Secret: Secret(secret)}, nil
}
