package diag

import (
	"os/exec"
	"slices"
	"testing"
)

func TestShellWord(t *testing.T) {
	for _, w := range []string{"plain-word_1.csv", "runs/gb/20260501T120000.000Z-b", "results=a.csv", "Grün"} {
		if got := ShellWord(w); got != w {
			t.Errorf("%s is quoted without need: %s", w, got)
		}
	}
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no POSIX shell here")
	}
	for _, w := range []string{"plain", "it's", "a b", "", "$HOME", "*.csv", "~", "~/x", "a~", `back\slash`, "new\nline", "-", "a;b", "#x", "{a,b}", "`ls`"} {
		got, err := exec.Command(shell, "-c", "printf %s "+ShellWord(w)).Output()
		if err != nil || string(got) != w {
			t.Errorf("the shell reads %s as %q, want %q (%v)", ShellWord(w), got, w, err)
		}
	}
}

func TestShellWords(t *testing.T) {
	for _, words := range [][]string{{"runs", "list"}, {"send", "my run 1", "--tenant", "gb"}, {"a", "it's", "", "x=y z", `back\slash`, "'"}} {
		if got := ShellWords(ShellCommand(words...)); !slices.Equal(got, append([]string{"sluice"}, words...)) {
			t.Errorf("%q became %q", words, got)
		}
	}
}
