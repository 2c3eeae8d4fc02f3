// Package docs holds the pages that a user without the repository needs: the binary carries them.
package docs

import "embed"

// FS holds the tutorial, the descriptions of the bundle format and of rules.yaml, and the change from another loader.
//
//go:embed first-bundle.md bundle-format.md changeover.md rules.md
var FS embed.FS
