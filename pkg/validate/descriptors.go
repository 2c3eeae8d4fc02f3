package validate

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/catalog"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/schema"
)

// valueState is what is known of one descriptor value of one type.
type valueState uint8

const (
	valueUnknown    valueState = iota // nobody knows it
	valueKnown                        // at the target, in the embedded standard, or staged and valid
	valueInvalid                      // staged, but its record is not valid
	valueUnreadable                   // the credential may not read this type
	valueForeign                      // offline: a namespace of which only the target can tell
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

// descriptorKey is a descriptor value of a type: as folded, by its endpoint, or as written, by its type.
type descriptorKey struct{ of, value string }

// descriptorValues answers which descriptor values there are. What is staged is put in by stage
// before the records that use it are judged; from then on it is safe for concurrent use.
type descriptorValues struct {
	standard *schema.Standard
	catalog  *catalog.Catalog // nil: offline
	staged   map[descriptorKey]*stagedValue
	hosts    map[string]bool          // whose values are staged
	embedded map[descriptorKey]string // for offline: as written
	planning bool                     // what the target would be asked is noted, and nothing is asked
}

// stagedValue is a descriptor that the run brings along.
type stagedValue struct {
	line  int
	text  string // as staged: two spellings of one value deserve a warning
	valid bool
}

func newDescriptorValues(std *schema.Standard, c *catalog.Catalog, embedded []schema.DescriptorValue) *descriptorValues {
	v := &descriptorValues{standard: std, catalog: c, staged: map[descriptorKey]*stagedValue{}, hosts: map[string]bool{},
		embedded: map[descriptorKey]string{}}
	for _, d := range embedded {
		value := d.Namespace + "#" + d.CodeValue
		v.embedded[descriptorKey{v.endpoint(d.Type), fold(value)}] = value
	}
	return v
}

// endpoint is the resource of a descriptor type; documents differ in the case of type names.
func (v *descriptorValues) endpoint(typ string) string {
	if r, ok := v.standard.DescriptorResource(typ); ok {
		return r.Name
	}
	return typ
}

// stage puts in a value that the run brings. If it is there in another spelling, that is returned.
func (v *descriptorValues) stage(endpoint string, d stagedDescriptor) (other string, twice bool) {
	text := d.namespace + "#" + d.code
	key := descriptorKey{endpoint, fold(text)}
	v.hosts[host(fold(d.namespace))] = true
	if known := v.staged[key]; known != nil {
		return known.text, known.text != text
	}
	v.staged[key] = &stagedValue{line: d.line, text: text}
	return "", false
}

// find finds out about a value.
func (v *descriptorValues) find(ctx context.Context, typ, value string) (valueState, error) {
	folded := fold(value)
	key := descriptorKey{v.endpoint(typ), folded}
	if staged := v.staged[key]; staged != nil {
		if staged.valid {
			return valueKnown, nil
		}
		return valueInvalid, nil
	}
	if v.catalog == nil {
		switch {
		case v.embedded[key] != "":
			return valueKnown, nil
		case strings.HasPrefix(folded, edfiNamespace) || v.hosts[host(folded)]:
			return valueUnknown, nil
		}
		return valueForeign, nil
	}
	if v.planning {
		return valueKnown, v.catalog.PlanDescriptor(ctx, typ, folded)
	}
	answer, err := v.catalog.Descriptor(ctx, typ, folded)
	switch answer {
	case catalog.Present:
		return valueKnown, err
	case catalog.Unreadable:
		return valueUnreadable, err
	}
	return valueUnknown, err
}

// explain words that a value of the type is unknown, and what to do about it.
func (v *descriptorValues) explain(typ string) (message, fix string) {
	endpoint := v.endpoint(typ)
	if v.catalog == nil {
		return "neither the data standard nor " + endpoint + ".jsonl of this run has this " + typ,
			"Stage it, or point the mapping at a value of the standard."
	}
	return "neither the target nor " + endpoint + ".jsonl of this run has this " + typ,
		"Load it at the target, or point the mapping (in the tenant's overlay) at a value that the target has."
}

// near finds the value of the type that one which is not known was probably meant to be: with the same code in
// another namespace, or else with the most similar code.
func (v *descriptorValues) near(typ, value string) string {
	endpoint := v.endpoint(typ)
	var all []string
	for key, staged := range v.staged {
		if key.of == endpoint {
			all = append(all, staged.text)
		}
	}
	if v.catalog != nil {
		all = append(all, v.catalog.KnownDescriptors(typ)...)
	} else {
		for key, written := range v.embedded {
			if key.of == endpoint {
				all = append(all, written)
			}
		}
	}
	slices.Sort(all) // whatever the order of the maps
	byCode := map[string]string{}
	codes := make([]string, 0, len(all))
	for _, known := range all {
		if code := codeOf(known); byCode[code] == "" {
			byCode[code] = known
			codes = append(codes, code)
		}
	}
	if near := diag.Nearest(codeOf(value), codes, 1); len(near) > 0 {
		return byCode[near[0]]
	}
	return ""
}

func codeOf(value string) string {
	return strings.TrimSpace(value[strings.LastIndexByte(value, '#')+1:])
}

// stagedDescriptor is a descriptor found in a line of a staged file.
type stagedDescriptor struct {
	line            int
	namespace, code string
}

// stageDescriptors puts in the descriptors that this resource brings, with those that pass as known.
func (r *resource) stageDescriptors() {
	v := r.gate.descriptors
	for _, d := range r.staged {
		if other, twice := v.stage(r.name, d); twice {
			r.list.add(diag.Problem{Code: diag.DescriptorCase, StagedLine: d.line, Path: "$.codeValue",
				Key: "namespace=" + d.namespace + ", codeValue=" + d.code, Value: d.code,
				Message: fmt.Sprintf("differs from %q only in upper and lower case; targets take both for one value", other)})
		}
	}
	for key, value := range v.staged {
		if key.of == r.name {
			value.valid = passes(r.verdicts[value.line-1])
		}
	}
	r.staged = nil
}

// noteStaged remembers what a staged descriptor is called.
func (w *worker) noteStaged() {
	key := &w.rec.Key
	w.batch.staged = append(w.batch.staged, stagedDescriptor{w.line, string(key.Part("namespace")), string(key.Part("codeValue"))})
}

// descriptor judges one descriptor value.
func (w *worker) descriptor(d *schema.DescriptorUse) error {
	state, ok := w.values[descriptorKey{d.Type, string(d.Value)}]
	if !ok {
		var err error
		value := string(d.Value)
		if state, err = w.r.gate.descriptors.find(w.ctx, d.Type, value); err != nil {
			return err
		}
		if len(w.values) < maxValues {
			w.values[descriptorKey{d.Type, value}] = state
		}
	}
	if state == valueKnown {
		w.rec.Settle(d)
		return nil
	}
	p := diag.Problem{Path: d.Place.String(), Value: string(d.Value)}
	switch {
	case state == valueInvalid:
		p.Code, p.Level = diag.ReferenceInvalid, diag.LevelWarning
		p.Message = fmt.Sprintf("this %s is staged, but its record is invalid; send will block this record", d.Type)
		w.raise(runs.Marked)
		w.note(p)
	case state == valueUnreadable:
		p.Code = diag.RecordUnchecked
		p.Message = fmt.Sprintf("the credential may not read %s, so it is not known whether the target has this value", w.r.gate.descriptors.endpoint(d.Type))
		w.raise(runs.Unchecked)
		w.note(p)
	case state == valueForeign && host(fold(p.Value)) != w.namespaceHost():
		p.Code, p.Level = diag.RecordUnchecked, diag.LevelInfo
		p.Message = fmt.Sprintf("%s values of this namespace are not part of the data standard; only the target can tell whether it knows them", d.Type)
		p.Fix = validateOnline
		w.raise(runs.Unchecked)
		w.sum(p)
	default:
		p.Code = diag.RecordDescriptor
		p.Message, p.Fix = w.r.gate.descriptors.explain(d.Type)
		if near := w.nearValue(d.Type, p.Value); near != "" {
			p.Message += fmt.Sprintf(" (did you mean %q?)", near)
		}
		w.invalid(p)
	}
	return nil
}

// mostNear bounds the values for which a worker looks for one that is like them.
const mostNear = 500

func (w *worker) nearValue(typ, value string) string {
	key := descriptorKey{typ, value}
	near, ok := w.near[key]
	if !ok && len(w.near) < mostNear {
		near = w.r.gate.descriptors.near(typ, value)
		w.near[key] = near
	}
	return near
}

// namespaceHost is the host of the record's own namespace: its vendor.
func (w *worker) namespaceHost() string {
	if w.host == "" {
		w.host = host(fold(string(w.rec.Key.Part("namespace"))))
	}
	return w.host
}
