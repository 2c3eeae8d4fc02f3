package table

import (
	"encoding/csv"
	"strings"
)

// Line is cells as one line of CSV, without its end, quoted where they must be; no delimiter is a comma.
func Line(cells []string, delimiter string) string {
	var line strings.Builder
	w := csv.NewWriter(&line)
	if delimiter != "" {
		w.Comma = rune(delimiter[0])
	}
	_ = w.Write(cells) // a strings.Builder takes everything
	w.Flush()
	return strings.TrimSuffix(line.String(), "\n")
}
