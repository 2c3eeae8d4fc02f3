// Package docs holds the pages that a user without the repository needs: the binary carries them.
package docs

import "embed"

// FS holds the tutorial and the description of the bundle format.
//
//go:embed first-bundle.md bundle-format.md
var FS embed.FS
