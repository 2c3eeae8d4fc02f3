package main

import "strings"

// reflow fits a help text to a narrow terminal. Lines that are indented stay as they are, but for what stands
// behind the first word of one that is too long: it goes on below itself.
func reflow(text string) string {
	var out, paragraph []string
	flush := func() {
		if len(paragraph) > 0 {
			out = append(out, broken(strings.Join(paragraph, " "), narrow)...)
			paragraph = nil
		}
	}
	for line := range strings.SplitSeq(strings.Trim(text, "\n"), "\n") {
		words := strings.TrimLeft(line, " ")
		if words == line && words != "" {
			paragraph = append(paragraph, line)
			continue
		}
		flush()
		indent := len(line) - len(words)
		if gap := strings.Index(words, "  "); gap >= 0 {
			indent += gap + len(words[gap:]) - len(strings.TrimLeft(words[gap:], " "))
		}
		if cells(line) <= narrow || indent == len(line)-len(words) {
			out = append(out, line)
			continue
		}
		for i, part := range broken(line[indent:], narrow-indent) {
			if i == 0 {
				out = append(out, line[:indent]+part)
			} else {
				out = append(out, strings.Repeat(" ", indent)+part)
			}
		}
	}
	flush()
	return strings.Join(out, "\n")
}
