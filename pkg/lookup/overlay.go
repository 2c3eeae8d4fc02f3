package lookup

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// Overlay is the tenant's own rows of a bundle's tables.
type Overlay struct {
	FS   fs.FS  // the tenant's folder of tables for this bundle; nil if there is none yet
	Path string // how messages name the folder
}

// OverlayFile is a table of the tenant that took part, with what its rows did.
type OverlayFile struct {
	Path, SHA256 string
	Merged
}

// CodeOf is the code of a problem in a table's row: another one where the row is a tenant's.
func (o *Overlay) CodeOf(row diag.Pos, code diag.Code) diag.Code {
	if o != nil && strings.HasPrefix(row.File, o.Path+"/") {
		return diag.BundleOverlay
	}
	return code
}

// Merge puts the tenant's rows into the tables, and finds files that may not be there.
func (ts *Tables) Merge(problems *diag.Distinct) (took []OverlayFile) {
	o := ts.overlay
	if o == nil {
		return nil
	}
	for _, t := range ts.named {
		if t.Overlay {
			t.over = path.Join(o.Path, path.Base(t.file))
		}
	}
	if o.FS == nil {
		return nil
	}
	entries, err := fs.ReadDir(o.FS, ".")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		problems.Add(diag.At(diag.Pos{File: o.Path}, diag.BundleOverlay, "Check the folder's permissions.",
			"the tenant's tables cannot be read: %v", err))
		return nil
	}
	for _, e := range entries {
		if leftBehind.MatchString(e.Name()) {
			continue
		}
		if file, ok := ts.mergeFile(e.Name(), path.Join(o.Path, e.Name()), problems); ok {
			took = append(took, file)
		}
	}
	return took
}

// leftBehind matches what editors leave, and copies of tables that somebody keeps.
var leftBehind = regexp.MustCompile(`(?i)^[.#]|^~\$|~$|\.csv\.(bak|old|orig)$`)

// mergeFile merges one file of the tenant; false if it could not be read.
func (ts *Tables) mergeFile(name, shown string, problems *diag.Distinct) (file OverlayFile, ok bool) {
	targets, allowed := ts.targets(name, shown)
	pos := diag.Pos{File: shown, Line: 1}
	if len(targets) == 0 {
		fix := "Move it away, or name it after a table that a tenant may overlay: " + strings.Join(allowed, ", ") + "."
		problems.Add(diag.At(pos, diag.BundleOverlay, fix, "%s is not a table that a tenant may overlay%s", name, diag.DidYouMean(name, allowed)))
		return file, false
	}
	text, err := fs.ReadFile(ts.overlay.FS, name)
	if err != nil {
		problems.Add(diag.At(pos, diag.BundleOverlay, "", "the table cannot be read: %v", err))
		return file, false
	}
	sum := sha256.Sum256(text)
	file = OverlayFile{Path: shown, SHA256: hex.EncodeToString(sum[:])}
	for _, t := range targets {
		header, rows, problem := parse(shown, text)
		if problem != nil {
			problem.Code = diag.BundleOverlay
			problems.Add(*problem)
			break
		}
		if header, rows = unpadded(header, rows); !slices.Equal(header, t.Header) {
			message, fix := otherHeader(header, t.Header)
			problems.Add(diag.At(pos, diag.BundleOverlay, fix, "%s", message))
			break
		}
		file.Merged = t.merge(whole(rows, len(header), diag.BundleOverlay, problems), problems)
	}
	return file, true
}

// targets is the tables that a file of the tenant overlays, and the names, sorted, that such files may have.
func (ts *Tables) targets(name, shown string) (targets []*Table, allowed []string) {
	for _, of := range ts.Names() {
		if t := ts.named[of]; t.Overlay {
			allowed = append(allowed, path.Base(t.file))
			if path.Base(t.file) == name {
				targets = append(targets, t)
			}
		}
	}
	for _, d := range ts.bundle.Descriptors.Shared {
		if d.Host == nil || d.Host.Value == "" {
			continue
		}
		file := d.Type.Value + ".csv"
		if allowed = append(allowed, file); file == name {
			t := newTable(d.Type.Value, file, shown)
			t.columns([]string{"value", "descriptor"})
			t.Keyed, t.Overlay, t.over = true, true, shown
			ts.written[d.Type.Value] = t
			targets = append(targets, t)
		}
	}
	slices.Sort(allowed)
	return targets, slices.Compact(allowed)
}
