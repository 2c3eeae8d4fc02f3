// Package schemas embeds the data standards that sluice carries: one folder for each, written by
// the generator in gen and read by pkg/schema. README.md says what the files hold.
package schemas

import "embed"

// FS holds ds-<version>/… for each embedded data standard.
//
//go:embed all:ds-5.1
var FS embed.FS
