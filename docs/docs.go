// Package docs holds the pages that a user without the repository needs: the binary carries them.
package docs

import "embed"

// FS holds the tutorial, and the descriptions of the bundle format and of rules.yaml.
//
//go:embed first-bundle.md bundle-format.md rules.md
var FS embed.FS
