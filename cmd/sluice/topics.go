package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/jsonl"
)

// topics are what `sluice help` explains beside the commands.
var topics = []struct{ name, short, text string }{
	{"exit-codes", "What the exit status of a command means", exitHelp + `
For cron: 0 needs nobody. 3 needs somebody this week: something stayed behind, and problems/ and errors/ of
the run say what. 1 can be tried again by itself. 2, 4 and 5 need somebody before the next run.

With --quiet a command writes nothing if it ends with 0, and otherwise the verdict and what went wrong. Without it, a command
writes the same as on a terminal, except for colours and the line that moves.

With --json a command writes one object to stdout. An error has its code, message and fix in error; exit is the exit
status; next, in an error and in a result, is a command to go on with, word by word.`},
	{"files", "What a run directory holds", `A run directory holds everything that one run knows. Its files are readable by their owner only.

  run.json          what ran, with which files, bundle and settings; how it ended, and why it was stopped
  report.html       the same for people: open it in a browser
  report.json       the same for programs
  staged/           the Ed-Fi records, one JSON object a line, and beside each file the source line of each record
  problems/         everything that is wrong or worth knowing, per stage, as .csv and .jsonl, with file, line and column; in same-events.csv, results that the target seems to hold under other identifiers
  rejects/          the rows of each source file that are to be corrected and run again: those that transform rejected, and those whose records validate or the target did not let through; beside each file, why
  unmapped.csv      values that no table knows, with the row to add to a table of the tenant
  mappings.csv      what each value of the file became
  candidates.csv    students whom ids may belong to, if ` + "`roster candidates`" + ` was asked
  rules.yaml        the bundle's rules for staged records, as they were when the run was made
  verdicts/         what validate says of each staged record
  errors/           records that did not load, with the target's own message
  summaries/        what each execution of a stage did
  log.jsonl         what went on; no secret and no student's data
  lock              held while a command is at work on the run; lock.holder says which
  .gitignore        keeps the run out of a repository around it

The state of a tenant, in state/TENANT, outlives its runs. Back it up.

  ledger.db             which records the target holds as they were last sent
  adopted-identifiers.csv  the identifiers that the target already had for events; it holds students' ids
  student-columns.json  which column of each bundle's files students' ids come from
  cache/                what the target offers, and what its results are called; it may be deleted
  roster/               the students: index, and crosswalk.csv with the ids that a person matched
  store/, students.csv  of the tenant sandbox: what its target holds, further students

In rejects/, where INPUT is the name of an input (of several files, INPUT-2-FILE is the second one):

  INPUT.csv           the rows as they stand in the source file, in its order, each once; validate and send rewrite them, and a row that now passes is removed
  INPUT.reasons.csv   why, in the same order, with the line in the source file
  INPUT.lost.csv      lines of rows that could not be read again, because the file has changed or is gone, or was standard input: take them from the vendor's file
  INPUT.edited.csv    rows that somebody had edited when new ones had to be written

problems/, rejects/, staged/ and errors/ hold students' data, and unmapped.csv and mappings.csv may, and so does candidates.csv. Keep them as you keep the vendor's file.`},
	{"environment", "The variables that sluice reads", `SLUICE_CONFIG, SLUICE_TENANT, SLUICE_JSON, SLUICE_QUIET, SLUICE_STRICT, SLUICE_WORKERS, SLUICE_NO_COLOR,
SLUICE_LOG_FORMAT and SLUICE_LOG_LEVEL are the global flags of the same names; a flag on the command line wins.
send and run take their tenant from the command line only.

  NO_COLOR, CI, TERM=dumb   no colour; CI and TERM=dumb also no moving progress
  HTTPS_PROXY, HTTP_PROXY, NO_PROXY    how targets are reached if their tenant has no ` + "`proxy`" + `
  SSL_CERT_FILE             on Linux: a file of certificates to trust, in place of the system's; ` + "`ca_file`" + ` of a tenant adds to them
  TMPDIR (Windows: TMP)     where inspect and --preview copy standard input

Variables that sluice.yaml names as ${env:NAME} hold keys and secrets.`},
	{"settings", "Every key of sluice.yaml, with its default", settingsText()},
	{"bundles", "What a bundle is, and where bundles are looked up", `A bundle is a folder that says how one vendor's file becomes Ed-Fi records: bundle.yaml, tables/*.csv, fixtures that prove it,
and perhaps rules.yaml, what else must hold for its records. ` + "`sluice bundle list`" + ` shows those that are there.

BUNDLE is a path that holds a separator (./mine), or name or name@version: looked up in the folders that
` + "`bundles:`" + ` of sluice.yaml names, then among those in this binary.

What is a district's own goes into its tables, not into a copy of the bundle: with ` + "`tables: tenants/gb/`" + ` in the
tenant, the rows of tenants/gb/BUNDLE/TABLE.csv replace or add to those of the bundle's table, and tenants/gb/BUNDLE/rules.yaml
holds the district's own rules for staged records (` + "`sluice docs show rules`" + `).

  sluice bundle lint ./mine      is it right, and complete?
  sluice bundle test ./mine      do its fixtures give what is expected?
  sluice transform ./mine -i results=export.csv --preview 3

` + "`sluice docs show first-bundle`" + ` goes from a file that no bundle knows to a tested bundle, ` + "`sluice docs show bundle-format`" + `
describes all that a bundle may say.`},
}

// newHelp is `sluice help`, which also knows topics, and refuses what it does not know.
func (a *app) newHelp() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "help [COMMAND or TOPIC]",
		Short:   "Help about a command or a topic",
		Long:    "Help about a command, or about a topic:\n",
		Example: "  sluice help transform\n  sluice help exit-codes",
	}
	for _, t := range topics {
		cmd.Long += fmt.Sprintf("\n  %-12s %s", t.name, t.short)
	}
	cmd.ValidArgsFunction = func(_ *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		of, _, err := a.root.Find(args)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return begun(typed, helped(of)), cobra.ShellCompDirectiveNoFileComp
	}
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		if i := slices.IndexFunc(topics, func(t struct{ name, short, text string }) bool { return len(args) == 1 && t.name == args[0] }); i >= 0 {
			a.screen.say("%s", reflow(topics[i].text))
			return a.screen.result(map[string]string{"topic": topics[i].name, "text": topics[i].text})
		}
		of, rest, err := a.root.Find(args)
		if err != nil || len(rest) > 0 {
			unknown := cmp.Or(append(rest, args...)...)
			return usage("Run `sluice --help`, which lists the commands, or name one of the topics: "+topicNames()+".",
				"there is no help on %q%s", unknown, diag.DidYouMean(unknown, helped(of)))
		}
		of.InitDefaultHelpFlag()
		return of.Help()
	}
	return cmd
}

// topicNames lists the topics.
func topicNames() string {
	var names []string
	for _, t := range topics {
		names = append(names, t.name)
	}
	return strings.Join(names, ", ")
}

// helpAsJSON gives a help text as an object where --json asks for one.
func helpAsJSON(plain func(*cobra.Command, []string)) func(*cobra.Command, []string) {
	return func(cmd *cobra.Command, args []string) {
		if asked, _ := cmd.Flags().GetBool("json"); !asked {
			plain(cmd, args)
			return
		}
		out := cmd.OutOrStdout()
		var text strings.Builder
		cmd.SetOut(&text)
		plain(cmd, args)
		object, _ := jsonl.Indented(map[string]string{"command": cmd.CommandPath(), "help": text.String()}) // two texts
		_, _ = out.Write(object)
	}
}

// helped are the commands of a command, and for the whole program the topics too.
func helped(of *cobra.Command) []string {
	var all []string
	for _, c := range of.Commands() {
		if !c.Hidden {
			all = append(all, c.Name())
		}
	}
	if !of.HasParent() {
		for _, t := range topics {
			all = append(all, t.name)
		}
	}
	return all
}
