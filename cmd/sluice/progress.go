package main

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/sluice-edfi/sluice/pkg/pipeline"
	"github.com/sluice-edfi/sluice/pkg/report"
	"github.com/sluice-edfi/sluice/pkg/target"
)

// progressEvery is how often the line moves. Where stderr is not a terminal, the first line is written after
// lineEvery, and then more and more rarely, so that a long night does not fill a mailbox.
const (
	progressEvery = 200 * time.Millisecond
	lineEvery     = 20 * time.Second
	mostRarely    = 10 * time.Minute
)

// observer shows what goes on in a run to the person at the terminal.
func (a *app) observer() pipeline.Observer {
	return pipeline.Observer{
		Note:  func(text string) { a.screen.note("%s", text) },
		Wait:  a.onWait(),
		Begin: func(string) { a.collectAt(gcInAStage) },
		Watch: a.watch,
		End:   a.printStage,
		Path:  shownPath,
	}
}

// onWait tells the person at the terminal why nothing moves: in the line that moves if there is one. Where
// notes are not shown it is nil: then the client logs a warning instead.
func (a *app) onWait() func(target.Wait) {
	s := a.screen
	if s.quiet || s.json {
		return nil
	}
	var mu sync.Mutex
	var told time.Time
	return func(w target.Wait) {
		text := fmt.Sprintf("waiting %s for %s: %s", w.For.Round(time.Second), w.Host, w.Why)
		if s.waits(text, w.For) {
			return
		}
		mu.Lock()
		often := !s.progress && time.Since(told) < lineEvery
		if !often {
			told = time.Now()
		}
		mu.Unlock()
		if !often {
			s.note("%s", text)
		}
	}
}

// watch shows progress until the returned function is called. It samples counters, so that the
// work itself only touches atomics.
func (a *app) watch(title string, read func() pipeline.Progress) (stop func()) {
	if a.Quiet || a.JSON {
		return func() {}
	}
	end := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.showProgress(title, read, end)
	}()
	return func() { close(end); <-done }
}

func (a *app) showProgress(title string, read func() pipeline.Progress, end <-chan struct{}) {
	var pace pace
	every, next := lineEvery, time.Now().Add(lineEvery)
	if a.screen.progress {
		a.screen.move()
		defer a.screen.still()
	}
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	for {
		select {
		case <-end:
			return
		case now := <-tick.C:
			p := read()
			pace.add(now, reached(p))
			text := title + "  " + pace.said(p)
			switch {
			case a.screen.progress:
				a.screen.moveTo(text)
			case now.After(next):
				a.screen.note("%s", text)
				every = min(every*3/2, mostRarely)
				next = now.Add(every)
			}
		}
	}
}

// moving is the line at the terminal that is drawn again and again.
type moving struct {
	bar  *progressbar.ProgressBar
	why  string // nothing moves
	till time.Time
}

func (m *moving) clear() { _ = m.bar.Clear() }

func (s *screen) move() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bar = &moving{bar: progressbar.NewOptions64(-1, progressbar.OptionSetWriter(s.steering), progressbar.OptionUseANSICodes(true),
		progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(false), progressbar.OptionEnableColorCodes(false),
		progressbar.OptionSpinnerType(9), progressbar.OptionThrottle(0), progressbar.OptionSetSpinnerChangeInterval(0))} // 0: it draws nothing by itself
}

// moveTo draws the line, which never takes two.
func (s *screen) moveTo(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Now().Before(s.bar.till) {
		text += " · " + s.bar.why
	}
	const around = 5 // what is drawn beside the text, and the last place, after which some terminals begin a line
	if most := max(s.errColumns()-around, 1); cells(text) > most {
		text = start(text, most-1) + "…"
	}
	s.bar.bar.Describe(visible(text, false))
}

// still ends what moves; nothing of it is left.
func (s *screen) still() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bar.clear()
	s.bar = nil
}

// waits says in the line that moves for how long nothing will; false if there is no such line.
func (s *screen) waits(why string, left time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bar != nil {
		s.bar.why, s.bar.till = why, time.Now().Add(left)
	}
	return s.bar != nil
}

// pace knows how fast a stage is at present.
type pace struct {
	from  time.Time // when the sample that grows began
	last  int64     // what was done then
	steps []int64   // what was done in the samples before it, the last ones
}

// A sample, how many make a pace, and how many are looked at.
const (
	sampled     = 500 * time.Millisecond
	fewSamples  = 5
	mostSamples = 40
)

func (p *pace) add(now time.Time, done int64) {
	if p.from.IsZero() {
		p.from, p.last = now, done
	}
	for now.Sub(p.from) >= sampled {
		p.steps = append(p.steps, done-p.last)
		p.from, p.last = p.from.Add(sampled), done
	}
	p.steps = p.steps[max(0, len(p.steps)-mostSamples):]
}

// left is how long the rest takes at this pace; false if that cannot be said. The largest step does not
// count: it may be what an earlier execution had done, and what was found so in no time.
func (p *pace) left(rest int64) (time.Duration, bool) {
	if len(p.steps) < fewSamples || rest <= 0 {
		return 0, false
	}
	sum, most := int64(0), int64(0)
	for _, n := range p.steps {
		sum, most = sum+n, max(most, n)
	}
	if sum -= most; sum <= 0 {
		return 0, false
	}
	samples := float64(rest) * float64(len(p.steps)-1) / float64(sum)
	return time.Duration(samples * float64(sampled)), true
}

// said says how far a stage is, and how long the rest takes once there is a pace.
func (p *pace) said(at pipeline.Progress) string {
	amount, what := thousands, " records"
	if at.Bytes {
		amount, what = report.Size, ""
	}
	var parts []string
	switch {
	case at.Done == 0 && at.Total == 0:
		parts = append(parts, "preparing")
	case at.Total > 0:
		done, all := amount(reached(at)), amount(at.Total)
		if unit := all[strings.LastIndexByte(all, ' ')+1:]; at.Bytes && strings.HasSuffix(done, " "+unit) {
			done = strings.TrimSuffix(done, " "+unit)
		}
		parts = append(parts, at.Doing+" "+done+" of "+all+what)
	default:
		parts = append(parts, at.Doing+" "+amount(at.Done)+what)
	}
	if at.Also > 0 {
		parts = append(parts, thousands(at.Also)+" "+at.Of)
	}
	if left, ok := p.left(at.Total - reached(at)); ok {
		parts = append(parts, remaining(left)+" left")
	} else if at.Total > 0 && reached(at) == at.Total {
		parts = append(parts, "finishing")
	}
	return strings.Join(parts, " · ")
}

// remaining is a time to come, no more exact than it is known.
func remaining(d time.Duration) string {
	switch s := d.Seconds(); {
	case s < 10:
		return fmt.Sprintf("%d s", max(1, int(s+0.5)))
	case s < 90:
		return fmt.Sprintf("%d s", int(s+2.5)/5*5)
	case s < 90*60:
		return fmt.Sprintf("%d min", int(s+30)/60)
	}
	minutes := int(d.Minutes()+2.5) / 5 * 5
	return fmt.Sprintf("%d h %d min", minutes/60, minutes%60)
}

// thousands is a number with commas.
func thousands(n int64) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// reached is how far the stage is, and never more than all of it: work that must be done again counts
// twice.
func reached(p pipeline.Progress) int64 {
	if p.Total > 0 {
		return min(p.Done, p.Total)
	}
	return p.Done
}
