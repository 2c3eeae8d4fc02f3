package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/sluice-edfi/sluice/pkg/target"
)

func TestWaitIsNoted(t *testing.T) {
	var out bytes.Buffer
	a := &app{screen: &screen{err: &out}}
	a.onWait()(target.Wait{Host: "ods.test", For: 40400 * time.Millisecond, Why: "POST ed-fi/students: 429 Too Many Requests"})
	if got, want := out.String(), "waiting 40s for ods.test: POST ed-fi/students: 429 Too Many Requests\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	for _, silent := range []*screen{{quiet: true}, {json: true}} {
		if a.screen = silent; a.onWait() != nil {
			t.Error("nothing is shown, and the log is told that it was")
		}
	}
}

// TestWaitsAreTold: in the line that moves where there is one; elsewhere not again and again.
func TestWaitsAreTold(t *testing.T) {
	var line, out bytes.Buffer
	a := &app{screen: &screen{err: &out, steering: &line, progress: true, errColumns: func() int { return 120 }}}
	wait := target.Wait{Host: "ods.test", For: time.Minute, Why: "it asked for a pause"}
	a.screen.move()
	a.onWait()(wait)
	a.screen.moveTo("send  loading 5 of 10 records")
	if !strings.Contains(line.String(), "send  loading 5 of 10 records · waiting 1m0s for ods.test: it asked for a pause") || out.Len() > 0 {
		t.Errorf("%q, %q", line.String(), out.String())
	}
	a.screen.note("a note")
	a.screen.still()
	if got := line.String(); !strings.HasSuffix(got, "\x1b[2K\r") || a.screen.bar != nil || out.String() != "a note\n" {
		t.Errorf("%q, %q", got, out.String())
	}
	out.Reset()
	a.screen.progress = false
	tell := a.onWait()
	for range 3 {
		tell(wait)
	}
	if got := out.String(); got != "waiting 1m0s for ods.test: it asked for a pause\n" {
		t.Errorf("%q", got)
	}
}
