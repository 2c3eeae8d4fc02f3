package validate

import (
	"bytes"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/schema"
)

// link is what the gate knows of one reference property of the resource under judgement.
type link struct {
	ref    *schema.Reference
	path   string    // $.studentObjectiveAssessments[*].objectiveAssessmentReference
	nested bool      // inside a collection: many a record
	self   bool      // the resource itself is among the targets
	staged []*judged // targets that are staged and judged already
	aim    *aim      // what it points at, at the target

	lastForeign uint32 // line last counted by resource.foreign
}

// fewValues is how many different values a reference may have for lines to share sets of them.
const fewValues = 4096

// few reports whether lines probably have this reference in common.
func (l *link) few() bool { return l.nested || len(l.aim.open) < fewValues }

// name says what the reference points at: students, an education organization.
func (a *aim) name() string {
	if a.abstract != "" {
		return a.abstract
	}
	return a.targets[0]
}

// aim is a set of target resources that references share: one resource, or all that an abstract
// reference may mean.
type aim struct {
	abstract string
	targets  []string
	salt     hash // keeps references of different aims apart in one set
	open     []uint32
}

// fate is what the target said of a reference.
type fate uint8

const (
	fateOpen    fate = iota // not asked yet
	fatePresent             // there
	fateAbsent              // not there
	fateUnread              // the credential may not read where it would be
)

// wanted is a reference that is not staged. Its parts are kept as long as it may be asked by key.
type wanted struct {
	parts  []schema.KeyValue
	hashes []hash // Key.Hash at each of aim.targets
}

// keepWanted is how many references of one resource may be asked for one by one; with more of
// them the whole collection is read, and a hash is enough.
const keepWanted = 2000

// inquiry collects the distinct references that only the target can answer, and its answers; one
// set holds both them and the keys of collections that were read. It is owned by the goroutine that receives judged blocks.
type inquiry struct {
	set   keySet
	fates []fate
	aims  []*aim // in order of first use
	kept  map[uint32]*wanted
}

func newInquiry() *inquiry { return &inquiry{kept: map[uint32]*wanted{}} }

// aimOf finds or makes the aim of a reference's targets.
func (q *inquiry) aimOf(ref *schema.Reference) *aim {
	for _, a := range q.aims {
		if a.abstract == ref.Abstract && sameNames(a.targets, ref.Targets) {
			return a
		}
	}
	a := &aim{abstract: ref.Abstract, targets: ref.Targets}
	if a.abstract != "" {
		a.salt[15] = byte(len(q.aims)%255 + 1)
	}
	q.aims = append(q.aims, a)
	return a
}

func sameNames(a, b []string) bool { return strings.Join(a, " ") == strings.Join(b, " ") }

// at is the key of the record that u means, if it is one of target.
func at(u *schema.ReferenceUse, target string) hash {
	if len(u.Reference.Targets) == 1 {
		return u.Hash
	}
	return u.HashFor(target)
}

// id is the hash under which a use is collected.
func (a *aim) id(u *schema.ReferenceUse) hash {
	h := at(u, a.targets[0])
	for i := range h {
		h[i] ^= a.salt[i]
	}
	return h
}

// add collects a reference; use words it, and is called only for one not met before whose parts
// are still of use.
func (q *inquiry) add(a *aim, id hash, use func() (*schema.ReferenceUse, error)) (uint32, error) {
	n, fresh := q.set.add(id)
	if !fresh {
		return n, nil // met before, or in a collection that was read
	}
	q.fates = append(q.fates, fateOpen)
	a.open = append(a.open, n)
	if len(a.open) > keepWanted && a.abstract == "" {
		return n, nil
	}
	u, err := use()
	if err != nil {
		return 0, err
	}
	w := &wanted{parts: make([]schema.KeyValue, len(u.Parts)), hashes: make([]hash, len(a.targets))}
	for i, p := range u.Parts {
		w.parts[i] = schema.KeyValue{Name: p.Name, Value: bytes.Clone(p.Value)}
	}
	for i, t := range a.targets {
		w.hashes[i] = at(u, t)
	}
	q.kept[n] = w
	return n, nil
}

// know notes that the target has the record with this key.
func (q *inquiry) know(key hash) {
	n, fresh := q.set.add(key)
	if fresh {
		q.fates = append(q.fates, fatePresent)
	}
	q.fates[n] = fatePresent
}

// present reports whether the record that reference n means is known at aim.targets[t].
func (q *inquiry) present(a *aim, n uint32, t int) bool {
	w := q.kept[n]
	if w == nil {
		return q.fates[n] == fatePresent // one target only: the id is the key
	}
	known, ok := q.set.find(w.hashes[t])
	if ok && q.fates[known] == fatePresent {
		q.fates[n] = fatePresent
	}
	return q.fates[n] == fatePresent
}

// openList remembers which lines wait for which answers: 4 bytes a line and 4 a reference, but the
// references inside collections and those with few different values are kept as sets, of which a
// file has few: mostly 12 bytes a line.
type openList struct {
	words  words
	sets   [][]uint32
	bySet  map[string]uint32
	nested []uint32
	key    []byte
}

const (
	openLine = 1 << 31 // the word is a line
	openSet  = 1 << 30 // the word is a set of references
	maxSets  = 1 << 16
)

// begin starts a line's references.
func (l *openList) begin(line uint32) { l.words.append(line | openLine) }

// add adds reference n to the line begun; as part of a set if its like has few values.
func (l *openList) add(n uint32, few bool) {
	if few {
		l.nested = append(l.nested, n)
		return
	}
	l.words.append(n)
}

// end completes the line.
func (l *openList) end() {
	if len(l.nested) < 2 || len(l.sets) == maxSets {
		for _, n := range l.nested {
			l.words.append(n)
		}
		l.nested = l.nested[:0]
		return
	}
	l.key = l.key[:0]
	for _, n := range l.nested {
		l.key = append(l.key, byte(n), byte(n>>8), byte(n>>16), byte(n>>24))
	}
	set, ok := l.bySet[string(l.key)]
	if !ok {
		if l.bySet == nil {
			l.bySet = map[string]uint32{}
		}
		set = uint32(len(l.sets))
		l.sets = append(l.sets, append([]uint32(nil), l.nested...))
		l.bySet[string(l.key)] = set
	}
	l.words.append(set | openSet)
	l.nested = l.nested[:0]
}

// worst calls yield for each line with the worst fate among its references.
func (l *openList) worst(fates []fate, yield func(line uint32, f fate)) {
	line, worst := uint32(0), fatePresent
	see := func(n uint32) {
		switch f := fates[n]; {
		case f == fateAbsent:
			worst = fateAbsent
		case f == fateUnread && worst != fateAbsent:
			worst = fateUnread
		}
	}
	for w := range l.words.all {
		switch {
		case w&openLine != 0:
			if line != 0 {
				yield(line, worst)
			}
			line, worst = w&^openLine, fatePresent
		case w&openSet != 0:
			for _, n := range l.sets[w&^openSet] {
				see(n)
			}
		default:
			see(w)
		}
	}
	if line != 0 {
		yield(line, worst)
	}
}
