package expression

import (
	"slices"
	"strings"
)

// mostChoices is how many values a message lists.
const mostChoices = 12

// Choice is the values that a column has, for advice.
func (t *Table) Choice(column int) string {
	var all []string
	for _, r := range t.Rows {
		if c := r.Cells[column]; c != "" && !slices.Contains(all, c) {
			all = append(all, c)
		}
	}
	return OneOf(all)
}

// OneOf lists values for advice.
func OneOf(all []string) string {
	switch n := len(all); {
	case n == 0:
		return "a value"
	case n > mostChoices:
		return "one of " + strings.Join(all[:mostChoices], ", ") + ", …"
	}
	return "one of " + strings.Join(all, ", ")
}
