package mapping

import (
	"strings"
	"testing"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/expression"
)

func TestCells(t *testing.T) {
	col := func(typ bundle.Type, edit func(*bundle.Column)) *column {
		d := &bundle.Column{Type: typ}
		if edit != nil {
			edit(d)
		}
		return (&compiler{report: newReport()}).column(d, []string{"NA"})
	}
	for _, tt := range []struct {
		col        *column
		cell, want string
	}{
		{col("", nil), " 007 ", "text 007"}, {col("", nil), "\u00a0x\u00a0", "text x"}, {col("", nil), " NA ", "null"}, {col("", nil), "na", "text na"}, {col("", nil), " ", "null"},
		{col("", func(d *bundle.Column) { d.Pad = 3 }), "7", "text 007"}, {col("", func(d *bundle.Column) { d.Pad = 3 }), "7a", "text 7a"}, {col("", func(d *bundle.Column) { d.Pad = 3 }), "1234", "text 1234"},
		{col("integer", nil), "+007", "integer 7"}, {col("integer", nil), "-7", "integer -7"}, {col("integer", nil), "7.0", "unfit"}, {col("integer", nil), "1e3", "unfit"}, {col("integer", nil), "1,000", "unfit"}, {col("integer", nil), "99999999999999999999", "unfit"},
		{col("decimal", nil), "3.40", "decimal 3.40"}, {col("decimal", nil), ".5", "decimal .5"}, {col("decimal", nil), "5%", "unfit"}, {col("decimal", nil), "1.2.3", "unfit"}, {col("decimal", nil), ".", "unfit"}, {col("decimal", nil), "1e3", "unfit"},
		{col("boolean", func(d *bundle.Column) { d.Yes, d.No = []string{"Y"}, []string{"N"} }), "Y", "boolean true"}, {col("boolean", func(d *bundle.Column) { d.Yes, d.No = []string{"Y"}, []string{"N"} }), "y", "unfit"},
		{col("", func(d *bundle.Column) { d.Required = true }), "NA", "unfit"},
	} {
		v, f := tt.col.Read(tt.cell, "H", nil)
		got := v.Kind.String() + " " + v.Text()
		if f != nil {
			got = "unfit"
		} else if v.IsNull() {
			got = "null"
		}
		if got != tt.want {
			t.Errorf("%s %q: %s, want %s", tt.col.Kind, tt.cell, got, tt.want)
		}
	}
}

func TestScoresFit(t *testing.T) {
	for _, tt := range []struct{ datatype, text, want string }{
		{"Integer", "+0215", "215"}, {"Integer", "-5", "-5"}, {"Integer", "-0", "0"}, {"Integer", "5.0", ""}, {"Integer", "215L", ""}, {"Integer", "99999999999999999999999", "99999999999999999999999"},
		{"Decimal", "3.40", "3.40"}, {"Decimal", "133", "133"}, {"Percentage", "133", "133"}, {"Percentage", "133 %", ""}, {"Percentile", "99.9", "99.9"}, {"Percentile", "100.00", "100.00"}, {"Percentile", "100.1", ""}, {"Percentile", "-1", ""},
		{"Range", "195-207", "195-207"}, {"Range", "-3.5 - -1", "-3.5 - -1"}, {"Range", "195", ""}, {"Range", "115L-265L", ""}, {"Level", "BR120L", "BR120L"}, {"Level", "<5", "<5"},
		{"Level", strings.Repeat("😀", 17) + "x", strings.Repeat("😀", 17) + "x"}, {"Level", strings.Repeat("😀", 18), ""}, {"Level", strings.Repeat("é", 35), strings.Repeat("é", 35)},
	} {
		sc := &score{scoreRow: &scoreRow{datatype: tt.datatype}}
		got, wrong := sc.fit(tt.text)
		if got != tt.want || (wrong == "") != (tt.want != "") {
			t.Errorf("%s %s: %q %s, want %q", tt.datatype, tt.text, got, wrong, tt.want)
		}
	}
}

// FuzzRange: no text is a range and a number.
func FuzzRange(f *testing.F) {
	for _, s := range []string{"+007", ".5", "BR120L", "-3.5 - -1", "195-207", "\u00a0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if s = expression.TrimSpace(s); expression.IsRange(s) && expression.IsDecimal(s) {
			t.Errorf("%q is a range and a number", s)
		}
	})
}
