package schema

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestDatesAgainstTime(t *testing.T) {
	for year := 1899; year <= 2101; year++ {
		for month := 0; month <= 13; month++ {
			for day := 0; day <= 32; day++ {
				text := fmt.Sprintf("%04d-%02d-%02d", year, month, day)
				if _, err := time.Parse(time.DateOnly, text); isDate([]byte(text)) != (err == nil) {
					t.Fatalf("%s: %v", text, err)
				}
			}
		}
	}
}

func TestTimes(t *testing.T) {
	for text, want := range map[string]bool{
		"00:00": true, "23:59:59": true, "08:05:00.1234567": true, "": false, "8:00": false, "24:00": false, "08:60": false, "08:00:60": false,
		"08:00:": false, "08:00:00.": false, "08:00:00,5": false, "08:00Z": false, "0a:00": false, "08:00:00.12345678901": false,
	} {
		if isTime([]byte(text)) != want {
			t.Errorf("isTime(%q) is not %v", text, want)
		}
	}
	for text, want := range map[string]bool{
		"2025-03-04T14:00:00Z": true, "2025-03-04T14:00:00": true, "2025-03-04T14:00Z": true, "2025-03-04T14:00:00.25+05:30": true, "2025-03-04T14:00:00-05:00": true,
		"2025-03-04": false, "2025-02-30T14:00:00Z": false, "2025-03-04t14:00:00Z": false, "2025-03-04 14:00:00": true, "2025-03-04_14:00:00": false, "2025-03-04T14:00:00ZZ": false,
		"2025-03-04T14:00:00+25:00": false, "2025-03-04T14:00:00+5:00": false, "2025-03-04TZ+05:00xxxx": false,
	} {
		if isDateTime([]byte(text)) != want {
			t.Errorf("isDateTime(%q) is not %v", text, want)
		}
	}
}

func TestCanonicalForms(t *testing.T) {
	for in, want := range map[string]string{"5": "5", "5.0": "5", "5.50": "5.5", "-0": "0", "-0.0": "0", "100": "100", "0.10": "0.1", "1.50e1": "15", "1E-2": "0.01"} {
		if got := string(canonicalNumber([]byte(in))); got != want {
			t.Errorf("%s is %s, want %s", in, got, want)
		}
	}
	for _, in := range []string{"2025-03-04T14:00:00Z", "2025-03-04T14:00", "2025-03-04T15:00:00+01:00", "2025-03-04T14:00:00.000"} {
		if got := string(canonicalDateTime([]byte(in))); got != "2025-03-04T14:00:00Z" {
			t.Errorf("%s is %s", in, got)
		}
	}
}

func FuzzFold(f *testing.F) {
	f.Add("uri://ed-fi.org/X#Élan")
	f.Add("ſKıİß")
	f.Fuzz(func(t *testing.T, text string) {
		text = strings.ToValidUTF8(text, "?")
		once := FoldDescriptor(nil, []byte(text))
		if twice := FoldDescriptor(nil, once); string(twice) != string(once) {
			t.Errorf("folding %q again changes it", text)
		}
		// Values that compare equal must have one quick hash.
		if quickHash(hashSeed, []byte(text), true) != quickHash(hashSeed, once, true) {
			t.Errorf("%q and its folded form have different hashes", text)
		}
	})
}
