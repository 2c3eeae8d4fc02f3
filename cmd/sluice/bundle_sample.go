package main

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sluice-edfi/sluice/pkg/durable"
	"github.com/sluice-edfi/sluice/pkg/mapping"
	"github.com/sluice-edfi/sluice/pkg/pipeline"
	"github.com/sluice-edfi/sluice/pkg/sample"
)

// sampleOptions are the flags of bundle sample.
type sampleOptions struct {
	sample.Request
	params []string
	output string
}

func (o *sampleOptions) add(flags *pflag.FlagSet) {
	flags.StringVar(&o.Input, "input", "", "`NAME` of the input (default: the only one)")
	flags.StringVar(&o.Layout, "layout", "", "`NAME` of the layout (default: the first)")
	flags.Int64Var(&o.Rows, "rows", 100, "`NUMBER` of rows")
	flags.Uint64Var(&o.Seed, "seed", 1, "a `NUMBER`; the same one makes the same file")
	flags.StringArrayVarP(&o.params, "param", "p", nil, "a parameter of the bundle that the values follow: `NAME=VALUE`; again for more")
	flags.StringVarP(&o.output, "output", "o", "", "`FILE` to write (default: stdout)")
}

func (a *app) newBundleSample() *cobra.Command {
	var o sampleOptions
	cmd := &cobra.Command{
		Use:   "sample BUNDLE",
		Short: "Write a synthetic vendor file that fits a bundle's contract",
		Long: `Writes a made-up file in the vendor's layout, from the bundle's contract: its header, then rows
with plausible values, each row another sitting. The same seed makes the same file. Students
are 600000 to 699999 and schools 2559013xx, which the sandbox knows.`,
		Example:           "  sluice bundle sample nwea-map-growth --rows 1000 --seed 1 -o sample.csv\n  sluice bundle sample curriculum-associates-i-ready --layout math --rows 10",
		Args:              exactArgs("BUNDLE"),
		ValidArgsFunction: first(a.completeBundles),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runBundleSample(cmd.Context(), args[0], o)
		},
	}
	o.add(cmd.Flags())
	completes(cmd, "input", a.completeOf("", inputsOf))
	completes(cmd, "layout", a.completeOf("", layoutsOf))
	completes(cmd, "param", a.completeOf("=", paramsOf))
	return cmd
}

func (a *app) runBundleSample(ctx context.Context, ref string, o sampleOptions) error {
	b, all, err := a.openBundle(ref)
	if err != nil {
		return err
	}
	if o.Rows < 0 {
		return usage("Give a number from 0 up.", "--rows must not be negative")
	}
	if o.Params, err = pairs("--param", o.params); err != nil {
		return err
	}
	program, err := a.compile(ctx, ref, mapping.Config{Bundle: b, Standards: all, Params: o.Params})
	if err != nil {
		return err
	}
	return a.writeSample(ctx, program, o.Request, o.output)
}

// writeSample streams the file to stdout, or to a file that is complete or absent.
func (a *app) writeSample(ctx context.Context, p *mapping.Program, q sample.Request, out string) error {
	if out == "" {
		if a.JSON {
			return usage("Add -o FILE.", "--json and the sample cannot both go to stdout")
		}
		err := sample.Write(cancellable{ctx, a.out}, p, q)
		if errors.Is(err, syscall.EPIPE) {
			return nil // the reader has enough
		}
		return err
	}
	err := durable.WriteWith(out, func(w io.Writer) error { return sample.Write(cancellable{ctx, w}, p, q) })
	if err != nil {
		return pipeline.DiskError(err)
	}
	path, err := filepath.Abs(out)
	if err != nil {
		return err
	}
	a.screen.note("%s: %s", plural(int(q.Rows), "row"), shownPath(path))
	return a.screen.result(map[string]any{"file": path, "rows": q.Rows, "seed": q.Seed})
}

// cancellable stops a long write when the command is interrupted.
type cancellable struct {
	ctx context.Context
	w   io.Writer
}

func (c cancellable) Write(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.w.Write(p)
}
