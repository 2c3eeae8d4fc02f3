package send

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"slices"
	"sync/atomic"

	"github.com/sluice-edfi/sluice/pkg/ledger"
	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/pkg/target"
)

// changes is what was written at the target since the ledger knew all of it: by other clients, or by us
// with a ledger that is not this one. Where the target offers change queries it is complete, and what the
// ledger says of such a record counts only if the target's content is the staged one.
type changes struct {
	newest  int64 // change version up to which they are known; 0: the target offers none
	records map[ledger.Hash]*change
	checked map[string]checkedNote // by resource, as it was before anything was sent
	deleted bool                   // one of the records was
}

// change is one record that was written or deleted.
type change struct {
	content ledger.Hash // at the target; zero: it is gone
	settled atomic.Bool // the run has found out what is there, or put it there
}

// checkedNote is the ledger's note of how far it knows a resource of the target.
type checkedNote struct {
	Version int64 `json:"version"`
	Total   int64 `json:"total"` // records there; -1: not known
}

const checkedPrefix = "checked "

// contentOf is the hash of what a record says, however it is written.
func contentOf(res *schema.Resource, text []byte) (h ledger.Hash) {
	if content, ok := res.Content(text); ok {
		sum := sha256.Sum256(content)
		copy(h[:], sum[:])
	}
	return h
}

// findChanges asks what was written since the ledger last looked. Without change queries it finds nothing.
func (l *loader) findChanges(ctx context.Context, known, now ledger.Facts) error {
	l.changes = changes{newest: now.ChangeVersion, records: map[ledger.Hash]*change{}, checked: map[string]checkedNote{}}
	if now.ChangeVersion == 0 {
		return nil
	}
	notes, err := l.lastChecked(ctx, known, now)
	if err != nil {
		return err
	}
	for _, name := range l.resources() {
		res, ok := l.to.Standard.Resource(name)
		if !ok {
			continue
		}
		note := notes[name]
		switch {
		case note.Version == now.ChangeVersion && note.Total >= 0:
		case note.Version == now.ChangeVersion:
			note.Total, err = l.total(ctx, res)
		default:
			note.Total, err = l.changesOf(ctx, res, note)
		}
		if target.IsKind(err, target.Forbidden, target.NotFound, target.Validation, target.Odd) {
			l.unproven[name] = true
			l.to.warn(name, "the target does not say what was changed, so the ledger cannot be proven: every record is sent")
			continue
		}
		if err != nil {
			return target.Explain(err, "the target could not be asked for what was changed there")
		}
		note.Version = now.ChangeVersion
		l.changes.checked[name] = note
	}
	if n := len(l.changes.records); n > 0 {
		l.to.Logger.Info("records were written at the target since the last load; what the ledger says of them is not relied on",
			"records", n)
	}
	return nil
}

// lastChecked reads how far the ledger knows each resource, and notes it where it was not noted: as far as
// the last load of a ledger of earlier builds, and from now on for what was never loaded.
func (l *loader) lastChecked(ctx context.Context, known, now ledger.Facts) (map[string]checkedNote, error) {
	texts, err := l.to.Ledger.Notes(ctx)
	if err != nil {
		return nil, err
	}
	loaded, err := l.to.Ledger.Resources(ctx)
	if err != nil {
		return nil, err
	}
	notes, fresh := map[string]checkedNote{}, map[string]string{}
	for _, name := range slices.Concat(loaded, l.resources()) {
		if _, ok := notes[name]; ok {
			continue
		}
		note := checkedNote{Version: now.ChangeVersion, Total: -1}
		text, noted := texts[checkedPrefix+name]
		if noted && json.Unmarshal([]byte(text), &note) != nil || !noted && slices.Contains(loaded, name) {
			note = checkedNote{Version: known.ChangeVersion, Total: -1}
		}
		notes[name] = note
		if !noted {
			fresh[checkedPrefix+name] = note.text()
		}
	}
	if l.options.DryRun {
		return notes, nil
	}
	return notes, l.to.Ledger.Note(ctx, fresh)
}

func (n checkedNote) text() string {
	text, _ := json.Marshal(n) // two numbers
	return string(text)
}

// changesOf finds the changes of a resource, and how many records it has now.
func (l *loader) changesOf(ctx context.Context, res *schema.Resource, since checkedNote) (total int64, err error) {
	foreign := int64(0) // written by others: at most so many more than before can be there
	checker, _ := l.to.Standard.Checker(res.Name)
	var rec schema.Record
	err = l.to.Client.EachChanged(ctx, res.Endpoint(), since.Version, l.to.Concurrency, func(items []json.RawMessage) error {
		entries := make([]ledger.Entry, 0, len(items))
		contents := make([]ledger.Hash, 0, len(items))
		for _, item := range items {
			if checker.Key(item, &rec); !rec.Key.OK {
				foreign++
				continue
			}
			entries = append(entries, ledger.Entry{Key: rec.Key.Hash})
			contents = append(contents, contentOf(res, item))
		}
		states, err := l.to.Ledger.Decide(ctx, entries, nil)
		for i, state := range states {
			if state == ledger.New {
				foreign++
			} else {
				l.changes.records[entries[i].Key] = &change{content: contents[i]}
			}
		}
		return err
	})
	if err != nil {
		return -1, err
	}
	if total, err = l.total(ctx, res); err != nil || since.Total >= 0 && total == since.Total+foreign {
		return total, err // what came makes up for nothing that went
	}
	return total, l.findDeleted(ctx, res, since, total)
}

// findDeleted finds records that were deleted. If the target does not list them, or lists fewer than are
// gone, the whole collection tells.
func (l *loader) findDeleted(ctx context.Context, res *schema.Resource, since checkedNote, total int64) error {
	ids := map[string]bool{}
	collect := func(items []json.RawMessage) error {
		for _, item := range items {
			id := target.IDOf(item)
			if id == "" {
				return &target.Failure{Kind: target.Odd, Resource: res.Endpoint(), Detail: "a record has no id"}
			}
			ids[target.NormalID(id)] = true
		}
		return nil
	}
	listed := true
	err := l.to.Client.EachChanged(ctx, res.Endpoint()+"/deletes", since.Version, l.to.Concurrency, collect)
	fewer := err == nil && total >= 0 && int64(len(ids)) < since.Total-total
	if fewer || target.IsKind(err, target.Forbidden, target.NotFound, target.Validation, target.Odd) {
		listed = false
		clear(ids)
		err = l.to.Client.EachPage(ctx, res.Endpoint(), l.to.Concurrency, collect)
	}
	if err != nil || listed && len(ids) == 0 {
		return err
	}
	return l.to.Ledger.EachDigest(ctx, res.Name, func(key ledger.Hash, id string) {
		if ids[target.NormalID(id)] == listed {
			l.changes.records[key], l.changes.deleted = &change{}, true
		}
	})
}

// total is how many records of a resource the target counts; -1 if it does not.
func (l *loader) total(ctx context.Context, res *schema.Resource) (int64, error) {
	n, err := l.to.Client.Count(ctx, res.Endpoint(), nil)
	if errors.Is(err, target.ErrNoCount) {
		return -1, nil
	}
	return n, err
}

// isGone reports whether a record was deleted at the target.
func (c *changes) isGone(key ledger.Hash) bool {
	one := c.records[key]
	return one != nil && one.content == ledger.Hash{}
}

// settle says that the run finds out about a record: whether the ledger may be believed of it.
func (c *changes) settle(res *schema.Resource, key ledger.Hash, text []byte) (believed bool) {
	one := c.records[key]
	if one == nil {
		return true
	}
	one.settled.Store(true)
	return one.content != ledger.Hash{} && one.content == contentOf(res, text)
}

// keepChanges records how far the ledger knows the target now. What was written there and is not staged
// is forgotten. If every change version since is that of a record of this run, they are known too. An update
// that changes nothing gets none, so that one of another client would be taken for it: then they are not.
func (l *loader) keepChanges(ctx context.Context, newest int64) error {
	c := &l.changes
	if c.newest == 0 {
		return nil
	}
	var lost []ledger.Hash
	for key, one := range c.records {
		if !one.settled.Load() {
			lost = append(lost, key)
		}
	}
	if len(lost) > 0 {
		if err := l.to.Ledger.Forget(ctx, lost); err != nil {
			return err
		}
	}
	alone := newest-c.newest == l.to.Progress.Sent.Load() && l.unsure.Load() == 0
	notes := map[string]string{}
	for name, note := range c.checked {
		if alone {
			note.Version = newest
		}
		if note.Total >= 0 {
			note.Total += l.counts.Resources[name].Created
		}
		notes[checkedPrefix+name] = note.text()
	}
	return l.to.Ledger.Note(ctx, notes)
}
