package main

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/runs"
)

// withOther adds to the next command what may be done in place of it: to correct rows before what passed is sent,
// or to go on with the run itself where it is the target that lacks something, and not the rows that are wrong.
func (a *app) withOther(r *runs.Run, next *step) *step {
	if next == nil || next.or != nil || next.whole || r.Tenant == "" {
		return next
	}
	with := *next
	switch rejects := r.Rejects(); {
	case len(rejects) == 0:
		return next
	case next.words[0] == "send":
		with.or = a.runRejects(r, rejects)
	case next.words[0] == "run":
		with.or = onceItIsThere(r)
	}
	return &with
}

// onceItIsThere is the command that goes on with a run when the target has what some records lacked; nil if none did.
func onceItIsThere(r *runs.Run) *step {
	counts, _ := r.Counts(runs.Send).(*runs.SendCounts)
	if counts == nil {
		return nil
	}
	some := func(is func(runs.Loaded) bool) bool {
		return slices.ContainsFunc(slices.Collect(maps.Values(counts.Resources)), is)
	}
	path := shownPath(r.Path)
	switch {
	case some(func(l runs.Loaded) bool { return l.Invalid > 0 }):
		return &step{why: "when the target has what is missing: ", words: []string{"validate", path, "--tenant", r.Tenant}}
	case some(func(l runs.Loaded) bool { return l.Rejected+l.Blocked > 0 }):
		return &step{why: "when the target takes them; what is loaded is not sent again: ", words: []string{"send", path, "--tenant", r.Tenant}}
	}
	return nil
}

// neededInputs are flags for the inputs that the bundle does not run without, and of which no row is to be corrected.
func neededInputs(r *runs.Run, rejects []runs.Rejected) (words []string) {
	for _, in := range r.Inputs {
		path := in.Path
		if in.Optional || slices.ContainsFunc(rejects, func(f runs.Rejected) bool { return f.Input == in.Name }) {
			continue
		}
		if !filepath.IsAbs(path) {
			path = shownPath(filepath.Join(r.Folder, path))
		}
		words = append(words, "--input", in.Name+"="+path)
	}
	return words
}

// readAs are the flags for inputs that are not written as the bundle says. Rows to correct are UTF-8, whatever the vendor's
// file was: to say so keeps them right also where an editor takes away the mark that they begin with.
func readAs(r *runs.Run, rejects []runs.Rejected) (words []string) {
	encodings, delimiters := map[string]string{}, map[string]string{}
	for in, how := range r.ReadAs {
		encodings[in], delimiters[in], _ = strings.Cut(strings.TrimPrefix(", "+how, ", encoding "), ", delimiter ")
	}
	for _, in := range r.Inputs {
		written := in.Written != nil && in.Written.Encoding != "" && !strings.EqualFold(in.Written.Encoding, "utf-8")
		if written && slices.ContainsFunc(rejects, func(f runs.Rejected) bool { return f.Input == in.Name }) {
			encodings[in.Name] = "utf-8"
		}
	}
	flag := func(name string, inputs map[string]string) {
		for _, in := range slices.Sorted(maps.Keys(inputs)) {
			if inputs[in] != "" {
				words = append(words, name, in+"="+inputs[in])
			}
		}
	}
	flag("--encoding", encodings)
	flag("--delimiter", delimiters)
	return words
}

// whyRejects says what comes before rows are run again.
func whyRejects(r *runs.Run) string {
	folder := shownPath(r.File("rejects"))
	if !slices.ContainsFunc(r.ToCorrect, func(c runs.Reject) bool { return c.Because[runs.RecordBlocked] < c.Rows+c.Lost }) {
		return "once the records that the rows in " + folder + " need are corrected: "
	}
	return "correct the rows in " + folder + ", then: "
}
