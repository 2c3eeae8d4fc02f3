// Package intake stages records that another tool wrote: a folder of files of JSON lines, one or more for
// each resource. It copies them into a run as they are and notes where each came from; it judges nothing.
package intake

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// Folder is what was found in a folder of records.
type Folder struct {
	Path  string
	Files []File    // by resource, then by path
	Known diag.List // what was passed over
	Bytes int64     // of all files
}

// File is one file of records.
type File struct{ Resource, Path string }

// endings are those of files of JSON lines, as the tools that write them have it.
var endings = []string{".jsonl", ".ndjson", ".json"}

// Find looks for files of records: NAME.jsonl, or any such file in a folder NAME, where NAME is a resource. A
// name that differs from one of names in case alone is that one. Another name of a file stays as it is: whoever
// knows what the target has judges it.
func Find(folder string, names []string) (*Folder, error) {
	f := &finder{names: names, found: &Folder{Path: folder}}
	if err := f.folder(folder); err != nil {
		return nil, err
	}
	if len(f.problems) > 0 {
		f.problems.Sort()
		return nil, &diag.Error{Kind: diag.Guarded, Code: diag.FileFormat, Problems: f.problems,
			Message: "not all files of " + folder + " hold one JSON record a line; nothing was read",
			Next:    "Have the tool write one record to a line, in UTF-8, or move away what are not records."}
	}
	if len(f.found.Files) == 0 {
		return nil, diag.Fail(diag.Usage, diag.ConfigInput, "Name a run, or a folder with files such as studentAssessments.jsonl.",
			"%s holds neither a run nor files of records", folder)
	}
	slices.SortStableFunc(f.found.Files, func(a, b File) int { return strings.Compare(a.Resource, b.Resource) })
	return f.found, nil
}

type finder struct {
	names    []string
	found    *Folder
	problems diag.List // of files that hold no lines of records
}

// resource is the name of a resource as the API writes it.
func (f *finder) resource(name string) (resource string, known bool) {
	if i := slices.IndexFunc(f.names, func(n string) bool { return strings.EqualFold(n, name) }); i >= 0 && !slices.Contains(f.names, name) {
		return f.names[i], true
	}
	return name, slices.Contains(f.names, name)
}

func (f *finder) folder(folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return unreadable(err, folder)
	}
	for _, e := range entries {
		path := filepath.Join(folder, e.Name())
		info, err := os.Stat(path) // of a link, what it leads to
		if err != nil {
			return unreadable(err, path)
		}
		base := recordsName(e.Name())
		switch resource, known := f.resource(e.Name()); {
		case strings.HasPrefix(e.Name(), "."):
		case info.IsDir() && known:
			err = f.parts(path, resource)
		case info.IsDir():
			err = f.passOver(path)
		case base == "":
			f.pass(diag.LevelInfo, path, "its name does not end with "+strings.Join(endings, ", "))
		default:
			resource, _ = f.resource(base)
			err = f.file(path, resource, info)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// recordsName is the name of a file of records without its ending; "" for other files.
func recordsName(file string) string {
	for _, ending := range endings {
		if n := len(file) - len(ending); n > 0 && strings.EqualFold(file[n:], ending) {
			return file[:n]
		}
	}
	return ""
}

// parts takes in a folder that is named like a resource.
func (f *finder) parts(folder, resource string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return unreadable(err, folder)
	}
	for _, e := range entries {
		path := filepath.Join(folder, e.Name())
		info, err := os.Stat(path)
		if err != nil {
			return unreadable(err, path)
		}
		switch {
		case strings.HasPrefix(e.Name(), "."):
		case info.IsDir():
			f.pass(diag.LevelWarning, path, "folders are looked at one level deep")
		case recordsName(e.Name()) == "":
			f.pass(diag.LevelInfo, path, "its name does not end with "+strings.Join(endings, ", "))
		default:
			if err := f.file(path, resource, info); err != nil {
				return err
			}
		}
	}
	return nil
}

// passOver says that a folder is not read, if there are files in it that may hold records.
func (f *finder) passOver(folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return unreadable(err, folder)
	}
	if slices.ContainsFunc(entries, func(e os.DirEntry) bool { return recordsName(e.Name()) != "" }) {
		f.pass(diag.LevelWarning, folder, "no resource has this name"+diag.DidYouMean(filepath.Base(folder), f.names))
	}
	return nil
}

func (f *finder) pass(level diag.Level, path, why string) {
	f.found.Known = append(f.found.Known, diag.Problem{Code: diag.FilePassedOver, Level: level, File: path, Message: "it was not read: " + why})
}

func (f *finder) file(path, resource string, info os.FileInfo) error {
	if !info.Mode().IsRegular() {
		f.pass(diag.LevelWarning, path, "it is a pipe or a device")
		return nil
	}
	why, err := notLines(path)
	if err != nil {
		return unreadable(err, path)
	}
	if why != "" {
		f.problems = append(f.problems, diag.Problem{Code: diag.FileFormat, Level: diag.LevelOf(diag.FileFormat), File: path, Line: 1, Message: why})
	}
	f.found.Files = append(f.found.Files, File{resource, path})
	f.found.Bytes += info.Size()
	return nil
}

var byteOrderMark = []byte("\xef\xbb\xbf")

// notLines says why a file cannot hold a record a line, as its beginning tells; "" if it may.
func notLines(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	head, err := bufio.NewReader(io.LimitReader(file, 4096)).Peek(4096)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xfe")), bytes.HasPrefix(head, []byte("\xfe\xff")):
		return "the file is written in UTF-16", nil
	case bytes.HasPrefix(head, []byte("\x1f\x8b")), bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return "the file is an archive", nil
	}
	first, _, more := bytes.Cut(bytes.TrimSpace(bytes.TrimPrefix(head, byteOrderMark)), []byte("\n"))
	switch first = bytes.TrimSpace(first); {
	case bytes.HasPrefix(first, []byte("[")):
		return "the file holds one JSON array", nil
	case more && string(first) == "{":
		return "the first record stands on several lines", nil
	}
	return "", nil
}

func unreadable(err error, path string) error {
	return diag.FailWith(err, diag.CouldNotRun, diag.MachineDisk, "Let the user who runs sluice read it.", "%s cannot be read", path)
}

func changed(path string) error {
	return diag.Fail(diag.Guarded, diag.FileChanged, "Wait until the tool that writes it has ended, then run the same command again.",
		"%s changed while it was read", path)
}
