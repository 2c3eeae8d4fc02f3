package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/spf13/viper"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/pipeline"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// streams is what the process talks to.
type streams struct {
	in             io.Reader
	out, err       io.Writer
	outTTY, errTTY bool
	inTTY          bool
	getenv         func(string) string

	outColumns, errColumns func() int // of the terminals; nil: not known
}

// settings are the global flags and SLUICE_* variables.
type settings struct {
	Config    string `mapstructure:"config"`
	Tenant    string `mapstructure:"tenant"`
	JSON      bool   `mapstructure:"json"`
	LogFormat string `mapstructure:"log-format"`
	LogLevel  string `mapstructure:"log-level"`
	Quiet     bool   `mapstructure:"quiet"`
	NoColor   bool   `mapstructure:"no-color"`
	Workers   int    `mapstructure:"workers"`
	Strict    bool   `mapstructure:"strict"`
	Format    string `mapstructure:"format"` // of the commands that have the flag
}

// app is one call of sluice.
type app struct {
	streams
	settings
	root    *cobra.Command
	outcome runs.Outcome // of a command that ended without an error
	ran     bool         // the settings were read
	given   []string     // the global flags on the command line, but for the tenant
	line    []string     // the whole command line
	screen  *screen
	log     slog.Handler
	logger  *slog.Logger
}

func newApp(s streams) *app {
	a := &app{streams: s, screen: newScreen(s, settings{}), logger: slog.New(slog.DiscardHandler)}
	a.root = a.newRoot()
	return a
}

const rootLong = `sluice takes a vendor's assessment export, turns it into Ed-Fi records by a reviewed
mapping (transform), checks them as the target would (validate), and loads them
so that it can be run again tomorrow (send).`

// firstScreen is what a person sees who calls sluice by itself.
const firstScreen = `sluice turns a vendor's assessment export into Ed-Fi records, checks them as the
target would, and loads them.

Begin here:
  sluice demo             the whole way on made-up data: no setup, a few seconds
  sluice inspect FILE     what is this file, and which bundle reads it?
  sluice init             set up a target of your own

Then, for each file:
  sluice run BUNDLE --input NAME=FILE --param NAME=VALUE --tenant NAME
  sluice runs list        what ran, and how it ended
  sluice explain CODE     what a code means, and what to do

All commands and flags:   sluice --help
Topics of sluice help:    `

const rootExample = `  sluice demo
  sluice inspect export.csv
  sluice transform nwea-map-growth -i results=export.csv -p school_year=2026 -t gb --run r1
  sluice validate r1 --tenant gb
  sluice send r1 --tenant gb
  sluice explain VAL-UNMAPPED`

const exitHelp = `Exit status:
  0    done, everything accounted for and accepted
  1    could not run: target unreachable, disk full, unwritable run directory
  2    usage, configuration or bundle problem
  3    done, but rows or records stayed behind: rejected, invalid, blocked, …;
       with --strict also if there are warnings
  4    the target refused the credential
  5    a guard stopped it: drift, unreadable file, nothing left, no or old pass,
       ledger, results that others loaded, too many rejected rows, lock
  130  interrupted; what was done is saved
`

// run executes one command line and returns its exit status.
func run(ctx context.Context, args []string, s streams) int {
	out := &remembering{Writer: s.out}
	s.out = out
	a := newApp(s)
	a.collectAt(gcWhileCompiling)
	a.line = args
	a.root.SetArgs(args)
	a.root.SetIn(s.in)
	a.root.SetOut(unminded{s.out})
	a.strictCompletion()
	a.root.SetErr(s.err)
	err := a.root.ExecuteContext(ctx)
	if err == nil && out.failed != nil && a.outcome == runs.Done {
		err, a.ran = pipeline.DiskError(out.failed), true
	}
	if errors.Is(err, syscall.EPIPE) && out.left { // the reader of the result has enough
		err = nil
	}
	if err == nil {
		return int(a.outcome) // the numbers of outcomes are those of exitHelp
	}
	outcome, err := pipeline.Ended(ctx, err)
	if !a.ran { // cobra's own complaint about the command line, made before all flags were read
		outcome, err = runs.Misused, asUsage(err)
		a.JSON, _ = strconv.ParseBool(s.getenv("SLUICE_JSON"))
		a.JSON = a.JSON || slices.Contains(args, "--json")
		if a.Format = formatIn(args); a.chooseFormat() != nil {
			a.JSON = true
		}
		a.screen = newScreen(s, a.settings)
	}
	a.printError(err, outcome)
	return int(outcome)
}

// remembering remembers the first error of a writer: on a full disk the result is lost, so the command must not
// end with 0. A reader that has enough, such as head, is not an error.
type remembering struct {
	io.Writer
	failed error
	left   bool // the reader has enough
}

func (w *remembering) Write(b []byte) (int, error) {
	n, err := w.Writer.Write(b)
	if errors.Is(err, syscall.EPIPE) {
		w.left = true
	} else if w.failed == nil {
		w.failed = err
	}
	return n, err
}

// unminded is for what cobra writes, which would say on stderr that the reader has enough.
type unminded struct{ io.Writer }

func (w unminded) Write(b []byte) (int, error) {
	if n, err := w.Writer.Write(b); !errors.Is(err, syscall.EPIPE) {
		return n, err
	}
	return len(b), nil
}

// action makes a command's work its RunE: the one place where a command that had no error says how it ended.
func (a *app) action(work func(*cobra.Command, []string) (runs.Outcome, error)) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) (err error) {
		a.outcome, err = work(cmd, args)
		return err
	}
}

func asUsage(err error) error {
	if _, ok := diag.AsError(err); ok {
		return err
	}
	return diag.Fail(diag.Usage, diag.ConfigUsage, "See `sluice --help`, or `sluice COMMAND --help`.", "%s", err.Error())
}

func (a *app) newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "sluice",
		Short:         "Vendor assessment exports into Ed-Fi, safely",
		Long:          rootLong,
		Example:       rootExample,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          onlyCommands,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if a.JSON {
				return cmd.Help()
			}
			a.screen.say("%s%s", firstScreen, topicNames())
			return nil
		},
	}
	root.CompletionOptions.HiddenDefaultCmd = false
	addGlobal(root.PersistentFlags())
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		if err := a.configure(cmd.Flags()); err != nil {
			return err
		}
		if err := cmd.ValidateFlagGroups(); err != nil { // cobra would say it where it cannot be told from a defect
			return asUsage(err)
		}
		return nil
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usage("See `"+cmd.CommandPath()+" --help`.", "%s%s", err.Error(), nearFlag(cmd, err.Error()))
	})
	cobra.AddTemplateFunc("reflow", reflow)
	cobra.AddTemplateFunc("flags", func(f *pflag.FlagSet) string { return strings.TrimRight(f.FlagUsagesWrapped(narrow), "\n") })
	root.SetHelpTemplate(`{{with (or .Long .Short)}}{{. | reflow}}

{{end}}{{.UsageString}}` + "\n" + exitHelp)
	root.SetUsageTemplate(strings.NewReplacer(`Use "{{.CommandPath}} [command] --help" for more information about a command.`,
		`Use "{{.CommandPath}} [command] --help" for more information about a command{{if .HasParent}}.{{else}},
"sluice help TOPIC" for `+topicNames()+`.{{end}}`, "{{if .Runnable}}", "{{if and .Runnable (not .HasAvailableSubCommands)}}",
		".LocalFlags.FlagUsages | trimTrailingWhitespaces", "flags .LocalFlags",
		".InheritedFlags.FlagUsages | trimTrailingWhitespaces", "flags .InheritedFlags").Replace(root.UsageTemplate()))
	root.Version = version // which adds --version and -v
	cobra.AddTemplateFunc("versionJSON", versionJSON)
	cobra.AddTemplateFunc("versionText", versionText)
	root.SetVersionTemplate(`{{if .Flags.GetBool "json"}}{{versionJSON}}{{else}}{{versionText}}` + "\n{{end}}")
	root.SetHelpFunc(helpAsJSON(root.HelpFunc()))
	root.SetHelpCommand(a.newHelp())
	root.AddCommand(
		a.newInit(), a.newInspect(), a.newTransform(), a.newValidate(), a.newSend(), a.newRun(),
		a.group("bundle", "Bundles: list, show, copy, lint, test, sample",
			"  sluice bundle list\n  sluice bundle lint ./bundles/mine\n  sluice bundle test ./bundles/mine",
			a.newBundleList(), a.newBundleShow(), a.newBundleCopy(), a.newBundleLint(), a.newBundleTest(), a.newBundleSample()),
		a.group("tenant", "Tenants of sluice.yaml: list, show, clone",
			"  sluice tenant list\n  sluice tenant show gb",
			a.newTenantList(), a.newTenantShow(), a.newTenantClone()),
		a.group("target", "A tenant's target: check it, accept its new data standard",
			"  sluice target check --tenant gb --bundle nwea-map-growth",
			a.newTargetCheck(), a.newTargetAccept(), a.newTargetAdopt()),
		a.group("ledger", "What the tenant's target holds, as far as sluice knows",
			"  sluice ledger rebuild --tenant gb",
			a.newLedgerRebuild()),
		a.group("roster", "The tenant's students: read, import, show, candidates",
			"  sluice roster pull --tenant gb\n  sluice roster show 600123 --tenant sandbox",
			a.newRosterPull(), a.newRosterImport(), a.newRosterShow(), a.newRosterCandidates()),
		a.group("runs", "What ran, and how it ended",
			"  sluice runs list --tenant gb\n  sluice runs show latest --tenant gb",
			a.newRunsList(), a.newRunsShow()),
		a.group("docs", "Pages to read here, and man pages",
			"  sluice docs show first-bundle\n  sluice docs man ~/.local/share/man/man1",
			a.newDocsShow(), a.newDocsMan()),
		a.newSandbox(), a.newDemo(), a.newDoctor(), a.newExplain(), a.newVersion(),
	)
	completes(root, "tenant", a.completeTenants)
	completes(root, "log-format", words("text", "json"))
	completes(root, "log-level", words("debug", "info", "warn", "error"))
	return root
}

// strictCompletion makes cobra's own completion command, which would take any argument, as strict as the others.
// It keeps the output that the root has when it is made.
func (a *app) strictCompletion() {
	a.root.InitDefaultCompletionCmd("")
	for _, cmd := range a.root.Commands() {
		if cmd.Name() == "completion" {
			cmd.Args, cmd.RunE = onlyCommands, a.needSubcommand
			for _, shell := range cmd.Commands() {
				shell.Args = exactArgs()
			}
		}
	}
}

// addGlobal adds the global flags, which are the settings.
func addGlobal(flags *pflag.FlagSet) {
	flags.String("config", "", "`FILE` with the settings (default: ./sluice.yaml if there is one)")
	flags.StringP("tenant", "t", "", "`NAME` of a tenant in sluice.yaml, or sandbox")
	flags.Bool("json", false, "one JSON object on stdout at the end, errors too")
	flags.String("log-format", "", "write a log to stderr in this `FORMAT`: text or json")
	flags.String("log-level", "", "write a log to stderr, from this `LEVEL` on: debug, info, warn or error (a run has its own: log.jsonl)")
	flags.BoolP("quiet", "q", false, "say nothing if the exit status is 0, otherwise only what went wrong")
	flags.Bool("no-color", false, "no colour (nor under NO_COLOR, CI and TERM=dumb)")
	flags.Int("workers", 0, "`NUMBER` of parallel workers, 1 to 256 (default: one per core)")
	flags.Bool("strict", false, "warnings count: exit 3 where it would be 0")
}

// group is a command that only holds others.
func (a *app) group(use, short, example string, commands ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Example: example, Args: onlyCommands, RunE: a.needSubcommand}
	cmd.AddCommand(commands...)
	return cmd
}

// configure reads flags and SLUICE_* variables once, before the command runs.
func (a *app) configure(flags *pflag.FlagSet) error {
	v := viper.New()
	v.SetEnvPrefix("SLUICE")
	v.SetEnvKeyReplacer(strings.NewReplacer("-", "_"))
	v.AutomaticEnv()
	if err := v.BindPFlags(flags); err != nil {
		return err
	}
	a.ran = true
	if err := v.Unmarshal(&a.settings); err != nil {
		a.screen = newScreen(a.streams, a.settings) // of what was read, so that --json holds
		return usage("Check the SLUICE_* variables: true or false, or a number for SLUICE_WORKERS.",
			"a setting of the environment has the wrong type")
	}
	wrongFormat := a.chooseFormat()
	a.screen = newScreen(a.streams, a.settings)
	if wrongFormat != nil {
		return wrongFormat
	}
	if a.Workers < 0 || a.Workers > 256 {
		return usage("Leave it out for one per core.", "--workers must be from 1 to 256")
	}
	var err error
	if a.log, err = newLog(a.err, a.settings); err != nil {
		return err
	}
	a.logger = slog.New(a.log)
	a.given = givenFlags(a.root.PersistentFlags())
	return nil
}

// newLog is the log on stderr, for those who asked for one. What is logged holds no secret and no student's data.
func newLog(stderr io.Writer, s settings) (slog.Handler, error) {
	level := slog.LevelWarn
	if s.LogLevel != "" && level.UnmarshalText([]byte(s.LogLevel)) != nil {
		return nil, usage("Use debug, info, warn or error.", "--log-level %q is not known", s.LogLevel)
	}
	options := &slog.HandlerOptions{Level: level}
	switch s.LogFormat {
	case "":
		if s.LogLevel == "" {
			return slog.DiscardHandler, nil
		}
		return slog.NewTextHandler(stderr, options), nil
	case "text":
		return slog.NewTextHandler(stderr, options), nil
	case "json":
		return slog.NewJSONHandler(stderr, options), nil
	}
	return nil, usage("Use text or json.", "--log-format %q is not known", s.LogFormat)
}
