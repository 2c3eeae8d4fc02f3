package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/durable"
	"github.com/sluice-edfi/sluice/pkg/pipeline"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/target"
	"github.com/sluice-edfi/sluice/pkg/tenant"
)

// initAnswers is what a first sluice.yaml needs to know.
type initAnswers struct {
	name, baseURL, clientID, secret, environment, year string
	unchecked                                          bool
}

func (a *app) newInit() *cobra.Command {
	var o initAnswers
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Write a first sluice.yaml: asks for the target and tests each answer",
		Long: `Asks for a name, the address of the target, its key and where the secret is kept, tests each answer
at the target, and writes a commented sluice.yaml. The secret itself is never asked for and never
written: say where it is, as ${env:NAME}, ${file:PATH} or ${cmd:PROGRAM ARGUMENTS}.

It asks nothing where a flag gives the answer, or where there is no terminal.`,
		Example: `  sluice init
  sluice init --name gb --base-url https://ods.example.org/api --client-id '${env:GB_KEY}' --secret '${env:GB_SECRET}'`,
		Args: cobra.NoArgs,
		RunE: a.action(func(cmd *cobra.Command, _ []string) (runs.Outcome, error) {
			return runs.Done, a.runInit(cmd.Context(), o)
		}),
	}
	flags := cmd.Flags()
	flags.StringVar(&o.name, "name", "", "name of the tenant: a district, and its year for a year-specific ODS")
	flags.StringVar(&o.baseURL, "base-url", "", "address of the target: opened in a browser it shows the API's version")
	flags.StringVar(&o.clientID, "client-id", "", "key of the target, or ${env:NAME}")
	flags.StringVar(&o.secret, "secret", "", "where its secret is kept: ${env:NAME}, ${file:PATH} or ${cmd:PROGRAM ARGUMENTS}")
	flags.StringVar(&o.environment, "environment", "production", "production, or a word such as staging")
	flags.StringVar(&o.year, "school-year", "", "spring year, for a year-specific ODS and for the bundles")
	flags.BoolVar(&o.unchecked, "no-check", false, "do not ask the target")
	return cmd
}

// question is one answer to get, and how deep it is tested.
type question struct {
	flag, text string
	answer     *string
	optional   bool
	depth      int // of the test
}

func (a *app) runInit(ctx context.Context, o initAnswers) error {
	path := a.Config
	if path == "" {
		path = defaultConfig
	}
	if _, err := os.Lstat(path); err == nil {
		return diag.Fail(diag.Usage, diag.ConfigFile, "add a tenant to it by hand, or copy one with `sluice tenant clone`",
			"%s already exists", path)
	}
	questions := []question{
		{"name", "A name for this tenant (a–z, 0–9, -), such as a district's", &o.name, false, tryForm},
		{"base-url", "The address of the ODS/API; in a browser it shows the API's version", &o.baseURL, false, tryAddress},
		{"client-id", "The key, or ${env:NAME} if it is in a variable", &o.clientID, false, tryForm},
		{"secret", "Where the secret is kept (not the secret itself): ${env:NAME}, ${file:PATH} or ${cmd:PROGRAM ARGUMENTS}",
			&o.secret, false, tryCredential},
		{"school-year", "The spring year of the school year, such as 2026; leave it empty if each run gives it", &o.year, true, tryForm},
	}
	if err := a.missing(questions); err != nil {
		return err
	}
	in := bufio.NewReader(a.in)
	for _, q := range questions {
		if err := a.ask(ctx, in, q, func() error { return a.tryInit(ctx, o, path, q.depth) }); err != nil {
			return err
		}
	}
	if err := durable.WriteFile(path, []byte(o.yaml())); err != nil {
		return pipeline.DiskError(err)
	}
	a.screen.say("wrote %s", shownPath(path))
	a.screen.say("next: %s", a.command("target", "check", "--tenant", o.name))
	full, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	return a.screen.result(map[string]string{"file": full, "tenant": o.name})
}

// asks reports whether there is a person to ask.
func (a *app) asks() bool { return a.inTTY && !a.JSON && !a.Quiet }

// missing names all flags that are missing where nobody can be asked.
func (a *app) missing(questions []question) error {
	var flags []string
	for _, q := range questions {
		if *q.answer == "" && !q.optional {
			flags = append(flags, "--"+q.flag)
		}
	}
	if len(flags) == 0 || a.asks() {
		return nil
	}
	return usage("add them; `sluice init --help` says what they mean",
		"%s: not given, and there is no terminal to ask at", strings.Join(flags, ", "))
}

// ask gets an answer: that of the flag, else of the person at the terminal, who may try again.
func (a *app) ask(ctx context.Context, in *bufio.Reader, q question, test func() error) error {
	given := *q.answer != "" || !a.asks()
	for {
		if !given {
			a.screen.note("%s:", q.text)
			line, ok := readLine(ctx, in)
			if !ok {
				return diag.Fail(diag.CouldNotRun, diag.MachineInterrupt, "", "interrupted")
			}
			*q.answer = strings.TrimSpace(line)
		}
		var err error
		if *q.answer != "" {
			err = test()
		} else if !q.optional {
			err = usage("answer it, or press Ctrl-C", "an answer is needed")
		}
		if err == nil || given || ctx.Err() != nil {
			return err
		}
		a.printError(err, runs.Misused)
	}
}

// readLine reads what a person types; false at the end of the input, and when the command is interrupted.
func readLine(ctx context.Context, in *bufio.Reader) (string, bool) {
	typed := make(chan string, 1)
	go func() { // it outlives an interruption, which ends the process
		line, err := in.ReadString('\n')
		if err == nil || line != "" {
			typed <- line
		}
		close(typed)
	}()
	select {
	case line, ok := <-typed:
		return line, ok
	case <-ctx.Done():
		return "", false
	}
}

// Depths of a test: only the form of the answers, the address too, the credential too.
const (
	tryForm = iota
	tryAddress
	tryCredential
)

// tryInit tests the answers so far; those to come are filled in with something that has the right form.
func (a *app) tryInit(ctx context.Context, o initAnswers, path string, depth int) error {
	if o.secret != "" && !tenant.IsSource(o.secret) { // which is not shown: it may be the secret
		return diag.Fail(diag.Usage, diag.ConfigSecret, "write ${env:NAME}, ${file:PATH} or ${cmd:PROGRAM ARGUMENTS}",
			"that does not say where the secret is kept")
	}
	for _, unset := range []struct {
		answer *string
		form   string
	}{{&o.baseURL, "https://example.org"}, {&o.clientID, "key"}, {&o.secret, "${env:PATH}"}} {
		if *unset.answer == "" {
			*unset.answer = unset.form
		}
	}
	config, err := tenant.Parse(path, []byte(o.yaml()))
	if err != nil {
		return err
	}
	if _, err := config.Tenant(o.name); err != nil || o.unchecked || depth == tryForm {
		return err
	}
	place := &pipeline.Workplace{Config: config, UserAgent: "sluice/" + version, Log: a.log, Observer: a.observer(), Command: a.command}
	x, err := pipeline.New(place, o.name, "sluice init")
	if err != nil {
		return err
	}
	defer a.closing(x)
	api, err := x.Connect(ctx)
	if err == nil && depth == tryCredential {
		err = api.Client.Enter(ctx)
	}
	return target.Explain(err, "")
}

// yaml is the file, with what may come later as comments.
func (o *initAnswers) yaml() string {
	year, params := "      #school_year: 2026                    # for a year-specific ODS", "    #params: {school_year: 2026}            # parameters of the bundles"
	if o.year != "" {
		year = "      #school_year: " + o.year + "                    # for a year-specific ODS: remove the # if yours is one"
		params = "    params: {school_year: " + o.year + "}             # parameters of the bundles; --param on the command line wins"
	}
	return fmt.Sprintf(`# sluice.yaml: who is served, and how each one differs. Paths are relative to this file.
version: 1

#bundles: [bundles]                         # folders with bundles of your own
#runs: runs                                 # where runs go
#state: state                               # where sluice keeps what the targets hold: back it up

tenants:
  %s:
    api:
      base_url: %s
      client_id: %s
      client_secret: %s     # where the secret is kept, never the secret itself
      environment: %s
%s
%s
    #lea_codes: ["255901"]                  # rows of other districts are counted as `+"`other`"+` and never loaded
    #roster: {column: Student_StateID}      # the vendor column that holds the studentUniqueId
    #tables: tenants/%s/                    # what is this district's own: <bundle>/<table>.csv
    #guards: {max_rejected: 5%%}             # run does not send if more rows of an input were rejected
`, o.name, quoteYAML(o.baseURL), quoteYAML(o.clientID), quoteYAML(o.secret), quoteYAML(o.environment), year, params, o.name)
}

// quoteYAML is a text as YAML has it in quotes.
func quoteYAML(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
