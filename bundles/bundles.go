// Package bundles owns the mappings that the binary carries: one folder for each vendor export, as
// docs/bundle-format.md describes them. Fixtures stay in the repository; only what `bundle sample`
// needs of them is embedded.
package bundles

import "embed"

// FS holds the bundles, one folder each.
//
//go:embed */bundle.yaml */README.md */CHANGELOG.md */tables/*.csv */fixtures/sample.yaml
var FS embed.FS
