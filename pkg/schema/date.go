package schema

import (
	"bytes"
	"slices"
	"time"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// findPlainDate notes a date where a date with time is due. That is worth knowing, not wrong, and may
// be so in every record: outside collections it costs no allocation.
func (s *run) findPlainDate(f *field) {
	path := f.path.pieces[0]
	if len(f.path.pieces) > 1 {
		path = s.place(f.path).String()
	}
	s.rec.Findings = append(s.rec.Findings, Finding{Code: diag.RecordDate, Level: diag.LevelInfo, Path: path,
		Message: "this is a date without a time, where the API expects one with a time; targets read it as midnight"})
}

// isDate reports whether v is a date that exists, as in 2025-03-04.
func isDate(v []byte) bool {
	if len(v) != 10 || v[4] != '-' || v[7] != '-' {
		return false
	}
	year, month, day := digits(v[:4]), digits(v[5:7]), digits(v[8:])
	return year >= 1 && month >= 1 && month <= 12 && day >= 1 &&
		(day <= 28 || time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC).Day() == day)
}

// slashedDate is the date that is written as in 3/4/2025, or nil.
func slashedDate(v []byte) []byte {
	t, err := time.Parse("1/2/2006", string(v))
	if err != nil || t.Year() < 1 {
		return nil
	}
	return t.AppendFormat(nil, time.DateOnly)
}

// checkYear warns of dates before those that some databases keep.
func (s *run) checkYear(f *field, date []byte) {
	if string(date[:4]) < "1753" {
		s.warn(f, "the year is before 1753, the first that some databases keep")
	}
}

// digits is the number that v writes, or none.
func digits(v []byte) int {
	n := 0
	for _, c := range v {
		if c < '0' || c > '9' {
			return none
		}
		n = n*10 + int(c-'0')
	}
	return n
}

// isTime reports whether v is a time of day, as in 14:05, 14:05:30 or 14:05:30.25.
func isTime(v []byte) bool {
	upTo := func(v []byte, highest int) bool { n := digits(v); return n != none && n <= highest }
	minutes := len(v) >= 5 && v[2] == ':' && upTo(v[:2], 23) && upTo(v[3:5], 59)
	if !minutes || len(v) == 5 {
		return minutes
	}
	seconds := len(v) >= 8 && v[5] == ':' && upTo(v[6:8], 59)
	if !seconds || len(v) == 8 {
		return seconds
	}
	return v[8] == '.' && len(v) >= 10 && len(v) <= 18 && digits(v[9:]) != none
}

// isDateTime reports whether v is a date, T and a time, and then Z, an offset or nothing, which
// means UTC.
func isDateTime(v []byte) bool {
	return len(v) >= 16 && (v[10] == 'T' || v[10] == ' ') && isDate(v[:10]) && isTime(withoutZone(v[11:]))
}

// withoutZone is a time of day without the Z or the offset behind it.
func withoutZone(clock []byte) []byte {
	if n := len(clock) - 6; n >= 5 && (clock[n] == '+' || clock[n] == '-') && isTime(clock[n+1:]) {
		return clock[:n]
	}
	return bytes.TrimSuffix(clock, []byte("Z"))
}

// canonicalDateTime writes a date with time as a target compares it: in UTC.
func canonicalDateTime(v []byte) []byte {
	if len(v) > 10 && v[10] == ' ' {
		v = slices.Concat(v[:10], []byte("T"), v[11:])
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05.999999999", "2006-01-02T15:04", time.DateOnly} {
		if t, err := time.Parse(layout, string(v)); err == nil {
			return t.UTC().AppendFormat(nil, time.RFC3339Nano)
		}
	}
	return v
}
