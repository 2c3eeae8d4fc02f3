package main

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/jsonl"
)

// screen writes results to stdout and everything else to stderr. Colour and progress need a
// terminal, and none of NO_COLOR, CI and TERM=dumb.
type screen struct {
	out, err   io.Writer
	steering   io.Writer // stderr for the moving bar, which writes its own control sequences
	quiet      bool
	json       bool
	outColour  bool
	errColour  bool
	progress   bool       // stderr can show a moving bar
	columns    func() int // of the terminal that shows results; 0: it is none
	errColumns func() int // of the one that shows progress
	mu         sync.Mutex // held while a line is written, or the bar moves
	bar        *moving    // what moves now, or nil
}

func newScreen(s streams, set settings) *screen {
	plain := set.NoColor || s.getenv("NO_COLOR") != "" || s.getenv("CI") != "" || s.getenv("TERM") == "dumb"
	colour := func(tty bool) bool { return tty && !plain }
	columns := func(tty bool, of func() int) func() int {
		if tty && of != nil {
			return of
		}
		return func() int { return 0 }
	}
	return &screen{out: &guarded{s.out, colour(s.outTTY)}, err: &guarded{s.err, colour(s.errTTY)}, steering: s.err,
		columns: columns(s.outTTY, s.outColumns), errColumns: columns(s.errTTY, s.errColumns),
		quiet: set.Quiet, json: set.JSON,
		outColour: colour(s.outTTY), errColour: colour(s.errTTY),
		progress: s.errTTY && s.getenv("CI") == "" && s.getenv("TERM") != "dumb" && !set.JSON && !set.Quiet}
}

const (
	red    = "31"
	yellow = "33"
	green  = "32"
	cyan   = "36"
	bold   = "1"
	dim    = "2"
)

// styles colour what is said of a problem.
var styles = map[diag.Level]string{diag.LevelFormat: red, diag.LevelError: red, diag.LevelWarning: yellow, diag.LevelInfo: cyan}

func paint(on bool, style, text string) string {
	if !on || style == "" || text == "" {
		return text
	}
	return "\x1b[" + style + "m" + text + "\x1b[0m"
}

// guarded writes text for people. Values, headers and file names come from others: what would steer a
// terminal (control characters, bidirectional marks) is written visibly instead, but for our own colours.
type guarded struct {
	w      io.Writer
	colour bool
}

var ownColours = regexp.MustCompile(`^\x1b\[(0|1|2|31|32|33|36)m`)

func (g *guarded) Write(p []byte) (int, error) {
	if _, err := io.WriteString(g.w, visible(string(p), g.colour)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// visible is the text with everything that steers a terminal written as an escape, but for our own colours.
func visible(s string, colour bool) string {
	if colour {
		return diag.Visible(s, ownColours)
	}
	return diag.Visible(s, nil)
}

// say prints a line of the result on stdout.
func (s *screen) say(format string, args ...any) {
	if !s.quiet && !s.json {
		s.line(s.out, format, args...)
	}
}

// note prints a line for the person at the terminal on stderr. Others may call it too than the one who runs
// the command.
func (s *screen) note(format string, args ...any) {
	if !s.quiet && !s.json {
		s.line(s.err, format, args...)
	}
}

// sayError prints a line on stderr that is said under --quiet too.
func (s *screen) sayError(format string, args ...any) { s.line(s.err, format, args...) }

// line writes a line in the place of what moves there.
func (s *screen) line(w io.Writer, format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bar != nil {
		s.bar.clear()
	}
	fmt.Fprintf(w, format+"\n", args...)
}

// result prints the one JSON object of --json.
func (s *screen) result(v any) error {
	if !s.json {
		return nil
	}
	text, err := jsonl.Indented(v)
	if err != nil {
		return err
	}
	_, err = s.out.Write(text)
	return err
}

// mostProblems is how many problems are printed; the rest stand in the files.
const mostProblems = 20

// problems prints problems of files that people write, with the source line under each.
func (s *screen) problems(w io.Writer, list diag.List) {
	shown := slices.Clone(list)
	slices.SortStableFunc(shown, func(a, b diag.Problem) int { return int(a.Level) - int(b.Level) })
	for i, p := range shown {
		if i == mostProblems {
			fmt.Fprintf(w, "… and %d more\n", len(shown)-i)
			break
		}
		if i+1 < min(len(shown), mostProblems) && shown[i+1].Fix == p.Fix && shown[i+1].Code == p.Code {
			p.Fix = "" // the same remedy stands once, behind the last of them
		}
		s.problem(w, p)
	}
}

func (s *screen) problem(w io.Writer, p diag.Problem) {
	style := styles[p.Level]
	where := p.Pos().String()
	if where != "" {
		where += ": "
	}
	fmt.Fprintf(w, "%s%s %s\n", paint(s.errColour, bold, where), paint(s.errColour, style, p.Level.String()+" ["+string(p.Code)+"]"), p.Message)
	if p.Snippet != "" {
		text := strings.ReplaceAll(p.Snippet, "\t", " ")
		fmt.Fprintf(w, "    %s\n", text)
		if before := []rune(text); p.Col > 0 && p.Col <= len(before)+1 {
			fmt.Fprintf(w, "    %s%s\n", strings.Repeat(" ", cells(string(before[:p.Col-1]))), paint(s.errColour, style, "^"))
		}
	}
	if p.Fix != "" {
		fmt.Fprintf(w, "    %s %s\n", paint(s.errColour, dim, "→"), p.Fix)
	}
}
