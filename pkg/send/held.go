package send

import (
	"errors"

	"github.com/sluice-edfi/sluice/pkg/catalog"
	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/pkg/target"
)

// Assessments, their objectives and descriptors are shared: they may be at the target already, and the
// credential may have no right to write them. So a new one is looked for before it is posted (of a large file
// once the target has refused one), and one that the target refuses to change does not block what refers to it. Where the credential may not even read it, the
// target decides: it refuses what refers to something that is not there.

// mostLookedUp is how many records a staged file may have for new ones to be looked for one by one before
// the target refuses to change any.
const mostLookedUp = 1000

// holding is what the target holds of a record.
type holding uint8

const (
	absent    holding = iota // nothing, as far as the credential can see
	unseen                   // that is not known: the credential may not read it
	otherwise                // a record with this key and another content
	asStaged                 // the same
)

// held asks the target for a record. One that it holds as it is staged is settled.
func (r *resource) held(ln *line, rec *record, key *schema.Key) holding {
	l := r.loader
	text, err := l.holds.Record(l.calls, r.name, key)
	if errors.Is(err, catalog.ErrDenied) {
		return unseen
	}
	if err != nil || text == nil {
		return absent // a target that cannot be asked says more when the record is posted
	}
	id := target.IDOf(text)
	if id == "" || !r.known.SameContent(ln.text, text) {
		return otherwise
	}
	rec.outcome = unchanged
	r.record(ln, rec, id)
	return asStaged
}

// shares reports whether other staged records may refer to those of a resource.
func (l *loader) shares(known *schema.Resource) bool {
	if known == nil || known.Descriptor != "" {
		return known != nil
	}
	for name := range l.staged {
		if other, ok := l.to.Standard.Resource(name); ok && other.RefersTo(known.Name) {
			return true
		}
	}
	return false
}
