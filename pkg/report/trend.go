package report

import (
	"fmt"
	"slices"
)

// mostDrawn bounds the runs of a trend.
const mostDrawn = 30

// trend is how the last runs of one bundle for one tenant went, oldest first.
type trend struct {
	Tenant, Bundle string
	Runs           []listedRun
	Charts         []chart
}

// chart draws one number of each run; a run of which it is not known has no bar.
type chart struct {
	Name, Class, Text string
	Marks             []mark
}

// mark is one run in a chart, drawn as a bar.
type mark struct {
	X, Y, Height float64 // of 30 × 10
	Title        string
}

// trends draws the runs of each tenant and bundle; listed has the newest first.
func trends(listed []listedRun) []trend {
	var all []trend
	at := map[[2]string]int{}
	for _, l := range listed {
		key := [2]string{l.Tenant, l.Bundle}
		i, known := at[key]
		if !known {
			i, at[key] = len(all), len(all)
			all = append(all, trend{Tenant: l.Tenant, Bundle: l.Bundle})
		}
		if len(all[i].Runs) < mostDrawn {
			all[i].Runs = append(all[i].Runs, l)
		}
	}
	for i := range all {
		t := &all[i]
		slices.Reverse(t.Runs)
		t.Charts = []chart{
			newChart("Rows rejected", "bad", t.Runs, func(l listedRun) (float64, bool) { return l.share(), l.Read > 0 }, percent),
			newChart("Time", "accent", t.Runs, func(l listedRun) (float64, bool) { return l.Seconds, l.Ended }, seconds),
		}
	}
	return all
}

// share is how many of a hundred rows were rejected.
func (l listedRun) share() float64 { return 100 * float64(l.Rejected) / float64(max(l.Read, 1)) }

func percent(n float64) string { return fmt.Sprintf("%.3g%%", n) }

// newChart draws one number of each run, the largest as high as there is room.
func newChart(name, class string, shown []listedRun, number func(listedRun) (float64, bool), say func(float64) string) chart {
	c := chart{Name: name, Class: class, Text: "not known"}
	var known []float64
	for _, l := range shown {
		if n, ok := number(l); ok {
			known = append(known, n)
		}
	}
	if len(known) == 0 {
		return c
	}
	most := slices.Max(known)
	c.Text = say(most)
	if least := slices.Min(known); least < most {
		c.Text = fmt.Sprintf("latest %s, lowest %s, highest %s", say(known[len(known)-1]), say(least), say(most))
	} else if len(known) > 1 {
		c.Text += " each time"
	}
	for i, l := range shown {
		n, ok := number(l)
		if !ok {
			continue
		}
		height := 0.3 // so that a run with none is seen
		if most > 0 {
			height = max(height, 10*n/most)
		}
		c.Marks = append(c.Marks, mark{X: float64(i), Y: 10 - height, Height: height, Title: minute(l.Created) + ": " + say(n)})
	}
	return c
}
