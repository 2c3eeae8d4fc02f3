package catalog

import (
	"bytes"
	"slices"

	"github.com/sluice-edfi/sluice/pkg/keyset"
	"github.com/sluice-edfi/sluice/pkg/schema"
)

// Answer is what is known of a descriptor value or of the record behind a reference.
type Answer uint8

// The answers.
const (
	NotAsked   Answer = iota // nobody asked yet
	Present                  // the target has it
	Absent                   // the target does not have it
	Unreadable               // the credential may not read where it would be
)

// Referent is what a reference may mean: the records of one resource, or of all the resources that
// an abstract reference stands for. References to the same are looked up together.
type Referent struct {
	abstract  string
	resources []string
	salt      keyset.Key // keeps references to different referents apart in one set
	open      []uint32
}

// Name says what it is: students, an education organization.
func (r *Referent) Name() string {
	if r.abstract != "" {
		return r.abstract
	}
	return r.resources[0]
}

// Unanswered is how many different references to it wait for an answer.
func (r *Referent) Unanswered() int { return len(r.open) }

// Key is the key under which a use of a reference is collected.
func (r *Referent) Key(u *schema.ReferenceUse) keyset.Key {
	key := u.HashFor(r.resources[0])
	for i := range key {
		key[i] ^= r.salt[i]
	}
	return key
}

// lookup is a reference with the parts of its key. They are kept as long as it may be asked for by
// them.
type lookup struct {
	reference *schema.Reference
	parts     []schema.KeyValue // in the order of its keys
	hashes    []keyset.Key      // of the record it means, at each of the referent's resources
}

// keepLookups is how many references to one resource may be asked for one by one; with more of them
// the whole collection is read, and a hash is enough.
const keepLookups = 2000

// References collects the distinct references that only the target can answer, and its answers. One
// set holds both them and the keys of the collections that were read. It is owned by one goroutine.
type References struct {
	catalog     *Catalog
	set         keyset.Set
	answers     keyset.List[Answer]
	referents   []*Referent // in order of first use
	lookups     map[uint32]*lookup
	collections map[string]*collection
}

// References begins a collection of references. Without a catalog they can be collected, but not
// asked for.
func (c *Catalog) References() *References {
	return &References{catalog: c, lookups: map[uint32]*lookup{}, collections: map[string]*collection{}}
}

// Referent finds or makes what a reference may mean.
func (q *References) Referent(ref *schema.Reference) *Referent {
	for _, r := range q.referents {
		if r.abstract == ref.Abstract && slices.Equal(r.resources, ref.Targets) {
			return r
		}
	}
	r := &Referent{abstract: ref.Abstract, resources: ref.Targets}
	if r.abstract != "" {
		r.salt[15] = byte(len(q.referents)%255 + 1)
	}
	q.referents = append(q.referents, r)
	return r
}

// Add collects a reference under its key and gives its number. use words it; it is called only for
// one not met before whose parts are still of use.
func (q *References) Add(r *Referent, key keyset.Key, use func() (*schema.ReferenceUse, error)) (uint32, error) {
	n, fresh := q.set.Add(key)
	if !fresh {
		return n, nil // met before, or in a collection that was read
	}
	q.answers.Append(NotAsked)
	r.open = append(r.open, n)
	if len(r.open) > keepLookups && r.abstract == "" {
		return n, nil
	}
	u, err := use()
	if err != nil {
		return 0, err
	}
	l := &lookup{reference: u.Reference, parts: make([]schema.KeyValue, len(u.Parts)), hashes: make([]keyset.Key, len(r.resources))}
	for i, p := range u.Parts {
		l.parts[i] = schema.KeyValue{Name: p.Name, Value: bytes.Clone(p.Value)}
	}
	for i, name := range r.resources {
		l.hashes[i] = u.HashFor(name)
	}
	q.lookups[n] = l
	return n, nil
}

// Find is the number of a reference that was collected.
func (q *References) Find(key keyset.Key) (uint32, bool) { return q.set.Find(key) }

// Answer is what is known of a reference by its number.
func (q *References) Answer(n uint32) Answer { return *q.answers.At(n) }

// know notes that the target has the record with this key.
func (q *References) know(key keyset.Key) {
	n, fresh := q.set.Add(key)
	if fresh {
		q.answers.Append(Present)
		return
	}
	*q.answers.At(n) = Present
}

// present reports whether the record that reference n means is known at the t-th resource of r.
func (q *References) present(n uint32, t int) bool {
	answer := q.answers.At(n)
	if l := q.lookups[n]; l != nil {
		known, ok := q.set.Find(l.hashes[t])
		if ok && *q.answers.At(known) == Present {
			*answer = Present
		}
	} // else there is one resource only, and the reference's key is the record's
	return *answer == Present
}
