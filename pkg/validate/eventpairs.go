package validate

import (
	"cmp"
	"slices"
)

// evidence is why a staged result and one at the target are taken for one event.
type evidence uint8

// What speaks for it. The last one is for a person to decide, and so is what has none.
const (
	nothing evidence = iota
	onlyOnes
	sameStart
	sameScores
	otherDate
)

func (e evidence) String() string {
	return [...]string{"", "the only ones of that day", "same start time", "same scores", "same scores, another date"}[e]
}

// manyScores is how many different results that are equal make it unlikely that two sittings share them.
const manyScores = 3

// pairing is what a staged result may be at the target.
type pairing struct {
	staged *stagedEvent
	held   []*heldEvent // one, or those among which nothing chooses
	why    evidence
}

// sure reports whether a pairing needs no person: the result came from here, is not in the run any more, and the
// new one of that day has the same scores.
func (p *pairing) sure() bool {
	return len(p.held) == 1 && p.held[0].ours && p.why != otherDate && p.why != nothing && alike(p.staged, p.held[0])
}

// alike reports whether two results have so many equal scores that they are of one sitting.
func alike(s *stagedEvent, h *heldEvent) bool {
	return s.values >= manyScores && h.values == s.values && h.scores == s.scores
}

// pair pairs what is new with what the target holds, student by student, and gives what it found in the order of the
// staged lines. Until then it keeps numbers only: there may be a million.
func (s *eventSearch) pair(use func(p *pairing) error) error {
	undecided := map[uint32][]*heldEvent{}
	staged, held := s.inOrder()
	for len(staged) > 0 && len(held) > 0 {
		student := s.staged.At(staged[0]).student
		if other := s.held.At(held[0]).student; other != student {
			if other < student {
				held = held[1:]
			} else {
				staged = staged[1:]
			}
			continue
		}
		n := cut(staged, func(i uint32) bool { return s.staged.At(i).student == student })
		m := cut(held, func(i uint32) bool { return s.held.At(i).student == student })
		ours, theirs := make([]*stagedEvent, n), make([]*heldEvent, m)
		for i := range ours {
			ours[i] = s.staged.At(staged[i])
		}
		for i := range theirs {
			theirs[i] = s.held.At(held[i])
		}
		for _, p := range pairStudent(ours, theirs) {
			if p.why == nothing {
				undecided[p.staged.line] = p.held
			} else {
				p.staged.match, p.staged.why = held[slices.Index(theirs, p.held[0])]+1, p.why
			}
		}
		staged, held = staged[n:], held[m:]
	}
	for e := range s.staged.All {
		p := pairing{e, undecided[e.line], e.why}
		if e.match > 0 {
			p.held = []*heldEvent{s.held.At(e.match - 1)}
		}
		if len(p.held) > 0 {
			if err := use(&p); err != nil {
				return err
			}
		}
	}
	return nil
}

// inOrder are the numbers of the staged results that the target does not have as they are called, and of those that
// it has, by student and day.
func (s *eventSearch) inOrder() (staged, held []uint32) {
	for i := range uint32(s.staged.Len()) {
		if !s.staged.At(i).there {
			staged = append(staged, i)
		}
	}
	for i := range uint32(s.held.Len()) {
		held = append(held, i)
	}
	slices.SortFunc(staged, func(i, j uint32) int {
		a, b := s.staged.At(i), s.staged.At(j)
		return cmp.Or(cmp.Compare(a.student, b.student), cmp.Compare(a.group, b.group), cmp.Compare(a.line, b.line))
	})
	slices.SortFunc(held, func(i, j uint32) int {
		a, b := s.held.At(i), s.held.At(j)
		return cmp.Or(cmp.Compare(a.student, b.student), cmp.Compare(a.group, b.group), cmp.Compare(s.identifier(a), s.identifier(b)))
	})
	return staged, held
}

// cut is how many of the first ones are like that.
func cut[T any](all []T, like func(T) bool) int {
	n := slices.IndexFunc(all, func(e T) bool { return !like(e) })
	if n < 0 {
		return len(all)
	}
	return n
}

// pairStudent pairs the results of one student.
func pairStudent(staged []*stagedEvent, held []*heldEvent) (found []pairing) {
	for rest := staged; len(rest) > 0; {
		group := rest[0].group
		n := cut(rest, func(e *stagedEvent) bool { return e.group == group })
		if day := open(held, func(h *heldEvent) bool { return h.group == group }); len(day) > 0 && rest[0].day > 0 {
			found = append(found, pairDay(rest[:n], day)...)
		}
		rest = rest[n:]
	}
	for _, s := range staged {
		if s.paired {
			continue
		}
		maybe := open(held, func(h *heldEvent) bool {
			return h.day == 0 || s.day == 0 || !h.ours && h.day-s.day <= 1 && s.day-h.day <= 1
		})
		if len(maybe) > 0 {
			s.paired = true
			found = append(found, pairing{s, maybe, nothing})
		}
	}
	return append(found, pairBy(staged, held, otherDate, func(s *stagedEvent, h *heldEvent) bool { return h.ours && alike(s, h) })...)
}

// open are those that are not paired and like that.
func open(held []*heldEvent, like func(*heldEvent) bool) (some []*heldEvent) {
	for _, h := range held {
		if !h.paired && like(h) {
			some = append(some, h)
		}
	}
	return some
}

// pairDay pairs the results of one student and day.
func pairDay(staged []*stagedEvent, held []*heldEvent) (found []pairing) {
	if len(staged) == 1 && len(held) == 1 {
		staged[0].paired, held[0].paired = true, true
		return []pairing{{staged[0], held, onlyOnes}}
	}
	found = pairBy(staged, held, sameStart, func(s *stagedEvent, h *heldEvent) bool { return s.second > 0 && s.second == h.second })
	found = append(found, pairBy(staged, held, sameScores, func(s *stagedEvent, h *heldEvent) bool {
		return s.values > 0 && s.values == h.values && s.scores == h.scores
	})...)
	rest := open(held, func(*heldEvent) bool { return true })
	for _, s := range staged {
		if !s.paired && len(rest) > 0 {
			s.paired = true
			found = append(found, pairing{s, rest, nothing})
		}
	}
	return found
}

// pairBy pairs those that have one another alone.
func pairBy(staged []*stagedEvent, held []*heldEvent, why evidence, same func(*stagedEvent, *heldEvent) bool) (found []pairing) {
	for _, s := range staged {
		if s.paired {
			continue
		}
		mine := open(held, func(h *heldEvent) bool { return same(s, h) })
		if len(mine) != 1 {
			continue
		}
		others := 0
		for _, other := range staged {
			if !other.paired && same(other, mine[0]) {
				others++
			}
		}
		if others == 1 {
			found = append(found, pairing{s, mine, why})
		}
	}
	for _, p := range found { // after all of them were compared: which comes first decides nothing
		p.staged.paired, p.held[0].paired = true, true
	}
	return found
}
