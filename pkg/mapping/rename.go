package mapping

import (
	"slices"

	"github.com/sluice-edfi/sluice/pkg/jsonl"
)

// Renamer gives parts of natural keys other texts than the bundle does. Workers use it at the same time.
type Renamer interface {
	// Rename gives the text of a part, and the decision to count; ok is false for a record that keeps its own.
	Rename(resource string, names []string, key func(part int) string) (part int, text string, as Decision, ok bool)
}

// rename changes a part of the natural key of a record that was made, where it is decided so.
func (r *Worker) rename(u *unit, dst []byte) []byte {
	spans := r.keyParts[:len(u.source.names)]
	part, text, as, ok := r.renamer.Rename(u.source.name, u.source.names, func(i int) string { return jsonText(dst[spans[i].start:spans[i].end]) })
	if !ok {
		return dst
	}
	at, size := spans[part], len(dst)
	dst = slices.Replace(dst, at.start, at.end, jsonl.AppendString(nil, text)...)
	for i := range spans {
		if spans[i].start > at.start {
			spans[i].start += len(dst) - size
		}
		if spans[i].end >= at.end {
			spans[i].end += len(dst) - size
		}
	}
	id := slices.IndexFunc(r.made, func(d *Decision) bool { return *d == as })
	if id < 0 {
		id = len(r.made)
		r.made = append(r.made, &as)
	}
	r.log = append(r.log, int32(len(r.plan.decisions)+id))
	return dst
}
