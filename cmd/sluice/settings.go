package main

import (
	"fmt"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/tenant"
)

// settingsText is the reference of sluice.yaml as a topic of `sluice help`.
func settingsText() string {
	var b strings.Builder
	b.WriteString("sluice.yaml says who is served. It is looked for in the current folder, or named with --config; `sluice init` writes\n" +
		"a first one, `sluice tenant show NAME` says what holds. Paths are relative to it. Without one, only the built-in\n" +
		"tenant sandbox is known. Unknown keys are refused.\n")
	for _, k := range tenant.Keys() {
		fmt.Fprintf(&b, "\n  %s\n", k.Path)
		holds := strings.ReplaceAll(k.Form+"; default: "+k.Default, "; default: required", "; required")
		for _, line := range broken(strings.TrimSuffix(holds, "; default: ")+". "+k.About, narrow-6) {
			fmt.Fprintf(&b, "      %s\n", line)
		}
	}
	return strings.TrimRight(b.String(), "\n")
}
