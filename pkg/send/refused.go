package send

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/sluice-edfi/sluice/pkg/ledger"
	"github.com/sluice-edfi/sluice/pkg/schema"
)

// refused is what the target did not accept in this run, for whatever reason, and does not hold otherwise:
// what refers to it stays behind. It holds hashes of natural keys, and descriptor values in the form in
// which targets compare them, with where these records end.
type refused struct {
	any         atomic.Bool
	mu          sync.RWMutex // guards both
	keys        map[ledger.Hash]outcome
	descriptors map[string]outcome
}

func newRefused() *refused {
	return &refused{keys: map[ledger.Hash]outcome{}, descriptors: map[string]outcome{}}
}

// add notes a record that was not accepted.
func (r *refused) add(res *schema.Resource, key *schema.Key, o outcome) {
	if !key.OK {
		return // nothing can refer to it
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.any.Store(true)
	r.keys[key.Hash] = o
	if res != nil && res.Descriptor != "" {
		r.descriptors[descriptorKey(res.Name, descriptorOf(key))] = o
	}
}

// descriptorOf is how other records write a descriptor record: namespace#codeValue.
func descriptorOf(key *schema.Key) []byte {
	return slices.Concat(key.Part("namespace"), []byte{'#'}, key.Part("codeValue"))
}

func descriptorKey(endpoint string, value []byte) string {
	return endpoint + " " + string(schema.FoldDescriptor(nil, value))
}

// blocker is what keeps a record back.
type blocker struct {
	path, what string // what is the kind of record referred to, never its key
	key        string
	pending    bool // it was not refused: the target did not say whether it took it
}

// blocks finds the first thing that the record refers to and that was not accepted. One that was refused
// goes before one that is pending.
func (r *refused) blocks(std *schema.Standard, rec *schema.Record) (by blocker, ok bool) {
	if !r.any.Load() {
		return blocker{}, false
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	note := func(place schema.Place, what, key string, o outcome) {
		if !ok || by.pending && o != pending {
			by, ok = blocker{place.String(), what, key, o == pending}, true
		}
	}
	for i := range rec.References {
		u := &rec.References[i]
		for _, name := range u.Reference.Targets {
			if o, known := r.keys[u.HashFor(name)]; known {
				note(u.Place, name, u.String(), o)
			}
		}
	}
	if len(r.descriptors) == 0 {
		return by, ok
	}
	for i := range rec.Descriptors {
		u := &rec.Descriptors[i]
		res, known := std.DescriptorResource(u.Type)
		if !known {
			continue
		}
		if o, known := r.descriptors[descriptorKey(res.Name, u.Value)]; known {
			note(u.Place, res.Name, string(u.Value), o)
		}
	}
	return by, ok
}
