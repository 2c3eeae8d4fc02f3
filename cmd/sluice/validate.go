package main

import (
	"cmp"
	"context"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sluice-edfi/sluice/pkg/pipeline"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// validateOptions are the flags of validate.
type validateOptions struct {
	offline, showPlan bool
	allOrNothing      bool
	acceptNew         bool
	run               string
}

func (o *validateOptions) add(flags *pflag.FlagSet) {
	flags.BoolVar(&o.offline, "offline", false, "judge without asking the target; the pass opens nothing")
	flags.BoolVar(&o.showPlan, "show-plan", false, "say how the target would be asked and what that would cost; do nothing else")
	addAllOrNothing(flags, &o.allOrNothing)
	addAcceptNew(flags, &o.acceptNew)
	flags.StringVar(&o.run, "run", "", "`FOLDER` of the run that is made of another tool's records (default: runs/TENANT/TIME-records beside sluice.yaml)")
}

func addAcceptNew(flags *pflag.FlagSet, accept *bool) {
	flags.BoolVar(accept, "accept-new", false, "do not look for results at the target under other identifiers: you have looked, and they are not there")
}

func addAllOrNothing(flags *pflag.FlagSet, whole *bool) {
	flags.BoolVar(whole, "all-or-nothing", false, "give no pass, and end with 5, if any row or record stayed behind: nothing of the run may be sent then")
}

func (a *app) newValidate() *cobra.Command {
	var o validateOptions
	cmd := &cobra.Command{
		Use:   "validate RUN|FOLDER",
		Short: "Would the target take the staged records?",
		Long: `Judges every staged record as the target would: schema, descriptors, natural keys and
references, against the target's own documents and data; or, offline, against what the target said
when it was last asked, or else the embedded data standard; which of them is said. Writes a verdict for each record and the pass that send asks for. An offline
pass opens nothing. The source rows of records that do not pass join those in rejects/.

Results that were not loaded from here are looked for at the target: another loader may have brought
the same events under identifiers of its own, or a part of their key was corrected. Such records do
not pass, and problems/same-events.csv lists them. If they are more than 1% of an assessment's records,
there is no pass (exit 5). ` + "`sluice target adopt`" + ` gives them the identifiers that the target has.

What the target must be asked is asked in bulk, in the cheaper way: one by one by key, or by
reading a whole collection. --show-plan says which way it would be and what it costs, and
does nothing: it only counts collections at the target.

With --all-or-nothing a run of which anything stayed behind gets no pass: rows that transform
rejected, records that are invalid, unchecked or need one of these. What the target refuses while it
is loaded cannot be taken back.

--format sarif and --format junit write the findings for CI servers: one entry for each cause, with the
first places where it was found; JUnit has a suite for each resource. Neither holds a student's data.

In place of a run it takes a FOLDER of records that another tool wrote: files of JSON lines, named
after their resource, as studentAssessments.jsonl (or .ndjson, .json), or any such files in a folder
studentAssessments. Upper and lower case of the names do not matter. It copies the records into a run,
where ` + "`send`" + ` finds them; what is wrong is told with file and line of the other tool's file. What
happens to the folder afterwards does not matter to the run.`,
		Example: `  sluice validate latest --tenant gb
  sluice validate r1 --offline
  sluice validate r1 --tenant gb --show-plan
  sluice validate r1 --tenant gb --all-or-nothing
  sluice validate r1 --offline --format junit > validate.xml
  sluice validate ./output --tenant gb --run r2`,
		Args:              exactArgs("RUN"),
		ValidArgsFunction: first(a.completeRunsAndFolders),
		RunE: a.action(func(cmd *cobra.Command, args []string) (runs.Outcome, error) {
			return a.runValidate(cmd.Context(), args[0], o)
		}),
	}
	o.add(cmd.Flags())
	addFormat(cmd)
	cmd.MarkFlagsMutuallyExclusive("offline", "show-plan")
	return cmd
}

// completeRunsAndFolders completes runs, and leaves folders to the shell.
func (a *app) completeRunsAndFolders(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	names, _ := a.completeRuns(cmd, args, typed)
	return names, cobra.ShellCompDirectiveDefault
}

// isRecords reports whether a name is that of a folder of records: one that is not a run, nor named like the short
// name of one.
func (a *app) isRecords(name string) bool {
	if info, err := os.Stat(name); err != nil || !info.IsDir() {
		return false
	}
	if _, err := os.Lstat(filepath.Join(name, "run.json")); err == nil {
		return false
	}
	_, err := a.findRun(name)
	return err != nil
}

// runToValidate is the run that a name stands for; nil for a folder of records.
func (a *app) runToValidate(name string, o validateOptions) (*runs.Run, error) {
	if a.isRecords(name) {
		if o.showPlan {
			return nil, usage("Make a run of it first: `"+a.command("validate", name, "--offline", "--tenant", cmp.Or(a.Tenant, "NAME"))+"`.",
				"--show-plan is for a run, and %s is a folder of records", name)
		}
		return nil, nil
	}
	r, err := a.findRun(name)
	if err == nil && o.run != "" {
		return nil, usage("Leave it out: "+name+" is a run.", "--run is for a folder of records of another tool")
	}
	return r, err
}

func (a *app) runValidate(ctx context.Context, name string, o validateOptions) (runs.Outcome, error) {
	r, err := a.runToValidate(name, o)
	if err != nil {
		return 0, err
	}
	if !o.offline && a.Tenant == "" {
		of := "NAME"
		if r != nil {
			of = cmp.Or(r.Tenant, of)
		}
		return 0, usage("Add --tenant "+of+", or --offline.", "validate asks the target of a tenant, and none is named")
	}
	x, err := a.writing("sluice validate", a.Tenant)
	if err != nil {
		return 0, err
	}
	defer a.closing(x)
	x.AcceptNew = o.acceptNew
	x.AllOrNothing = o.allOrNothing
	taken := runs.Done
	if r == nil {
		taken, err = x.TakeIn(ctx, pipeline.Records{Folder: name, Run: o.run, Offline: o.offline})
	} else {
		err = x.Open(r.Path)
	}
	if err != nil {
		return taken, err
	}
	if o.showPlan {
		return a.runPlan(ctx, x)
	}
	validate := x.Validate
	if o.offline {
		validate = x.ValidateOffline
	}
	outcome, err := validate(ctx)
	if err != nil {
		return outcome, err
	}
	outcome = max(outcome, taken)
	if err := a.printJudged(x.Run(), nil); err != nil {
		return outcome, err
	}
	return outcome, a.finish(x.Run(), outcome, a.nextOf(x.Run()))
}

func (a *app) runPlan(ctx context.Context, x *pipeline.Execution) (runs.Outcome, error) {
	plan, err := x.ShowPlan(ctx)
	if err != nil {
		return 0, err
	}
	a.sayPlan(plan)
	return runs.Done, a.screen.result(plan)
}
