package transform

import (
	"math/big"
	"strings"
	"testing"

	"github.com/sluice-edfi/sluice/pkg/bundle"
)

func TestDateFormats(t *testing.T) {
	for _, tt := range []struct {
		format, text string
		typ          bundle.Type
		want         string // empty: does not fit
	}{
		{"M/D/YYYY", "3/4/2024", bundle.TypeDate, "2024-03-04"}, {"M/D/YYYY", "03/04/2024", bundle.TypeDate, "2024-03-04"}, {"M/D/YYYY", "003/4/2024", bundle.TypeDate, ""},
		{"M/D/YYYY", "3/4/24", bundle.TypeDate, ""}, {"M/D/YYYY", "3/4/2024 ", bundle.TypeDate, ""}, {"M/D/YYYY", "13/4/2024", bundle.TypeDate, ""}, {"M/D/YYYY", "2/30/2024", bundle.TypeDate, ""},
		{"M/D/YYYY", "2/29/2024", bundle.TypeDate, "2024-02-29"}, {"M/D/YYYY", "2/29/2023", bundle.TypeDate, ""}, {"M/D/YYYY", "2/29/1900", bundle.TypeDate, ""},
		{"MM/DD/YYYY", "3/4/2024", bundle.TypeDate, ""}, {"MMDDYYYY", "03042024", bundle.TypeDate, "2024-03-04"}, {"MMDDYY", "120108", bundle.TypeDate, "2008-12-01"}, {"YYYY-MM-DD", "2024-03-04", bundle.TypeDate, "2024-03-04"},
		{"M/D/YYYY H:mm", "3/4/2024 9:05", bundle.TypeDate, "2024-03-04"}, {"M/D/YYYY H:mm", "3/4/2024 25:05", bundle.TypeDate, ""}, {"M/D/YYYY H:mm", "3/4/2024 9:5", bundle.TypeDate, ""},
		{"HH:mm:ss", "08:54:50", bundle.TypeTime, "08:54:50"}, {"H:mm A", "1:05 PM", bundle.TypeTime, "13:05:00"}, {"H:mm A", "12:05 am", bundle.TypeTime, "00:05:00"}, {"H:mm A", "13:05 PM", bundle.TypeTime, ""},
		{"YYYY-MM-DDTHH:mm:ss.SSSZ", "2023-08-21T17:28:05.852Z", bundle.TypeDateTime, "2023-08-21T17:28:05.852Z"}, {"YYYY-MM-DDTHH:mm:ssZ", "2023-08-21T23:28:05-05:00", bundle.TypeDateTime, "2023-08-22T04:28:05Z"},
		{"YYYY-MM-DDTHH:mm:ssZ", "2023-08-21T23:28:05+0530", bundle.TypeDateTime, "2023-08-21T17:58:05Z"}, {"YYYY-MM-DDTHH:mm:ssZ", "2023-08-21T23:28:05-05:00", bundle.TypeDate, "2023-08-21"}, {"YYYY-MM-DDTHH:mm:ssZ", "2023-08-21T23:28:05", bundle.TypeDate, ""},
	} {
		f, err := parseDateFormat(tt.format, tt.typ)
		if err != nil {
			t.Errorf("%s: %v", tt.format, err)
			continue
		}
		got, ok := f.read(tt.text, tt.typ)
		if got != tt.want || ok != (tt.want != "") {
			t.Errorf("%s %s: %q, want %q", tt.format, tt.text, got, tt.want)
		}
	}
	for format, typ := range map[string]bundle.Type{"MDYYYY": bundle.TypeDate, "M/D": bundle.TypeDate, "YYYY-MM-DD HH:mm": bundle.TypeDateTime, "YYYY MM DD YY": bundle.TypeDate, "DYYYY-MM": bundle.TypeDate, "ss": bundle.TypeTime} {
		if _, err := parseDateFormat(format, typ); err == nil {
			t.Errorf("%s is a format", format)
		}
	}
}

func TestCells(t *testing.T) {
	col := func(typ bundle.Type, edit func(*bundle.Column)) *column {
		d := &bundle.Column{Type: typ}
		if edit != nil {
			edit(d)
		}
		return &column{def: d, kind: kindOf(typ), nulls: append([]string{"NA"}, d.Nulls...)}
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
		v, f := tt.col.read(tt.cell, "H", nil)
		got := v.kind.String() + " " + v.text()
		if f != nil {
			got = "unfit"
		} else if v.null() {
			got = "null"
		}
		if got != tt.want {
			t.Errorf("%s %q: %s, want %s", tt.col.kind, tt.cell, got, tt.want)
		}
	}
}

func TestScoresFit(t *testing.T) {
	for _, tt := range []struct{ datatype, text, want string }{
		{"Integer", "+0215", "215"}, {"Integer", "-5", "-5"}, {"Integer", "-0", "0"}, {"Integer", "5.0", ""}, {"Integer", "215L", ""}, {"Integer", "99999999999999999999999", "99999999999999999999999"},
		{"Decimal", "3.40", "3.40"}, {"Decimal", "133", "133"}, {"Percentage", "133", "133"}, {"Percentage", "133 %", ""}, {"Percentile", "99.9", "99.9"}, {"Percentile", "100.00", "100.00"}, {"Percentile", "100.1", ""}, {"Percentile", "-1", ""},
		{"Range", "195-207", "195-207"}, {"Range", "-3.5 - -1", "-3.5 - -1"}, {"Range", "195", ""}, {"Range", "115L-265L", ""}, {"Level", "BR120L", "BR120L"}, {"Level", "<5", "<5"},
	} {
		sc := &score{scoreRow: &scoreRow{datatype: tt.datatype}}
		got, wrong := sc.fit(tt.text)
		if got != tt.want || (wrong == "") != (tt.want != "") {
			t.Errorf("%s %s: %q %s, want %q", tt.datatype, tt.text, got, wrong, tt.want)
		}
	}
}

// FuzzCells: nothing panics, and numbers mean what big.Rat says.
func FuzzCells(f *testing.F) {
	for _, s := range []string{"+007", "-0.50", ".5", "3.40", "99999999999999999999", "3/4/2024", "2024-03-04T05:06:07+05:30", "BR120L", "-3.5 - -1", "\u00a0", "12:05 am"} {
		f.Add(s, "0.5")
	}
	var formats []*dateFormat
	for _, s := range []string{"M/D/YYYY", "MMDDYYYY", "M/D/YYYY H:mm A", "YYYY-MM-DDTHH:mm:ssZ"} {
		format, err := parseDateFormat(s, bundle.TypeDate)
		if err != nil {
			f.Fatal(err)
		}
		formats = append(formats, format)
	}
	f.Fuzz(func(t *testing.T, s, other string) {
		for _, format := range formats {
			if text, ok := format.read(s, bundle.TypeDate); ok && !isISODate(text) {
				t.Errorf("%s reads %q as %q", format.source, s, text)
			}
		}
		s = trimSpace(s)
		if blank(s) {
			return
		}
		if isRange(s) && isDecimal(s) {
			t.Errorf("%q is a range and a number", s)
		}
		if !isDecimal(s) || len(s) > maxDigits {
			return
		}
		r, ok := new(big.Rat).SetString(strings.TrimPrefix(s, "+"))
		if !ok {
			t.Fatalf("%q is no number", s)
		}
		plain, _ := new(big.Rat).SetString(plainDecimal(s))
		if plain == nil || r.Cmp(plain) != 0 || plainDecimal(plainDecimal(s)) != plainDecimal(s) {
			t.Errorf("plainDecimal(%q) = %q", s, plainDecimal(s))
		}
		if isDecimal(other) && len(other) <= maxDigits {
			q, _ := new(big.Rat).SetString(strings.TrimPrefix(other, "+"))
			if got := compareNumbers(value{kind: kindDecimal, s: s}, value{kind: kindDecimal, s: other}); got != r.Cmp(q) {
				t.Errorf("compare %q %q: %d", s, other, got)
			}
		}
	})
}

func TestRecordTable(t *testing.T) {
	var table recordTable
	const n = 200_000
	hash := func(i int, content uint64) recordHash {
		var h recordHash
		for k := range h.key {
			h.key[k] = byte(uint64(i) * 0x9E3779B97F4A7C15 >> (k * 5))
		}
		h.content = content
		return h
	}
	for i := range n {
		if got := table.add(hash(i, uint64(i)+1)); got != recordNew {
			t.Fatalf("%d: %d", i, got)
		}
	}
	size := 0
	for _, p := range table.parts {
		size += 20 * cap(p.entries)
	}
	if size > 40*n {
		t.Errorf("%d bytes a record", size/n)
	}
	for i := 0; i < n; i += 1000 {
		if table.add(hash(i, uint64(i)+1)) != recordEqual || table.add(hash(i, 0xffff_ffff_ffff)) != recordConflict {
			t.Errorf("%d is forgotten", i)
		}
	}
}
