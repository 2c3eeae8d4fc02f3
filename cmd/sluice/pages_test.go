package main

import (
	"bufio"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const repository = "../.."

// pages are the Markdown files of the repository, by path.
func pages(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(repository, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && (name == ".git" || name == "node_modules" || name == "runs" && path != repository+"/pkg/runs") {
			return fs.SkipDir
		}
		if filepath.Ext(name) != ".md" {
			return nil
		}
		text, err := os.ReadFile(path)
		all[path] = strings.ReplaceAll(string(text), "\r\n", "\n")
		return err
	})
	if err != nil || len(all) < 10 {
		t.Fatalf("%d pages, %v", len(all), err)
	}
	return all
}

var (
	fenced  = regexp.MustCompile("(?ms)^```(.*?)\n(.*?)^```$")
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	spoken  = regexp.MustCompile("`(sluice [a-z][^`]*)`")
	dropped = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// TestLinksResolve: what a page links to is there, headings too.
func TestLinksResolve(t *testing.T) {
	all := pages(t)
	for path, text := range all {
		for _, m := range link.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
			file, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(m[1], "://") {
				continue
			}
			to := path
			if file != "" {
				to = filepath.Join(filepath.Dir(path), file)
			}
			if _, err := os.Stat(to); err != nil {
				t.Errorf("%s links to %s, which is not there", path, m[1])
			}
			if anchor != "" && !slices.Contains(anchors(all[to]), anchor) {
				t.Errorf("%s links to %s, and there is no such heading", path, m[1])
			}
		}
	}
}

// anchors are the names by which the headings of a page are linked.
func anchors(text string) []string {
	var names []string
	for _, m := range heading.FindAllStringSubmatch(text, -1) {
		names = append(names, strings.ReplaceAll(dropped.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-"))
	}
	return names
}

// TestCommandsOfPages: every command that a page shows is there, and takes the flags it is shown with; where
// a block is to be copied, its arguments too.
func TestCommandsOfPages(t *testing.T) {
	checked := 0
	for path, text := range pages(t) {
		for _, block := range fenced.FindAllStringSubmatch(text, -1) {
			kind, _, _ := strings.Cut(block[1], " ")
			for _, words := range commandsIn(block[2], kind) {
				checked++
				if err := parses(words, kind != "text"); err != nil {
					t.Errorf("%s: %s: %v", path, strings.Join(words, " "), err)
				}
			}
		}
		for _, m := range spoken.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
			checked++
			if err := parses(shellWords(m[1]), false); err != nil {
				t.Errorf("%s: %s: %v", path, m[1], err)
			}
		}
	}
	if checked < 100 {
		t.Errorf("only %d commands were found", checked)
	}
}

// parses makes sure that a command line of sluice is understood; whole: with its arguments.
func parses(words []string, whole bool) error {
	root := newApp(streams{getenv: func(string) string { return "" }}).root
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	cmd, rest, err := root.Find(words[1:])
	if err != nil {
		return err
	}
	if len(rest) > 0 && cmd.HasSubCommands() && !strings.HasPrefix(rest[0], "-") && regexp.MustCompile(`^[a-z]+$`).MatchString(rest[0]) {
		return fmt.Errorf("unknown command %q", rest[0])
	}
	rest = slices.DeleteFunc(rest, func(w string) bool { return w == "…" })
	if err := cmd.ParseFlags(rest); err != nil || !whole || cmd.Args == nil {
		return err
	}
	return cmd.Args(cmd, cmd.Flags().Args())
}

// commandsIn finds the commands of sluice in a block, as words.
func commandsIn(block, kind string) [][]string {
	var all [][]string
	block = strings.NewReplacer("\\\n", " ", "`\n", " ").Replace(block)
	end := "" // of a here-document
	for lines := bufio.NewScanner(strings.NewReader(block)); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		if end != "" {
			if line == end {
				end = ""
			}
			continue
		}
		if _, word, here := strings.Cut(line, "<<'"); here {
			end = strings.TrimSuffix(word, "'")
		}
		if i := strings.Index(line, "$(sluice "); i >= 0 && kind != "text" {
			line = strings.TrimSuffix(line[i+2:], ")")
		}
		prose := kind == "text" && (!strings.HasPrefix(lines.Text(), "  ") || strings.Contains(line, "["))
		if !strings.HasPrefix(line, "sluice ") || prose {
			continue
		}
		if kind == "text" {
			line, _, _ = strings.Cut(line, "   ")
		}
		all = append(all, shellWords(line))
	}
	return all
}

// shellWords splits a line as a shell does, up to the end of its first command.
func shellWords(line string) []string {
	var words []string
	word, quote, begun := "", rune(0), false
	for _, r := range line + " " {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word += string(r)
		case r == '\'' || r == '"':
			quote, begun = r, true
		case r == ' ':
			if word != "" || begun {
				words = append(words, word)
			}
			word, begun = "", false
		case strings.ContainsRune("|>&;#", r) && word == "":
			return words
		default:
			word += string(r)
		}
	}
	return words
}

// TestTestsThatPagesName: a test or a script that a page names as what holds a claim is there.
func TestTestsThatPagesName(t *testing.T) {
	named := regexp.MustCompile("`(Test[A-Z]\\w+|\\w+\\.txtar)`")
	there := map[string]bool{}
	err := filepath.WalkDir("../..", func(path string, d os.DirEntry, err error) error {
		switch {
		case err != nil || d.IsDir():
			return err
		case strings.HasSuffix(path, ".txtar"):
			there[d.Name()] = true
		case strings.HasSuffix(path, "_test.go"):
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllStringSubmatch(string(text), -1) {
				there[m[1]] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for path, text := range pages(t) {
		for _, m := range named.FindAllStringSubmatch(text, -1) {
			if !there[m[1]] {
				t.Errorf("%s names %s, which is not there", path, m[1])
			}
		}
	}
}
