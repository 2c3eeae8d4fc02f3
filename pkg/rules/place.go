package rules

import (
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/expression"
	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/pkg/strictyaml"
)

// place is a record, or the items of one of its collections: what of it is read, and what is asked of it.
type place struct {
	fields map[string]*field
	slots  []int // of its own values, to be forgotten before the next one
	rules  []*rule
	totals []*total
	scope  *expression.Scope
}

// field is a property of a place, or an object on the way to one.
type field struct {
	owner *place
	kind  expression.Kind
	slot  int               // where its value is kept; negative: nobody reads it
	in    map[string]*field // of an object
	items *place            // of a collection that rules look at
}

var kinds = map[schema.Kind]expression.Kind{schema.KindString: expression.KindText, schema.KindInteger: expression.KindInteger,
	schema.KindNumber: expression.KindDecimal, schema.KindBoolean: expression.KindBoolean, schema.KindDate: expression.KindDate,
	schema.KindDateTime: expression.KindDateTime, schema.KindTime: expression.KindTime}

// place finds what `each`, `count` or `of` name: a resource, or a collection in it.
func (x *compiler) place(n *strictyaml.Node) (*place, *expression.Scope) {
	names := strings.Split(n.Value, ".")
	cut := 1
	res, ok := x.config.Standard.Resource(names[0])
	if !ok && len(names) > 1 { // an extension's resource has its segment in front
		cut = 2
		res, ok = x.config.Standard.Resource(names[0] + "." + names[1])
	}
	if !ok {
		x.bad(n.Pos, "", "data standard %s has no resource %q%s", x.config.Standard.Version, names[0], diag.DidYouMean(names[0], x.config.Standard.Names()))
		return nil, nil
	}
	r := x.set.resources[res.Name]
	if r == nil {
		r = &Resource{record: &place{}}
		x.set.resources[res.Name] = r
		x.open(r.record, res.Root, nil)
	}
	x.resource = r
	at, object := r.record, res.Root
	fields := at.fields
	for i, name := range names[cut:] {
		p := object.ByName[name]
		if p == nil || p.Object == nil {
			var known []string
			for _, q := range object.Properties {
				if q.Kind == schema.KindArray && q.Object != nil {
					known = append(known, q.Name)
				}
			}
			x.bad(n.Pos, "Name a resource, or a collection in it.", "%s has no collection %q%s", strings.Join(names[:cut+i], "."), name, diag.DidYouMean(name, known))
			return nil, nil
		}
		f := fields[name]
		object = p.Object
		if p.Kind != schema.KindArray {
			fields = f.in
			continue
		}
		if f.items == nil {
			f.items = &place{}
			x.open(f.items, object, r.record)
		}
		at, fields = f.items, f.items.fields
	}
	return at, at.scope
}

// open makes the names of a place: its own properties, and those of the record it belongs to as record.…
func (x *compiler) open(at *place, object *schema.Object, record *place) {
	at.scope = expression.NewScope(nil)
	at.fields = x.properties(at, object, "", at.scope)
	if record != nil {
		x.again(record.fields, "record.", at.scope)
	}
	for name, day := range map[string]string{"today": x.config.Today, "tomorrow": x.config.Tomorrow} {
		value := expression.Value{Kind: expression.KindDate, S: day}
		_ = at.scope.Put(&expression.Symbol{Name: name, What: "day", Code: expression.Code{Type: expression.Type{Kind: expression.KindDate},
			Eval: func(*expression.Frame) (expression.Value, *expression.Fault) { return value, nil }}})
	}
}

func (x *compiler) properties(at *place, object *schema.Object, before string, scope *expression.Scope) map[string]*field {
	all := map[string]*field{}
	for _, p := range object.Properties {
		f := &field{owner: at, slot: -1}
		all[p.Name] = f
		switch kind, scalar := kinds[p.Kind]; {
		case scalar:
			f.kind = kind
			x.symbol(before+p.Name, f, !p.Required || before != "", scope)
		case p.Kind == schema.KindObject && p.Object != nil:
			f.in = x.properties(at, p.Object, before+p.Name+".", scope)
		}
	}
	return all
}

// again gives fields another name in an inner place.
func (x *compiler) again(fields map[string]*field, before string, scope *expression.Scope) {
	for name, f := range fields {
		switch {
		case f.in != nil:
			x.again(f.in, before+name+".", scope)
		case f.kind != expression.KindNull:
			x.symbol(before+name, f, true, scope)
		}
	}
}

func (x *compiler) symbol(name string, f *field, nullable bool, scope *expression.Scope) {
	if x.fields == nil {
		x.fields = map[*expression.Symbol]*field{}
	}
	sym := &expression.Symbol{Name: name, What: "property", Code: expression.Code{Type: expression.Type{Kind: f.kind, Nullable: nullable}, Personal: true,
		Eval: func(r *expression.Frame) (expression.Value, *expression.Fault) { return r.Slots[f.slot].Value, nil }}}
	x.fields[sym] = f
	_ = scope.Put(sym) // names of properties are unique
}
