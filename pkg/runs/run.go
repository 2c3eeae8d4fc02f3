// Package runs owns the run directory: its manifest, the stages and their counts, the files in it, and
// where runs lie. The stages talk to each other only through it.
package runs

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/durable"
	"github.com/sluice-edfi/sluice/pkg/jsonl"
)

const manifestFile = "run.json"

// format is the version of the run directory's layout.
const format = 1

// Run is a run directory with its manifest. It is owned by one stage at a time.
type Run struct {
	Path string // absolute
	Manifest

	// Acknowledgements are the tenant's, and Today is the day that it is for them, as 2027-06-30. No file of the
	// run has them: they may be others tomorrow.
	Acknowledgements []diag.Acknowledgement
	Today            string
}

// NewPath is where a run lies unless --run names another place: root/<tenant>/<UTC time>-<bundle>,
// root being the folder `runs`. tenant may be empty.
func NewPath(root, tenant, bundle string, now time.Time) string {
	return filepath.Join(root, cmp.Or(tenant, "none"), now.UTC().Format("20060102T150405.000Z")+"-"+bundle)
}

// Create makes the run directory at path, or replaces the run there if its send has not begun.
// A folder with anything else in it is refused. Whoever shares the folder with others holds its lock.
func Create(path string, m Manifest) (*Run, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := CheckFree(path); err != nil {
		return nil, err
	}
	if err := durable.MkdirAll(path); err != nil {
		return nil, unwritable(err, path)
	}
	id := make([]byte, 8)
	rand.Read(id)
	r := &Run{Path: path, Manifest: m}
	r.Format, r.ID = format, hex.EncodeToString(id)
	r.Stages = map[string]*Execution{}
	if err := r.Save(); err != nil { // first: a folder with anything in it and no manifest is foreign
		return nil, err
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, unwritable(err, path)
	}
	for _, e := range entries {
		if e.Name() != manifestFile && !isLock(e.Name()) {
			if err := os.RemoveAll(filepath.Join(path, e.Name())); err != nil { // of a link, the link
				return nil, unwritable(err, path)
			}
		}
	}
	for _, dir := range []string{"staged", "problems", "rejects"} {
		if err := durable.MkdirAll(filepath.Join(path, dir)); err != nil {
			return nil, unwritable(err, path)
		}
	}
	return r, nil
}

// CheckFree refuses a folder that Create would refuse, and changes nothing.
func CheckFree(path string) error {
	entries, err := os.ReadDir(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return unwritable(err, path)
	}
	entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return isLock(e.Name()) || unfinishedManifest(e.Name()) })
	if len(entries) == 0 {
		return nil
	}
	if _, err := os.Lstat(filepath.Join(path, manifestFile)); err != nil {
		return diag.Fail(diag.Usage, diag.ConfigRun, "Name another folder with --run, or empty this one.",
			"%s is not empty and is not a run", path)
	}
	old, err := Open(path)
	if err != nil {
		return err
	}
	if old.loaded() {
		return diag.Fail(diag.Usage, diag.ConfigRun, "Leave out --run, or name another folder.",
			"the run in %s has been sent, or its send has begun; it is kept as the record of that", path)
	}
	for _, e := range entries {
		if _, known := ours[e.Name()]; !known && !strings.HasSuffix(e.Name(), durable.Unfinished) {
			return diag.Fail(diag.Usage, diag.ConfigRun, "Move it away, or name another folder with --run.",
				"%s holds %s, which is not part of a run", path, e.Name())
		}
	}
	return nil
}

// ours is what a run directory may hold, and which of it are folders.
var ours = map[string]bool{"staged": true, "verdicts": true, "problems": true, "rejects": true, "errors": true, "summaries": true,
	manifestFile: false, "unmapped.csv": false, "mappings.csv": false, "candidates.csv": false, "log.jsonl": false, "report.json": false, "report.html": false, "rules.yaml": false,
	durable.LockFile: false, durable.HolderFile: false, durable.GitIgnore: false}

// isLock reports whether a name is one of those that the lock of a run directory leaves there. The lock
// outlives the run: to remove it would let two commands hold two locks.
func isLock(name string) bool {
	return name == durable.LockFile || name == durable.HolderFile || name == durable.GitIgnore
}

func unfinishedManifest(name string) bool {
	return strings.HasPrefix(name, manifestFile+".") && strings.HasSuffix(name, durable.Unfinished)
}

// checkKinds refuses a folder of the run that is a link, or a file in the run that is a pipe, a device or a
// link: what is written or read there is not the run's.
func checkKinds(path string) error {
	foreign := func(name string) error {
		return diag.Fail(diag.Usage, diag.ConfigRun, "Remove it, and run transform again with another --run.",
			"%s in the run %s is not the plain file or folder that a run has there", name, path)
	}
	for _, name := range slices.Sorted(maps.Keys(ours)) {
		info, err := os.Lstat(filepath.Join(path, name))
		if err != nil {
			continue // whoever needs it says so
		}
		if folder := ours[name]; folder && !info.IsDir() || !folder && !info.Mode().IsRegular() {
			return foreign(name)
		}
		if !info.IsDir() {
			continue
		}
		entries, _ := os.ReadDir(filepath.Join(path, name)) // as above
		for _, e := range entries {
			if !e.IsDir() && !e.Type().IsRegular() {
				return foreign(filepath.Join(name, e.Name()))
			}
		}
	}
	return nil
}

func unwritable(err error, path string) error {
	return diag.Unwritable(err, "Check the folder's permissions and free space, or name another with --run.",
		"the run directory %s cannot be written", path)
}

// Open reads the run at path.
func Open(path string) (*Run, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := checkKinds(path); err != nil {
		return nil, err
	}
	return readManifest(path)
}

// readManifest is the run in a folder as its manifest has it; a link or a pipe is none.
func readManifest(path string) (*Run, error) {
	info, err := os.Lstat(filepath.Join(path, manifestFile))
	if err == nil && !info.Mode().IsRegular() {
		err = fs.ErrInvalid
	}
	var text []byte
	if err == nil {
		text, err = os.ReadFile(filepath.Join(path, manifestFile))
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = errors.New("it holds no " + manifestFile)
	}
	if err != nil {
		return nil, diag.FailWith(err, diag.Usage, diag.ConfigRun, "Name the folder that transform printed, or see `sluice runs list`.",
			"%s is not a run", path)
	}
	r := &Run{Path: path}
	if err := json.Unmarshal(text, &r.Manifest); err != nil {
		return nil, diag.FailWith(err, diag.Usage, diag.ConfigRun, "Run transform again.",
			"%s is damaged", filepath.Join(path, manifestFile))
	}
	if r.Format != format {
		return nil, diag.Fail(diag.Usage, diag.ConfigRun, "Use the version of sluice that wrote it, or run transform again.",
			"%s has layout %d, this sluice knows %d", path, r.Format, format)
	}
	if r.Stages == nil {
		r.Stages = map[string]*Execution{}
	}
	return r, nil
}

// Save rewrites the manifest.
func (r *Run) Save() error {
	text, err := jsonl.Indented(r.Manifest)
	if err != nil {
		return err
	}
	return unwritable(durable.WriteFile(r.File(manifestFile), text), r.Path)
}

// Begin records that a stage starts; whatever later stages said is no longer true. Verdicts and
// pass do not outlive a new transform or validate. What a killed stage left unfinished is removed.
func (r *Run) Begin(stage string, now time.Time) error {
	folders := []string{r.Path}
	for name, folder := range ours {
		if folder {
			folders = append(folders, r.File(name))
		}
	}
	for _, folder := range folders {
		if err := durable.Sweep(folder); err != nil {
			return unwritable(err, r.Path)
		}
	}
	r.Stages[stage], r.Stopped, r.Next = &Execution{Start: now.UTC()}, nil, nil
	if order(stage) <= order(Validate) {
		r.Pass, r.Verdicts = nil, nil
	}
	return r.Save()
}

// End records how a stage ended; counts may be nil.
func (r *Run) End(stage string, now time.Time, outcome Outcome, counts Counts) error {
	x := r.Stages[stage]
	end := now.UTC()
	x.End, x.Exit = &end, &outcome
	if counts != nil {
		text, err := json.Marshal(counts)
		if err != nil {
			return err
		}
		x.Counts = text
	}
	return r.Save()
}

// Undo leaves the manifest as if a stage had not begun: such a run may still be replaced. before is
// what the manifest said of the stage, or nil.
func (r *Run) Undo(stage string, before *Execution) error {
	if r.Stages[stage] = before; before == nil {
		delete(r.Stages, stage)
	}
	return r.Save()
}

// Counts are what a stage counted; nil if it counted nothing or there is no such stage.
func (r *Run) Counts(stage string) Counts {
	x, i := r.Stages[stage], order(stage)
	if x == nil || i < 0 || len(x.Counts) == 0 {
		return nil
	}
	c := stages[i].New()
	if json.Unmarshal(x.Counts, c) != nil {
		return nil
	}
	return c
}

// Finished reports whether a stage ran to its end.
func (r *Run) Finished(stage string) bool {
	x := r.Stages[stage]
	return x != nil && x.Exit != nil && x.Exit.Finished()
}

// Killed names the stage that began and did not end; "" if there is none. Whether somebody is still at work on
// it, the lock of the run's folder says.
func (r *Run) Killed() string {
	for _, stage := range stages {
		if x := r.Stages[stage.Name]; x != nil && x.Exit == nil {
			return stage.Name
		}
	}
	return ""
}

// loaded reports whether a stage that changes the target has begun.
func (r *Run) loaded() bool {
	return slices.ContainsFunc(stages, func(s Stage) bool { return s.Loads && r.Stages[s.Name] != nil })
}
