package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/pipeline"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/source"
)

// transformOptions are the flags of transform and run.
type transformOptions struct {
	inputs     []string
	params     []string
	student    string
	run        string
	allowEmpty bool
	encodings  []string
	delimiters []string

	onlyRejectsOf string
	rematch       bool
}

func (o *transformOptions) add(flags *pflag.FlagSet) {
	flags.StringArrayVarP(&o.inputs, "input", "i", nil, "an input of the bundle: `NAME=FILE`, where FILE may be a pattern, or - for standard input; again for more")
	flags.StringArrayVarP(&o.params, "param", "p", nil, "a parameter of the bundle: `NAME=VALUE`; again for more")
	flags.StringVar(&o.student, "student", "", "read students' ids from this `COLUMN` (default: the tenant's roster.column, else the first that a file has)")
	flags.StringVar(&o.run, "run", "", "`FOLDER` of the run (default: runs/TENANT/TIME-BUNDLE beside sluice.yaml)")
	flags.StringArrayVar(&o.encodings, "encoding", nil, "how the files of an input are encoded today: `INPUT=NAME`, such as results=windows-1252; again for more")
	flags.StringArrayVar(&o.delimiters, "delimiter", nil, "what separates their cells today: `INPUT=CHARACTER`, which may be written as tab, comma, semicolon or bar; again for more")
	flags.StringVar(&o.onlyRejectsOf, "only-rejects-of", "", "in place of --input: the rows in rejects/ of a `RUN` of the same bundle and tenant, with its parameters")
	flags.BoolVar(&o.rematch, "rematch", false, "with roster.match: auto, choose anew by which column and system students are known")
	flags.BoolVar(&o.allowEmpty, "allow-empty", false, "exit 0 with nothing done if no file matches any pattern of --input")
}

// completeInputs completes the flags of transform and run.
func (a *app) completeInputs(cmd *cobra.Command) {
	completes(cmd, "param", a.completeOf("=", paramsOf))
	completes(cmd, "only-rejects-of", a.completeRuns)
	for _, flag := range []string{"input", "encoding", "delimiter"} {
		completes(cmd, flag, a.completeOf("=", inputsOf))
	}
}

// request is what the flags ask for.
func (o *transformOptions) request(a *app, ref string) (pipeline.Request, error) {
	if err := a.retry(ref, o); err != nil {
		return pipeline.Request{}, err
	}
	params, err := pairs("--param", o.params)
	if err != nil {
		return pipeline.Request{}, err
	}
	encodings, err := pairs("--encoding", o.encodings)
	if err != nil {
		return pipeline.Request{}, err
	}
	delimiters, err := pairs("--delimiter", o.delimiters)
	read := map[string]bundle.Reading{}
	for _, given := range []map[string]string{encodings, delimiters} {
		for in := range given {
			read[in] = bundle.Reading{Encoding: encodings[in], Delimiter: delimiters[in]}
		}
	}
	return pipeline.Request{Bundle: ref, Inputs: o.inputs, Params: params, Student: o.student, Read: read, Run: o.run, Rematch: o.rematch, Retry: o.onlyRejectsOf != ""}, err
}

// ended is how a command ended that found no files where none need be.
func (o *transformOptions) ended(a *app, outcome runs.Outcome, err error) (runs.Outcome, error) {
	if !o.allowEmpty || !errors.Is(err, source.ErrNoFiles) {
		return outcome, err
	}
	e, _ := diag.AsError(err)
	a.screen.say("nothing to do: no file matches %s", e.Message)
	return runs.Done, a.screen.result(map[string]any{"exit": runs.Done, "nothingToDo": "no file matches " + e.Message})
}

func (a *app) newTransform() *cobra.Command {
	var o transformOptions
	var preview int
	cmd := &cobra.Command{
		Use:   "transform BUNDLE --input NAME=FILE …",
		Short: "Vendor files into staged Ed-Fi records",
		Long: `Maps vendor files to Ed-Fi records by a bundle and stages them in a run directory, one
JSON object a line. BUNDLE is a path to a folder (it holds a separator) or name[@version],
looked up in the folders of sluice.yaml and among those in this binary.

Every row is accounted for: read = used + filtered + duplicate + other + unmatched + rejected.
What is wrong is listed with file, line and column in problems/, rejected rows are kept
verbatim in rejects/, values without a mapping in unmapped.csv.

Students' ids are read from one column, in all files of a run and in all runs of a tenant that
are loaded. Where files would take them from another one, the run stops with exit status 5;
--student COLUMN (the header, or the bundle's name) says which it is, from then on too. A tenant
with roster.student_ids or roster.match has its ids looked up in its roster instead, in all columns
that the bundle lists; --student then names the only one.

Rows whose student was not known are tried again with --only-rejects-of RUN, after the next
` + "`sluice roster pull`" + `; so is whatever else stands in the run's rejects/, corrected or not.

With --preview N nothing is written: the records of the first N rows of each input are printed
with their lines; of a row that gives none it says whether it is filtered, another district's
(other), a duplicate or rejected. It reads no more than these rows, except for an input that has
a key (only all of its rows together say which of them stay) and for stdin. Records of tables are
not in a preview, and it cannot tell what the rows after these would change.`,
		Example: `  sluice transform nwea-map-growth --input results=export.csv --param school_year=2026 --tenant gb
  sluice transform ./bundles/mine -i results='exports/*.csv' --run r1
  sluice transform nwea-map-growth -i results=export.csv -p school_year=2026 --preview 3
  sluice transform nwea-map-growth --only-rejects-of latest --tenant gb
  zcat export.csv.gz | sluice transform nwea-map-growth -i results=- -p school_year=2026`,
		Args:              a.bundleAndInputs,
		ValidArgsFunction: first(a.completeBundles),
		RunE: a.action(func(cmd *cobra.Command, args []string) (runs.Outcome, error) {
			if cmd.Flags().Changed("preview") {
				return a.runPreview(cmd.Context(), args[0], o, preview)
			}
			outcome, err := a.runTransform(cmd.Context(), args[0], o)
			return o.ended(a, outcome, err)
		}),
	}
	o.add(cmd.Flags())
	cmd.Flags().IntVar(&preview, "preview", 0, "print the records of the first `N` rows of each input (1 to 10,000), and write nothing")
	completes(cmd, "preview", words("1", "10", "100"))
	a.completeInputs(cmd)
	return cmd
}

func (a *app) runTransform(ctx context.Context, ref string, o transformOptions) (runs.Outcome, error) {
	q, err := o.request(a, ref)
	if err != nil {
		return 0, err
	}
	x, err := a.writing("sluice transform", a.Tenant)
	if err != nil {
		return 0, err
	}
	defer a.closing(x)
	if err := x.Create(ctx, q); err != nil {
		return 0, err
	}
	outcome, err := x.Transform(ctx)
	if err != nil {
		return outcome, err
	}
	return outcome, a.finish(x.Run(), outcome, a.nextOf(x.Run()))
}
