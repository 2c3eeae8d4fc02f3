package send

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/sluice-edfi/sluice/pkg/ledger"
	"github.com/sluice-edfi/sluice/pkg/schema"
)

// refused is what the target did not accept in this run, for whatever reason: what refers to it
// stays behind. It holds hashes of natural keys, and descriptor values in the form in which targets
// compare them.
type refused struct {
	any         atomic.Bool
	mu          sync.RWMutex // guards both
	keys        map[ledger.Hash]struct{}
	descriptors map[string]struct{}
}

func newRefused() *refused {
	return &refused{keys: map[ledger.Hash]struct{}{}, descriptors: map[string]struct{}{}}
}

// add notes a record that was not accepted.
func (r *refused) add(res *schema.Resource, key *schema.Key) {
	if !key.OK {
		return // nothing can refer to it
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.any.Store(true)
	r.keys[key.Hash] = struct{}{}
	if res != nil && res.Descriptor != "" {
		r.descriptors[descriptorKey(res.Name, descriptorOf(key))] = struct{}{}
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
}

// blocks finds the first thing that the record refers to and that was not accepted.
func (r *refused) blocks(std *schema.Standard, rec *schema.Record) (blocker, bool) {
	if !r.any.Load() {
		return blocker{}, false
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	for i := range rec.References {
		u := &rec.References[i]
		for _, name := range u.Reference.Targets {
			if _, ok := r.keys[u.HashFor(name)]; ok {
				return blocker{u.Place.String(), name, u.String()}, true
			}
		}
	}
	if len(r.descriptors) == 0 {
		return blocker{}, false
	}
	for i := range rec.Descriptors {
		u := &rec.Descriptors[i]
		res, ok := std.DescriptorResource(u.Type)
		if !ok {
			continue
		}
		if _, ok := r.descriptors[descriptorKey(res.Name, u.Value)]; ok {
			return blocker{u.Place.String(), res.Name, string(u.Value)}, true
		}
	}
	return blocker{}, false
}
