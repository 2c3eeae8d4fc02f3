package diag

import (
	"regexp"
	"strings"
)

var plainWord = regexp.MustCompile(`^[\p{L}\p{N}_@%+:,./-][\p{L}\p{N}_@%+=:,./~-]*$`)

// ShellWord quotes a word of a command that users are told to run, if a POSIX shell would not read it
// as it is. PowerShell takes a path with a blank in the same quotes.
func ShellWord(word string) string {
	if plainWord.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// ShellCommand is a command of sluice as a user can paste it into a shell.
func ShellCommand(words ...string) string {
	line := "sluice"
	for _, w := range words {
		line += " " + ShellWord(w)
	}
	return line
}

// ShellWords are the words of a command as ShellCommand writes it.
func ShellWords(command string) []string {
	var words []string
	for _, m := range shellWord.FindAllString(command, -1) {
		m = strings.ReplaceAll(m, `'\''`, "\x00")
		words = append(words, strings.ReplaceAll(strings.ReplaceAll(m, "'", ""), "\x00", "'"))
	}
	return words
}

var shellWord = regexp.MustCompile(`(?:[^\s'\\]|\\'|'[^']*')+`)
