package sandbox

import "sync"

// value is a descriptor value that exists.
type value struct {
	key  key
	text string // namespace#codeValue as stored
}

// values are the values of one descriptor endpoint. Safe for concurrent use.
type values struct {
	mu     sync.RWMutex
	spelt  map[string]*value // as stored: the usual way to ask
	folded map[string]*value
}

func newValues() *values {
	return &values{spelt: map[string]*value{}, folded: map[string]*value{}}
}

// find finds a value, whatever its case.
func (v *values) find(text []byte) *value {
	v.mu.RLock()
	defer v.mu.RUnlock()
	if found, ok := v.spelt[string(text)]; ok {
		return found
	}
	return v.folded[string(appendFold(nil, text))]
}

// set adds a value, or gives it another spelling.
func (v *values) set(k key, text string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	folded := string(appendFold(nil, []byte(text)))
	if old, ok := v.folded[folded]; ok {
		delete(v.spelt, old.text)
	}
	found := &value{key: k, text: text}
	v.spelt[text], v.folded[folded] = found, found
}

// remove takes the value away.
func (v *values) remove(text string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	folded := string(appendFold(nil, []byte(text)))
	if old, ok := v.folded[folded]; ok {
		delete(v.spelt, old.text)
		delete(v.folded, folded)
	}
}
