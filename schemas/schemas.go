// Package schemas embeds the data standards that sluice carries: one folder for each, written by
// the generator in gen and read by pkg/schema. README.md says what the files hold.
package schemas

import "embed"

// FS holds ds-<version>/… for each embedded data standard.
//
//go:embed all:ds-3.3 all:ds-4.0 all:ds-5.0 all:ds-5.1 all:ds-5.2 all:ds-6.0
var FS embed.FS
