package main

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/report"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// command is a command of sluice that a person can paste into a shell: quoted, and with the global
// flags that were given. The tenant is for the caller to add: some commands need it, some do not.
func (a *app) command(words ...string) string {
	return diag.ShellCommand(slices.Concat(words, a.given)...)
}

// whole gives the commands in a remedy what they lack to be pasted as they stand: run, tenant and global flags.
func (a *app) whole(fix string, rep *report.Report) string {
	if rep.Tenant == "" {
		return fix
	}
	run := shownPath(rep.Path)
	for short, words := range map[string][]string{
		"roster pull": {"roster", "pull"}, "roster show ID": {"roster", "show", "ID"}, "target check": {"target", "check"},
		"roster candidates": {"roster", "candidates", run}, "target adopt": {"target", "adopt", run},
	} {
		fix = strings.ReplaceAll(fix, "`sluice "+short+"`", "`"+a.command(append(words, "--tenant", rep.Tenant)...)+"`")
	}
	return fix
}

// step is the next command: what it is for, and its words.
type step struct {
	why   string // may be empty
	words []string
	whole bool  // the global flags are among them
	or    *step // what may be done in place of it; nil: nothing
}

// args is the step as programs take it; nil if there is none.
func (a *app) args(s *step) []string {
	switch {
	case s == nil:
		return nil
	case s.whole:
		return slices.Concat([]string{"sluice"}, s.words)
	}
	return slices.Concat([]string{"sluice"}, s.words, a.given)
}

// sayNext says the next command as it can be pasted, if there is one.
func (a *app) sayNext(say func(format string, args ...any), s *step) {
	if s != nil {
		say("next: %s%s", s.why, diag.ShellCommand(a.args(s)[1:]...))
	}
}

// nextOf is the command that goes on with a run, whatever it went through; nil if there is none.
func (a *app) nextOf(r *runs.Run) *step {
	path := shownPath(r.Path)
	judge := &step{words: []string{"validate", path, "--tenant", r.Tenant}}
	load := &step{words: []string{"send", path, "--tenant", r.Tenant}}
	switch {
	case !r.Finished(runs.Transform):
		return nil
	case r.Tenant == "" && r.Stages[runs.Validate] == nil:
		return &step{words: []string{"validate", path, "--offline"}}
	case r.Tenant == "" && r.Records != "":
		return &step{why: "to load them, validate the folder again with a --tenant of these: ", words: []string{"tenant", "list"}}
	case r.Tenant == "":
		return &step{why: "to load it, transform again with one of these tenants: ", words: []string{"tenant", "list"}}
	case !r.Finished(runs.Validate) || r.Pass == nil || !r.Pass.Online:
		return judge
	case !r.Finished(runs.Send), r.Stages[runs.Validate].Start.After(r.Stages[runs.Send].Start): // what was missing may be there now
		if a.tooOld(r.Pass) {
			return judge
		}
		return load
	}
	if rejects := r.Rejects(); len(rejects) > 0 {
		return a.runRejects(r, rejects)
	}
	counts, _ := r.Counts(runs.Send).(*runs.SendCounts)
	switch {
	case counts == nil || !counts.Partly():
		return nil
	case slices.ContainsFunc(slices.Collect(maps.Values(counts.Resources)), func(l runs.Loaded) bool { return l.Invalid > 0 }):
		judge.why = "when the target has what is missing: "
		return judge
	}
	load.why = "when the target takes them; what is loaded is not sent again: "
	return load
}

// tooOld reports whether send would refuse a pass for its age, as that of a run that is looked at days later.
func (a *app) tooOld(pass *runs.Pass) bool {
	c, err := a.config()
	if err != nil {
		return false
	}
	t, err := c.Tenant(pass.Tenant)
	return err == nil && t.MaxPassAge > 0 && time.Since(pass.At) > t.MaxPassAge
}

// runRejects is the command that runs the corrected rows as the others were run.
func (a *app) runRejects(r *runs.Run, rejects []runs.Rejected) *step {
	ref := r.Bundle.Name
	if r.Bundle.Origin != "embedded" {
		if ref = shownPath(r.Bundle.Origin); !strings.ContainsAny(ref, `/\`) {
			ref = "." + string(filepath.Separator) + ref
		}
	}
	words := []string{"run", ref}
	for _, f := range rejects {
		words = append(words, "--input", f.Input+"="+shownPath(f.Path))
	}
	words = append(words, neededInputs(r, rejects)...)
	holds := a.paramsThatHold(ref, r.Tenant)
	for _, name := range slices.Sorted(maps.Keys(r.Params)) {
		if held, ok := holds[name]; !ok || held != r.Params[name] {
			words = append(words, "--param", name+"="+r.Params[name])
		}
	}
	words = append(words, readAs(r, rejects)...)
	if column, ok := strings.CutPrefix(r.Student, "column "); ok && r.StudentAsked {
		words = append(words, "--student", column)
	}
	return &step{why: whyRejects(r), words: append(words, "--tenant", r.Tenant)}
}

// paramsThatHold are the parameters that a transform has if none is given: those of the tenant, else the defaults.
func (a *app) paramsThatHold(ref, of string) map[string]string {
	holds := map[string]string{}
	place, err := a.workplace()
	if err != nil {
		return holds
	}
	if b, err := place.Bundle(ref); err == nil {
		for _, p := range b.Params {
			if p.Default != nil {
				holds[p.Name.Value] = p.Default.Value
			}
		}
	}
	if t, err := place.Config.Tenant(of); err == nil {
		maps.Copy(holds, t.Params)
	}
	return holds
}

// nextAfterError is how to go on after an error whose own advice names no command; nil: as that says.
func (a *app) nextAfterError(e *diag.Error, outcome runs.Outcome, r *runs.Run) *step {
	switch {
	case outcome == runs.Misused, e.Code == diag.Internal, outcome == runs.Guarded && e.Code != diag.GuardLocked:
		return nil
	case outcome != runs.Interrupted && strings.Contains(e.Advice(), "sluice "):
		return nil
	case r != nil && r.Finished(runs.Transform) && (!r.Finished(runs.Send) || !slices.Contains(a.line, "send")): // which is to be tried again
		return a.nextOf(r)
	}
	return a.again()
}

// again is the command that runs now; nil if its words are not to be shown.
func (a *app) again() *step {
	if len(a.line) == 0 || slices.ContainsFunc(a.line, func(word string) bool { return strings.HasPrefix(word, "--secret") }) { // it may be one
		return nil
	}
	return &step{words: a.line, whole: true}
}

// nextOrAgain is the command that goes on with a run that this one works on: the same, as long as nothing is staged.
func (a *app) nextOrAgain(r *runs.Run) *step {
	if r.Finished(runs.Transform) {
		return a.nextOf(r)
	}
	return a.again()
}

// nextKept is the command that goes on with a run of an earlier command: what that left for one whose transform has
// not ended.
func (a *app) nextKept(r *runs.Run) *step {
	if r.Finished(runs.Transform) || r.Next == nil || len(r.Next.Command) == 0 {
		return a.nextOf(r)
	}
	s := &step{why: r.Next.Why, words: r.Next.Command[1:], whole: true}
	if here, err := os.Getwd(); err == nil && here != r.Next.Folder {
		s.why += "in the folder " + shownPath(r.Next.Folder) + ": "
	}
	return s
}

// advised is a command of sluice in an advice, between backquotes.
var advised = regexp.MustCompile("`(sluice [^`…]+)`")

// blank is a word that the reader of an advice fills in.
var blank = regexp.MustCompile(`(^|=)[A-Z]{2,}$`)

// nextWords is the next command after an error as programs take it: the step that goes on, else the command that
// the advice names, if it is whole.
func (a *app) nextWords(going *step, advice string) []string {
	if going != nil {
		return a.args(going)
	}
	found := advised.FindStringSubmatch(advice)
	if found == nil {
		return nil
	}
	words := diag.ShellWords(found[1])
	if slices.ContainsFunc(words, blank.MatchString) {
		return nil
	}
	for _, flag := range a.given {
		if !slices.Contains(words, flag) {
			words = append(words, flag)
		}
	}
	return words
}

// kept is the step as a run keeps it; nil if there is none.
func (a *app) kept(s *step) *runs.Next {
	if s == nil {
		return nil
	}
	here, _ := os.Getwd() // not known: the words say what they can
	return &runs.Next{Why: s.why, Command: a.args(s), Folder: here, Or: a.kept(s.or)}
}

// givenFlags are the global flags that stand on the command line, but for the tenant.
func givenFlags(global *pflag.FlagSet) []string {
	var given []string
	global.VisitAll(func(f *pflag.Flag) {
		switch {
		case !f.Changed || f.Name == "tenant":
		case f.Value.String() == "true":
			given = append(given, "--"+f.Name)
		default:
			given = append(given, "--"+f.Name+"="+f.Value.String())
		}
	})
	return given
}

// shownPath is the path as a person would type it from here.
func shownPath(path string) string {
	here, err := os.Getwd()
	if err != nil {
		return path
	}
	rel, err := filepath.Rel(here, path)
	if err != nil || len(rel) >= len(path) || len(rel) > 2 && rel[:2] == ".." {
		return path
	}
	if strings.HasPrefix(rel, "-") {
		return "./" + rel // else a command would take it for a flag
	}
	return rel
}
