package validate

import (
	"fmt"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/schema"
)

// guardRun refuses to judge a run for a tenant that it was not made for, or one that is not whole.
func guardRun(o Options) error {
	r := o.Run
	if r.Stages[runs.Transform] != nil && !r.Finished(runs.Transform) {
		return diag.Fail(diag.Usage, diag.ConfigRun, "run `sluice transform` again with --run "+diag.ShellWord(r.Path), "transform of the run %s did not finish, so what is staged may be incomplete", r.Path)
	}
	switch {
	case r.Tenant == o.Tenant && (r.Tenant != "" || o.Client == nil):
		return nil
	case r.Tenant == "" && o.Client == nil:
		return nil // offline the tenant adds nothing
	case r.Tenant == "":
		return diag.Fail(diag.Usage, diag.ConfigTenant, fmt.Sprintf("run `sluice validate %s --offline`, or `sluice transform` again with --tenant %s", diag.ShellWord(r.Path), o.Tenant),
			"the run was transformed without a tenant: it can be validated offline only")
	case o.Tenant == "" && o.Client == nil:
		return nil // the run says whose it is
	}
	return diag.Fail(diag.Usage, diag.ConfigTenant, fmt.Sprintf("run `sluice validate %s --tenant %s`", diag.ShellWord(r.Path), r.Tenant),
		"the run was transformed for the tenant %q, not for %q", r.Tenant, o.Tenant)
}

// guardStandard stops a run that was shaped for another major data standard.
func guardStandard(r *runs.Run, version string, online bool) error {
	if r.DataStandard == "" || version == "" || schema.SameMajor(r.DataStandard, version) {
		return nil
	}
	who := "the target has"
	if !online {
		who = "it would be judged by"
	}
	return diag.Fail(diag.Guarded, diag.StandardMismatch, fmt.Sprintf("set `data_standard: %q` for the tenant, then run `sluice transform` again", version),
		"the run was shaped for data standard %s, %s %s", r.DataStandard, who, version)
}
