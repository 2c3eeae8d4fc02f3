package diag

import (
	"cmp"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// Nearest returns up to n of the known names, nearest first: those of which name may be a slip of the
// keyboard or the beginning. A difference in case alone counts as half a slip.
func Nearest(name string, known []string, n int) []string {
	type near struct {
		name string
		half int // half slips
		full int // the same between the whole names
	}
	var all []near
	for _, k := range known {
		d := 2 * levenshtein.ComputeDistance(strings.ToLower(name), strings.ToLower(k))
		if swapped(strings.ToLower(name), strings.ToLower(k)) {
			d = 2 // two keys in the wrong order are one slip
		}
		full := d
		if k != name && d == 0 {
			d = 1
		}
		if begins(k, name) || begins(name, k) || ends(k, name) {
			d = min(d, 2) // a word cut short: Math for Mathematics
		}
		if d <= 2*((len([]rune(name))+2)/3) {
			all = append(all, near{k, d, full})
		}
	}
	slices.SortStableFunc(all, func(a, b near) int {
		return cmp.Or(cmp.Compare(a.half, b.half), cmp.Compare(a.full, b.full), cmp.Compare(a.name, b.name))
	})
	out := make([]string, 0, n)
	for _, k := range all[:min(n, len(all))] {
		out = append(out, k.name)
	}
	return out
}

// swapped reports whether two words differ in two neighbouring letters that changed places.
func swapped(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	return i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
}

// ends reports whether a name is whole words at the end of another: map-growth of nwea-map-growth.
func ends(long, short string) bool {
	return len(short) >= 4 && strings.HasSuffix(strings.ToLower(long), "-"+strings.ToLower(short))
}

func begins(long, short string) bool {
	return len(short) >= 4 && strings.HasPrefix(strings.ToLower(long), strings.ToLower(short))
}
