package transform

import (
	"context"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/mapping"
	"github.com/sluice-edfi/sluice/pkg/ordered"
	"github.com/sluice-edfi/sluice/pkg/table"
)

// keyPass is the first pass over the files of one input.
type keyPass struct {
	input *mapping.Input
	files []*boundFile
	rows  keyStore
	lists map[*mapping.List]*keyStore
	out   []*keyVerdicts // by file
}

// compareKeys runs the first pass: it types only the cells that district, when and key need.
func (r *runner) compareKeys(ctx context.Context, in *mapping.Input, files []*boundFile) ([]*keyVerdicts, error) {
	if !in.Def.HasKeys() {
		return make([]*keyVerdicts, len(files)), nil
	}
	if len(files) > maxFiles {
		return nil, diag.Fail(diag.Usage, diag.ConfigInput, "", "the input %s has more than %d files", in.Name, maxFiles)
	}
	k := &keyPass{input: in, files: files, lists: map[*mapping.List]*keyStore{}}
	for _, f := range files {
		k.out = append(k.out, &keyVerdicts{lists: map[*mapping.List][]keyVerdict{}})
		for _, l := range f.plan.KeyedLists() {
			if k.lists[l] == nil {
				k.lists[l] = &keyStore{}
			}
			if f.plan.Elements() >= maxElements {
				return nil, diag.Fail(diag.Usage, diag.BundleList, "", "the list %s has more than %d elements", l.Path, maxElements)
			}
		}
		if err := k.read(ctx, r, f); err != nil {
			return nil, err
		}
	}
	return k.out, k.decide()
}

// keyBatch is a block of rows in the first pass.
type keyBatch struct {
	block table.Block
	keys  []mapping.Key
}

// read hashes the keys of one file.
func (k *keyPass) read(ctx context.Context, r *runner, f *boundFile) error {
	src, err := f.open()
	if err != nil {
		return err
	}
	defer func() { _ = src.Close() }() // read only
	free := make(freeList[keyBatch], 4*r.workers+4)
	next := func() (*keyBatch, error) {
		b := free.take()
		b.keys = b.keys[:0]
		if err := src.Next(&b.block); err != nil {
			return nil, err
		}
		r.progress.BytesRead.Add(int64(b.block.Len()))
		return b, nil
	}
	worker := func() func(*keyBatch) error {
		w := mapping.NewWorker(f.plan, f.place, nil)
		var p table.Parser
		return func(b *keyBatch) error {
			for row := range b.block.Rows(&p) {
				if !row.Blank {
					b.keys = w.Keys(&row, b.keys)
				}
			}
			return nil
		}
	}
	return ordered.Run(ctx, r.workers, next, worker, func(b *keyBatch) error {
		for i := range b.keys {
			key := &b.keys[i]
			e := keyEntry{key: key.Key, content: key.Content, at: placeOf(f.number, key.Line, key.Number)}
			switch {
			case key.Unknown:
				e.content = unknownAt(e.at)
			case key.Alone:
				e.content = uint64(e.at)
			}
			if key.List == nil {
				k.rows.add(e)
			} else {
				k.lists[key.List].add(e)
			}
		}
		free.give(b)
		return nil
	})
}
