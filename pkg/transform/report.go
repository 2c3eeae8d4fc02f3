package transform

import "github.com/sluice-edfi/sluice/pkg/diag"

// problems collects what is wrong with a bundle. Parts are compiled again for every element, layout
// and data standard, so the same words at the same place count once.
type problems struct {
	list diag.List
	seen map[diag.Problem]bool
	rows map[diag.Problem]diag.Pos // the table's row that a problem of a record was reported for
	met  int                       // how often something wrong was met, known or not
}

// shared reports whether a problem of a record was reported for another row of its table.
func (p *problems) shared(d diag.Problem, row diag.Pos) bool {
	first, ok := p.rows[d]
	if ok && first != row {
		p.met++
		return true
	}
	if p.rows == nil {
		p.rows = map[diag.Problem]diag.Pos{}
	}
	p.rows[d] = row
	return false
}

func (p *problems) add(d diag.Problem) {
	p.met++
	if p.seen == nil {
		p.seen = map[diag.Problem]bool{}
	}
	if !p.seen[d] {
		p.seen[d] = true
		p.list = append(p.list, d)
	}
}
