package main

import (
	"bufio"
	"context"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/durable"
	"github.com/sluice-edfi/sluice/pkg/pipeline"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/tenant"
)

func (a *app) newInit() *cobra.Command {
	var o newTenant
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Write a first sluice.yaml: asks, and tests each answer",
		Long: `Asks for a name, the address of the target, its key and where the secret is kept, tests each answer
at the target, says what it found, and writes a commented sluice.yaml. Where there is one already,
the tenant is added to it. The secret itself is never asked for and never written: say where it is,
as ${env:NAME}, ${file:PATH} or ${cmd:PROGRAM ARGUMENTS}.

It asks nothing where a flag gives the answer, or where there is no terminal. Nothing is written
before the last answer.`,
		Example: `  sluice init
  sluice init --name gb --base-url https://ods.example.org/api --client-id '${env:GB_KEY}' --secret '${env:GB_SECRET}'`,
		Args: exactArgs(),
		RunE: a.action(func(cmd *cobra.Command, _ []string) (runs.Outcome, error) {
			return runs.Done, a.runInit(cmd.Context(), &o)
		}),
	}
	flags := cmd.Flags()
	flags.StringVar(&o.name, "name", "", "`NAME` of the tenant: a district, and its year for a year-specific ODS")
	flags.StringVar(&o.baseURL, "base-url", "", "`URL` of the target: opened in a browser it shows the API's version")
	flags.StringVar(&o.clientID, "client-id", "", "`KEY` of the target, or ${env:NAME}")
	flags.StringVar(&o.secret, "secret", "", "`WHERE` its secret is kept: ${env:NAME}, ${file:PATH} or ${cmd:PROGRAM ARGUMENTS}")
	flags.StringVar(&o.environment, "environment", "production", "production, or a `WORD` such as staging")
	flags.StringVar(&o.year, "school-year", "", "spring `YEAR`, for a year-specific ODS and for the bundles")
	flags.StringVar(&o.caFile, "ca-file", "", "`FILE` of certificates (PEM) to trust besides the system's, such as a firewall's")
	flags.StringVar(&o.proxy, "proxy", "", "`ADDRESS` of the proxy to the target, or none; a password in it as ${env:NAME}")
	flags.BoolVar(&o.unchecked, "no-check", false, "do not ask the target")
	return cmd
}

// question is one answer to get. Its test says what it found.
type question struct {
	flag, text string
	answer     *string
	optional   func() bool
	test       func(context.Context) (found string, err error)
}

// questions in their order: what is asked of the target with an answer is asked before the next one.
func (a *app) questions(o *newTenant) []question {
	never := func() bool { return false }
	return []question{
		{"name", "A name for this tenant (a–z, 0–9, -), such as a district's", &o.name, never, a.formOf(o)},
		{"base-url", "The address of the ODS/API; in a browser it shows the API's version", &o.baseURL, never,
			func(ctx context.Context) (string, error) { return a.tryAddress(ctx, o) }},
		{"school-year", "The spring year of the school year, such as 2026; leave it empty if each run gives it", &o.year,
			func() bool { return !o.yearly }, a.formOf(o)},
		{"client-id", "The key, or ${env:NAME} if it is in a variable", &o.clientID, never, a.formOf(o)},
		{"secret", "Where the secret is kept (not the secret itself): ${env:NAME}, ${file:PATH} or ${cmd:PROGRAM ARGUMENTS}",
			&o.secret, never, func(ctx context.Context) (string, error) { return a.tryCredential(ctx, o) }},
	}
}

func (a *app) runInit(ctx context.Context, o *newTenant) error {
	o.path = a.Config
	if o.path == "" {
		o.path = defaultConfig
	}
	if _, err := os.Lstat(o.path); err == nil {
		if _, err := tenant.Load(o.path); err != nil {
			return err
		}
		if o.before, err = os.ReadFile(o.path); err != nil {
			return pipeline.DiskError(err)
		}
		a.screen.note("%s is there already; a tenant is added to it", o.path)
	}
	questions := a.questions(o)
	if err := a.missing(questions); err != nil {
		return err
	}
	found, err := a.askAll(ctx, questions)
	if err != nil {
		return err
	}
	if err := durable.Edit(ctx, o.path, o.file); err != nil {
		return pipeline.DiskError(err)
	}
	if !a.asks() { // who was asked has read it
		a.screen.say("%s", strings.Join(found, "\n"))
	}
	if o.before == nil {
		a.screen.say("wrote %s", o.path)
	} else {
		a.screen.say("added tenant %s to %s", o.name, o.path)
	}
	next := &step{words: []string{"target", "check", "--tenant", o.name}}
	a.sayNext(a.screen.say, next)
	return a.screen.result(map[string]any{"file": o.path, "tenant": o.name, "added": o.before != nil, "found": found, "next": a.args(next)})
}

// asks reports whether there is a person to ask.
func (a *app) asks() bool { return a.inTTY && !a.JSON && !a.Quiet }

// missing names all flags that are missing where nobody can be asked.
func (a *app) missing(questions []question) error {
	var flags []string
	for _, q := range questions {
		if *q.answer == "" && !q.optional() {
			flags = append(flags, "--"+q.flag)
		}
	}
	if len(flags) == 0 || a.asks() {
		return nil
	}
	return usage("Add them; `sluice init --help` says what they mean.",
		"%s: not given, and there is no terminal to ask at", strings.Join(flags, ", "))
}

// askAll goes through the questions. A key and a secret that do not fit each other are both asked for again.
func (a *app) askAll(ctx context.Context, questions []question) ([]string, error) {
	in := bufio.NewReader(a.in)
	key := slices.IndexFunc(questions, func(q question) bool { return q.flag == "client-id" })
	typed, found := make([]bool, len(questions)), []string{}
	complete := !slices.ContainsFunc(questions, func(q question) bool { return *q.answer == "" && !q.optional() })
	for i := 0; i < len(questions); i++ {
		q := questions[i]
		typed[i] = typed[i] || *q.answer == "" && a.asks() && (!complete || !q.optional())
		says, err := a.ask(ctx, in, q, typed[i])
		e, _ := diag.AsError(err)
		switch {
		case err == nil && says != "":
			found = append(found, says)
			if a.asks() {
				a.screen.note("  %s", says)
			}
		case err == nil:
		case ctx.Err() != nil || !typed[i] || e != nil && e.Code == diag.MachineInterrupt:
			return nil, err
		default:
			a.printError(err, runs.Misused)
			*q.answer = ""
			if e != nil && (e.Code == diag.AuthRefused || e.Code == diag.ConfigTenant) && i > key && typed[key] {
				*questions[key].answer, i = "", key
			}
			i--
		}
	}
	return found, nil
}

// ask gets one answer, that of the flag or else of the person at the terminal, and tests it.
func (a *app) ask(ctx context.Context, in *bufio.Reader, q question, typed bool) (string, error) {
	if typed {
		a.screen.note("%s:", q.text)
		line, ok := readLine(ctx, in)
		if !ok {
			return "", diag.Fail(diag.CouldNotRun, diag.MachineInterrupt, "", "interrupted, and nothing was written")
		}
		*q.answer = strings.TrimSpace(line)
	}
	if *q.answer == "" {
		if q.optional() {
			return "", nil
		}
		return "", usage("Answer it, or press Ctrl-C; as a flag, it is --"+q.flag+".", "an answer is needed")
	}
	return q.test(ctx)
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
