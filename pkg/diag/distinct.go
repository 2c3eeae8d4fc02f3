package diag

// Distinct collects problems of something that is looked at several times, as a bundle of which parts are compiled again
// for every element, layout and data standard: the same words at the same place count once.
type Distinct struct {
	List List
	Met  int // how often something wrong was met, known or not
	seen map[Problem]bool
	rows map[Problem]Pos // the row of a table for which a problem was reported
}

// Add adds a problem that is not known yet.
func (d *Distinct) Add(p Problem) {
	d.Met++
	if d.seen == nil {
		d.seen = map[Problem]bool{}
	}
	if !d.seen[p] {
		d.seen[p] = true
		d.List = append(d.List, p)
	}
}

// Shared reports whether a problem was reported for another row of its table, and remembers the first one.
func (d *Distinct) Shared(p Problem, row Pos) bool {
	first, ok := d.rows[p]
	if ok && first != row {
		d.Met++
		return true
	}
	if d.rows == nil {
		d.rows = map[Problem]Pos{}
	}
	d.rows[p] = row
	return false
}
