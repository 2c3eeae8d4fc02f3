// Package bundles owns the mappings that the binary carries: one folder for each vendor export, as
// docs/bundle-format.md describes them, with its fixtures: a copy can be changed and tested.
package bundles

import "embed"

// FS holds the bundles, one folder each.
//
//go:embed */bundle.yaml */rules.yaml */README.md */CHANGELOG.md */tables/*.csv */fixtures
var FS embed.FS
