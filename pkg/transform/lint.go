package transform

import (
	"github.com/sluice-edfi/sluice/pkg/diag"
)

// Lint is what the bundle does and had better not (format §10).
func (p *Program) Lint() diag.List { return p.lints }

func (c *compiler) lintBundle() {}
