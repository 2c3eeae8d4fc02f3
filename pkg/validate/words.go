package validate

import (
	"context"
	"strings"
	"sync"

	"github.com/sluice-edfi/sluice/pkg/schema"
)

// word is what is known of one descriptor value of one type.
type word uint8

const (
	wordUnknown word = iota // nobody knows it
	wordKnown               // at the target, in the embedded standard, or staged and valid
	wordSpoilt              // staged, but its record is not valid
	wordUnread              // the credential may not read this type
	wordForeign             // offline: a namespace of which only the target can tell
)

// edfiNamespace begins the values that ship with the data standard.
const edfiNamespace = "uri://ed-fi.org/"

// fold makes descriptor values comparable as targets compare them.
func fold(uri string) string { return string(schema.FoldDescriptor(nil, []byte(uri))) }

// host is the authority of a folded namespace: uri://acme.org.
func host(folded string) string {
	scheme, rest, ok := strings.Cut(folded, "://")
	if !ok {
		return folded
	}
	rest, _, _ = strings.Cut(rest, "/")
	rest, _, _ = strings.Cut(rest, "#")
	return scheme + "://" + rest
}

// vocabulary answers which descriptor values there are. What is staged is put in by stage before
// the records that use it are judged; from then on it is safe for concurrent use.
type vocabulary struct {
	standard *schema.Standard
	staged   map[string]map[string]stagedWord // endpoint → folded value
	hosts    map[string]bool                  // whose values are staged
	target   wordSource                       // nil: offline
	embedded map[string]map[string]bool       // endpoint → folded value, for offline

	mu   sync.Mutex
	sets map[string]*wordSet
}

// wordSource reads the values of a descriptor type, from the cache or, if fresh, from the target.
type wordSource interface {
	words(ctx context.Context, endpoint string, fresh bool) (wordSet, error)
}

// wordSet is the values of one descriptor type at the target.
type wordSet struct {
	values map[string]bool // folded
	fresh  bool            // read in this run: what is not in it does not exist
	denied bool            // the credential may not read them
}

// stagedWord is a descriptor that the run brings along.
type stagedWord struct {
	line int
	text string // as staged: two spellings of one value are worth a word
	good bool
}

func newVocabulary(std *schema.Standard, source wordSource, embedded []schema.DescriptorValue) *vocabulary {
	v := &vocabulary{standard: std, target: source, staged: map[string]map[string]stagedWord{}, hosts: map[string]bool{},
		embedded: map[string]map[string]bool{}, sets: map[string]*wordSet{}}
	if source != nil {
		return v
	}
	for _, d := range embedded {
		endpoint := v.endpoint(d.Type)
		if v.embedded[endpoint] == nil {
			v.embedded[endpoint] = map[string]bool{}
		}
		v.embedded[endpoint][fold(d.Namespace+"#"+d.CodeValue)] = true
	}
	return v
}

// endpoint is the resource of a descriptor type; documents differ in the case of type names.
func (v *vocabulary) endpoint(typ string) string {
	if r, ok := v.standard.DescriptorResource(typ); ok {
		return r.Name
	}
	return typ
}

// stage puts in a value that the run brings. If it is there in another spelling, that is returned.
func (v *vocabulary) stage(endpoint, namespace, code string, line int) (other string, twice bool) {
	text := namespace + "#" + code
	words := v.staged[endpoint]
	if words == nil {
		words = map[string]stagedWord{}
		v.staged[endpoint] = words
	}
	v.hosts[host(fold(namespace))] = true
	if w, ok := words[fold(text)]; ok {
		return w.text, w.text != text
	}
	words[fold(text)] = stagedWord{line: line, text: text}
	return "", false
}

// confirm says of each staged value of the endpoint whether its record is valid.
func (v *vocabulary) confirm(endpoint string, good func(line int) bool) {
	for folded, w := range v.staged[endpoint] {
		w.good = good(w.line)
		v.staged[endpoint][folded] = w
	}
}

// look finds out about a value. Its answer does not depend on who asks first: a value that the
// cache knew stays known when the type is read again.
func (v *vocabulary) look(ctx context.Context, typ, value string) (word, error) {
	endpoint, folded := v.endpoint(typ), fold(value)
	if w, ok := v.staged[endpoint][folded]; ok {
		if w.good {
			return wordKnown, nil
		}
		return wordSpoilt, nil
	}
	if v.target == nil {
		switch {
		case v.embedded[endpoint][folded]:
			return wordKnown, nil
		case strings.HasPrefix(folded, edfiNamespace) || v.hosts[host(folded)]:
			return wordUnknown, nil
		}
		return wordForeign, nil
	}
	if _, ok := v.standard.DescriptorResource(typ); !ok {
		return wordUnread, nil
	}

	v.mu.Lock()
	defer v.mu.Unlock()
	set := v.sets[endpoint]
	if set == nil {
		got, err := v.target.words(ctx, endpoint, false)
		if err != nil {
			return wordUnknown, err
		}
		set = &got
		v.sets[endpoint] = set
	}
	if !set.denied && !set.values[folded] && !set.fresh {
		got, err := v.target.words(ctx, endpoint, true)
		if err != nil {
			return wordUnknown, err
		}
		for k := range set.values {
			if got.values == nil {
				got.values = map[string]bool{}
			}
			got.values[k] = true
		}
		set = &got
		v.sets[endpoint] = set
	}
	switch {
	case set.values[folded]:
		return wordKnown, nil
	case set.denied:
		return wordUnread, nil
	}
	return wordUnknown, nil
}

// explain words that a value of the type is unknown, and what to do about it.
func (v *vocabulary) explain(typ string) (message, fix string) {
	endpoint := v.endpoint(typ)
	if v.target == nil {
		return "neither the data standard nor " + endpoint + ".jsonl of this run has this " + typ,
			"stage it, or point the mapping at a value of the standard"
	}
	return "neither the target nor " + endpoint + ".jsonl of this run has this " + typ,
		"load it at the target, or point the mapping (in the tenant's overlay) at a value that the target has"
}
