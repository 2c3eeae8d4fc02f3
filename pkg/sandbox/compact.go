package sandbox

import (
	"errors"
	"os"

	"github.com/sluice-edfi/sluice/pkg/durable"
)

// minCompact is how much of the log must be of no use before it is written anew.
const minCompact = 8 << 20

// compact writes the log anew, if more than half of it are records that were replaced or deleted.
func (s *store) compact(path string) error {
	live := s.log.start
	for _, list := range s.order {
		for _, n := range list {
			if sl := s.at(n); sl.offset >= 0 {
				live += prefixSize + int64(sl.head) + int64(sl.body)
			}
		}
	}
	if dead := s.log.end - live; dead < minCompact || dead < live {
		return nil
	}
	f, err := durable.Create(path)
	if err != nil {
		return err
	}
	if err := s.rewrite(f); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := s.log.medium.Close(); err != nil { // before the rename: Windows replaces no open file
		return errors.Join(err, f.Close())
	}
	if err := f.Commit(); err != nil {
		return err
	}
	again, err := os.OpenFile(path, os.O_RDWR, durable.FileMode)
	if err != nil {
		return err
	}
	s.log.medium = file{again}
	return nil
}

// rewrite copies what is live into f, and moves the slots there.
func (s *store) rewrite(f *durable.File) error {
	titleLine := logTitle(s.id, s.model.version)
	if _, err := f.Write(titleLine); err != nil {
		return err
	}
	fresh := &logFile{medium: file{f.File}, start: int64(len(titleLine)), end: int64(len(titleLine))}
	counters := entry{op: opCount, number: uint32(len(s.slots)), version: s.version, modified: s.modified}
	if _, _, err := fresh.append(&counters, nil); err != nil {
		return err
	}
	for k, by := range s.gone {
		e := entry{op: opDelete, seeded: true, key: k, version: seedVersion, endpoint: s.model.endpoints[by].Name}
		if _, _, err := fresh.append(&e, nil); err != nil {
			return err
		}
	}
	var body []byte
	move := func(sl *slot) error {
		if !sl.live || sl.offset < 0 {
			return nil
		}
		var e entry
		if _, _, err := s.log.readHead(sl.offset, &e); err != nil {
			return err
		}
		var err error
		if body, err = s.log.readBody(body[:0], sl.offset, int(sl.head), int(sl.body)); err != nil {
			return err
		}
		offset, head, err := fresh.append(&e, body)
		sl.offset, sl.head = offset, uint32(head)
		return err
	}
	for i := range s.seeds {
		if err := move(&s.seeds[i]); err != nil {
			return err
		}
	}
	for i := range s.slots {
		if err := move(&s.slots[i]); err != nil {
			return err
		}
	}
	s.log.start, s.log.end = fresh.start, fresh.end
	return nil
}
