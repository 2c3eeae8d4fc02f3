package expression

import "github.com/sluice-edfi/sluice/pkg/jsonl"

// Write appends a value to JSON; the text says why it does not fit.
type Write func(dst []byte, v Value) ([]byte, string)

// WriteText writes a text, with what JSON must have escaped.
func WriteText(dst []byte, v Value) ([]byte, string) {
	return jsonl.AppendString(dst, v.S), ""
}

// WriteQuoted writes a value between quotes, of a kind of which no text needs an escape.
func WriteQuoted(dst []byte, v Value) ([]byte, string) {
	return append(v.AppendText(append(dst, '"')), '"'), ""
}

// WriteNumber writes a number.
func WriteNumber(dst []byte, v Value) ([]byte, string) {
	if v.Kind == KindInteger {
		return v.AppendText(dst), ""
	}
	return append(dst, PlainDecimal(v.S)...), ""
}

// WriteBoolean writes true or false.
func WriteBoolean(dst []byte, v Value) ([]byte, string) { return v.AppendText(dst), "" }

// WriteDate writes a text that is a date.
func WriteDate(dst []byte, v Value) ([]byte, string) {
	if !IsDate(v.S) {
		return dst, "is not a date (YYYY-MM-DD)"
	}
	return WriteQuoted(dst, v)
}

// WriteMidnight writes a day where a time belongs to it: its first moment.
func WriteMidnight(dst []byte, v Value) ([]byte, string) {
	return append(append(append(dst, '"'), v.S...), `T00:00:00Z"`...), ""
}

// WriteDateTime writes a text that is a date, with or without a time.
func WriteDateTime(dst []byte, v Value) ([]byte, string) {
	switch {
	case IsDate(v.S):
		return WriteMidnight(dst, v)
	case IsDateTime(v.S):
		return WriteQuoted(dst, v)
	}
	return dst, "is not a date and time (2026-03-01T08:15:00Z)"
}

// WriteTime writes a text that is a time of day.
func WriteTime(dst []byte, v Value) ([]byte, string) {
	if !IsTime(v.S) {
		return dst, "is not a time (HH:mm:ss)"
	}
	return WriteQuoted(dst, v)
}
