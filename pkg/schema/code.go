package schema

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/jsonl"
)

// maxCode is the length of a descriptor's code.
const maxCode = 50

// BadCode says why a text cannot be the code of a descriptor; empty if it can.
func BadCode(code string) (wrong string, problem diag.Code) {
	if n := jsonl.UTF16Length(code); n > maxCode {
		return fmt.Sprintf("it has %d characters, and a code at most %d", n, maxCode), diag.DescriptorLong
	}
	if i := strings.IndexFunc(code, func(r rune) bool { return r == '#' || unicode.IsControl(r) }); i >= 0 {
		return fmt.Sprintf("it holds %q", []rune(code[i:])[0]), diag.DescriptorCode
	}
	return "", ""
}
