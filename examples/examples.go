// Package examples owns the made-up vendor files that show what sluice does: map-growth is the
// demo's, awkward holds every kind of bad row.
package examples

import "embed"

// FS holds the examples, one folder each. The binary carries them so that the demo needs nothing else.
//
//go:embed map-growth awkward
var FS embed.FS
