package bundle

import (
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// Unusable is the error of a bundle whose problems keep it from being used. Where nothing is wrong with
// the bundle itself, but with parameters, overlays or a roster column, it does not blame the bundle. lint is the
// command that shows the problems.
func Unusable(ref string, problems diag.List, lint string) error {
	problems.Sort()
	own := func(p diag.Problem) bool {
		return strings.HasPrefix(string(p.Code), "BND-") && p.Code != diag.BundleOverlay && p.Level <= diag.LevelError
	}
	if !slices.ContainsFunc(problems, own) {
		first := slices.IndexFunc(problems, func(p diag.Problem) bool { return p.Level <= diag.LevelError })
		return &diag.Error{Kind: diag.Usage, Code: problems[first].Code, Problems: problems,
			Message: "bundle " + ref + " cannot be used like this; nothing was run", Next: "Correct what is listed, then run the same command again."}
	}
	return &diag.Error{Kind: diag.Usage, Code: diag.BundleValue, Problems: problems,
		Message: "bundle " + ref + " has problems; nothing was run", Next: "Correct them, then run `" + lint + "`."}
}
