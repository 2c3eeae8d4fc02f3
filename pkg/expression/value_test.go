package expression

import (
	"math/big"
	"strings"
	"testing"
)

func TestDateFormats(t *testing.T) {
	for _, tt := range []struct {
		format, text string
		kind         Kind
		want         string // empty: does not fit
	}{
		{"M/D/YYYY", "3/4/2024", KindDate, "2024-03-04"}, {"M/D/YYYY", "03/04/2024", KindDate, "2024-03-04"}, {"M/D/YYYY", "003/4/2024", KindDate, ""},
		{"M/D/YYYY", "3/4/24", KindDate, ""}, {"M/D/YYYY", "3/4/2024 ", KindDate, ""}, {"M/D/YYYY", "13/4/2024", KindDate, ""}, {"M/D/YYYY", "2/30/2024", KindDate, ""},
		{"M/D/YYYY", "2/29/2024", KindDate, "2024-02-29"}, {"M/D/YYYY", "2/29/2023", KindDate, ""}, {"M/D/YYYY", "2/29/1900", KindDate, ""},
		{"MM/DD/YYYY", "3/4/2024", KindDate, ""}, {"MMDDYYYY", "03042024", KindDate, "2024-03-04"}, {"MMDDYY", "120108", KindDate, "2008-12-01"}, {"YYYY-MM-DD", "2024-03-04", KindDate, "2024-03-04"},
		{"M/D/YYYY H:mm", "3/4/2024 9:05", KindDate, "2024-03-04"}, {"M/D/YYYY H:mm", "3/4/2024 25:05", KindDate, ""}, {"M/D/YYYY H:mm", "3/4/2024 9:5", KindDate, ""},
		{"HH:mm:ss", "08:54:50", KindTime, "08:54:50"}, {"H:mm A", "1:05 PM", KindTime, "13:05:00"}, {"H:mm A", "12:05 am", KindTime, "00:05:00"}, {"H:mm A", "13:05 PM", KindTime, ""},
		{"YYYY-MM-DDTHH:mm:ss.SSSZ", "2023-08-21T17:28:05.852Z", KindDateTime, "2023-08-21T17:28:05.852Z"}, {"YYYY-MM-DDTHH:mm:ssZ", "2023-08-21T23:28:05-05:00", KindDateTime, "2023-08-22T04:28:05Z"},
		{"YYYY-MM-DDTHH:mm:ssZ", "2023-08-21T23:28:05+0530", KindDateTime, "2023-08-21T17:58:05Z"}, {"YYYY-MM-DDTHH:mm:ssZ", "2023-08-21T23:28:05-05:00", KindDate, "2023-08-21"}, {"YYYY-MM-DDTHH:mm:ssZ", "2023-08-21T23:28:05", KindDate, ""},
	} {
		f, err := ParseDateFormat(tt.format, tt.kind)
		if err != nil {
			t.Errorf("%s: %v", tt.format, err)
			continue
		}
		got, ok := f.read(tt.text)
		if got != tt.want || ok != (tt.want != "") {
			t.Errorf("%s %s: %q, want %q", tt.format, tt.text, got, tt.want)
		}
	}
	for format, k := range map[string]Kind{"MDYYYY": KindDate, "M/D": KindDate, "YYYY-MM-DD HH:mm": KindDateTime, "YYYY MM DD YY": KindDate, "DYYYY-MM": KindDate, "ss": KindTime} {
		if _, err := ParseDateFormat(format, k); err == nil {
			t.Errorf("%s is a format", format)
		}
	}
}

// FuzzNumbers: nothing panics, numbers mean what big.Rat says, and what is read as a date is one.
func FuzzNumbers(f *testing.F) {
	for _, s := range []string{"+007", "-0.50", ".5", "3.40", "99999999999999999999", "3/4/2024", "2024-03-04T05:06:07+05:30", "BR120L", "-3.5 - -1", "\u00a0", "12:05 am"} {
		f.Add(s, "0.5")
	}
	var formats []*DateFormat
	for _, s := range []string{"M/D/YYYY", "MMDDYYYY", "M/D/YYYY H:mm A", "YYYY-MM-DDTHH:mm:ssZ"} {
		format, err := ParseDateFormat(s, KindDate)
		if err != nil {
			f.Fatal(err)
		}
		formats = append(formats, format)
	}
	f.Fuzz(func(t *testing.T, s, other string) {
		for _, format := range formats {
			if text, ok := format.read(s); ok && !IsDate(text) {
				t.Errorf("%s reads %q as %q", format.source, s, text)
			}
		}
		s = TrimSpace(s)
		if !IsDecimal(s) || len(s) > maxDigits {
			return
		}
		r, ok := new(big.Rat).SetString(strings.TrimPrefix(s, "+"))
		if !ok {
			t.Fatalf("%q is not a number", s)
		}
		plain, _ := new(big.Rat).SetString(PlainDecimal(s))
		if plain == nil || r.Cmp(plain) != 0 || PlainDecimal(PlainDecimal(s)) != PlainDecimal(s) {
			t.Errorf("plainDecimal(%q) = %q", s, PlainDecimal(s))
		}
		if IsDecimal(other) && len(other) <= maxDigits {
			q, _ := new(big.Rat).SetString(strings.TrimPrefix(other, "+"))
			if got := CompareNumbers(Value{Kind: KindDecimal, S: s}, Value{Kind: KindDecimal, S: other}); got != r.Cmp(q) {
				t.Errorf("compare %q %q: %d", s, other, got)
			}
		}
	})
}
