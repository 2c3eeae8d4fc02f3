package main

import (
	"bytes"
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
