package expression

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// DateFormat is a format of dates or times, compiled: every token takes digits, all else is literal.
type DateFormat struct {
	source string
	kind   Kind
	tokens []dateToken
	iso    bool // the text of a date in it is the ISO text already
}

// The parts of a date and a time, and of a format.
const (
	literal = iota // what stands there as it is
	year
	month
	day
	hour
	minute
	second
	milli
	half // of the day: 1 or 2; 0 if the hours are 24
	zone // minutes east
)

// instant is a date and a time by its parts.
type instant [zone + 1]int

// dateToken is a part of a format.
type dateToken struct {
	part  int
	width int    // digits; 0: one or two
	short bool   // YY
	text  string // of a literal
}

var dateWords = []struct {
	text  string
	part  int
	width int
}{{"YYYY", year, 4}, {"YY", year, 2}, {"MM", month, 2}, {"M", month, 0}, {"DD", day, 2}, {"D", day, 0}, {"HH", hour, 2}, {"H", hour, 0},
	{"mm", minute, 2}, {"ss", second, 2}, {"SSS", milli, 3}, {"A", half, 2}, {"Z", zone, 0}}

// ParseDateFormat compiles a format for a type; the error says what is wrong with it.
func ParseDateFormat(source string, k Kind) (*DateFormat, error) {
	f := &DateFormat{source: source, kind: k, iso: k == KindDate && source == "YYYY-MM-DD"}
	var has instant
next:
	for rest := source; rest != ""; {
		for _, w := range dateWords {
			if !strings.HasPrefix(rest, w.text) {
				continue
			}
			if has[w.part]++; has[w.part] > 1 {
				return nil, fmt.Errorf("%q names the same part of a date twice (%s)", source, w.text)
			}
			t := dateToken{part: w.part, width: w.width, short: w.text == "YY"}
			if n := len(f.tokens); n > 0 && t.digits() && f.tokens[n-1].digits() && (t.width == 0 || f.tokens[n-1].width == 0) {
				return nil, fmt.Errorf("%q: M, D and H take one or two digits and may not touch another number; write MM, DD, HH, or a separator", source)
			}
			f.tokens = append(f.tokens, t)
			rest = rest[len(w.text):]
			continue next
		}
		if n := len(f.tokens); n > 0 && f.tokens[n-1].part == literal {
			f.tokens[n-1].text += rest[:1]
		} else {
			f.tokens = append(f.tokens, dateToken{text: rest[:1]})
		}
		rest = rest[1:]
	}
	var need []int
	switch k {
	case KindDate:
		need = []int{year, month, day}
	case KindTime:
		need = []int{hour, minute}
	case KindDateTime:
		need = []int{year, month, day, hour, minute}
		if has[zone] == 0 {
			return nil, fmt.Errorf("%q has no zone (Z): a datetime without a zone could be any hour; read it as `date`, or as `time`", source)
		}
	}
	for _, part := range need {
		if has[part] == 0 {
			return nil, fmt.Errorf("%q does not say the %s", source, [...]string{year: "year", month: "month", day: "day", hour: "hour", minute: "minutes"}[part])
		}
	}
	return f, nil
}

func (t dateToken) digits() bool { return t.part >= year && t.part <= milli }

// parse reads a text that is all in the format.
func (f *DateFormat) parse(s string) (instant, bool) {
	var at instant
	i, ok := 0, false
	for k := range f.tokens {
		if i, ok = f.tokens[k].read(s, i, &at); !ok {
			return at, false
		}
	}
	if i != len(s) || at[hour] > 23 || at[minute] > 59 || at[second] > 59 {
		return at, false
	}
	if at[half] != 0 {
		if at[hour] < 1 || at[hour] > 12 {
			return at, false
		}
		at[hour] = at[hour]%12 + 12*(at[half]-1)
	}
	return at, true
}

// read reads a token at the i-th byte of a text, and says where the next one begins.
func (t *dateToken) read(s string, i int, at *instant) (next int, ok bool) {
	switch t.part {
	case literal:
		return i + len(t.text), strings.HasPrefix(s[i:], t.text)
	case half:
		if i+2 > len(s) || s[i+1]|32 != 'm' {
			return i, false
		}
		at[half] = 1 + strings.IndexByte("ap", s[i]|32)
		return i + 2, at[half] > 0
	case zone:
		n, minutes, ok := parseZone(s[i:])
		at[zone] = minutes
		return i + n, ok
	}
	return t.readNumber(s, i, at)
}

func (t *dateToken) readNumber(s string, i int, at *instant) (next int, ok bool) {
	start, limit := i, t.width
	if limit == 0 {
		limit = 2
	}
	n := 0
	for i < len(s) && i-start < limit && digitAt(s, i) {
		n = n*10 + int(s[i]-'0')
		i++
	}
	if i == start || t.width > 0 && i-start != t.width {
		return i, false
	}
	if t.width == 0 && (i < len(s) && digitAt(s, i) || start > 0 && digitAt(s, start-1)) {
		return i, false
	}
	if t.short {
		n += 2000
	}
	at[t.part] = n
	return i, true
}

func digitAt(s string, i int) bool { return s[i] >= '0' && s[i] <= '9' }

func parseZone(s string) (length, minutes int, ok bool) {
	if s == "" {
		return 0, 0, false
	}
	if s[0] == 'Z' {
		return 1, 0, true
	}
	if s[0] != '+' && s[0] != '-' {
		return 0, 0, false
	}
	digits, n := 0, 0
	i := 1
	for ; i < len(s) && digits < 4; i++ {
		if s[i] == ':' && digits == 2 {
			continue
		}
		if !digitAt(s, i) {
			break
		}
		n = n*10 + int(s[i]-'0')
		digits++
	}
	if digits != 4 || n%100 > 59 || n/100 > 14 {
		return 0, 0, false
	}
	minutes = n/100*60 + n%100
	if s[0] == '-' {
		minutes = -minutes
	}
	return i, minutes, true
}

// dayExists reports whether the calendar has the day.
func (at *instant) dayExists() bool {
	y, m, d := at[year], at[month], at[day]
	if y < 1 || m < 1 || m > 12 || d < 1 || d > 31 {
		return false
	}
	return d <= 28 || time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC).Day() == d
}

func appendDigits(dst []byte, n, width int) []byte {
	var b [4]byte
	for i := width - 1; i >= 0; i-- {
		b[i] = byte('0' + n%10)
		n /= 10
	}
	return append(dst, b[:width]...)
}

// read gives the ISO text of a cell in the format: of a date as written, of a datetime in UTC.
func (f *DateFormat) read(s string) (string, bool) {
	at, ok := f.parse(s)
	if !ok || f.kind != KindTime && !at.dayExists() {
		return "", false
	}
	if f.iso {
		return s, true
	}
	var b [32]byte
	switch f.kind {
	case KindDate:
		return string(isoDate.append(b[:0], at, true)), true
	case KindTime:
		return string(isoTime.append(b[:0], at, true)), true
	}
	t := time.Date(at[year], time.Month(at[month]), at[day], at[hour], at[minute]-at[zone], at[second], at[milli]*1e6, time.UTC)
	if t.Year() < 1 || t.Year() > 9999 {
		return "", false
	}
	return t.Format("2006-01-02T15:04:05.999Z"), true
}

// Fits reports whether a cell is in the format, and a day that exists.
func (f *DateFormat) Fits(cell string) bool {
	_, ok := f.read(cell)
	return ok
}

// Append writes a time in the format.
func (f *DateFormat) Append(dst []byte, t time.Time) []byte {
	at := instant{year: t.Year(), month: int(t.Month()), day: t.Day(), hour: t.Hour(), minute: t.Minute(), second: t.Second(), milli: t.Nanosecond() / 1e6}
	return f.append(dst, at, false)
}

// append writes an instant in the format; M, D and H have two digits if padded.
func (f *DateFormat) append(dst []byte, at instant, padded bool) []byte {
	afternoon := at[hour] / 12
	if slices.ContainsFunc(f.tokens, func(t dateToken) bool { return t.part == half }) {
		at[hour] = (at[hour]+11)%12 + 1
	}
	for i := range f.tokens {
		switch t := &f.tokens[i]; {
		case t.part == literal:
			dst = append(dst, t.text...)
		case t.part == half:
			dst = append(dst, "AP"[afternoon], 'M')
		case t.part == zone:
			dst = append(dst, 'Z')
		case t.width > 0:
			dst = appendDigits(dst, at[t.part], t.width)
		case padded:
			dst = appendDigits(dst, at[t.part], 2)
		default:
			dst = strconv.AppendInt(dst, int64(at[t.part]), 10)
		}
	}
	return dst
}

// Ambiguous finds a text that two formats of a list read as two different values.
func Ambiguous(formats []*DateFormat) (text, one, other string, found bool) {
	for i, f := range formats {
		for _, g := range formats[i+1:] {
			for _, y := range []int{2003, 2010} {
				for m := 1; m <= 12; m++ {
					for d := 1; d <= 12; d++ {
						at := instant{year: y, month: m, day: d, hour: max(1, m-1), minute: d, second: d}
						for _, padded := range []bool{false, true} {
							for _, from := range []*DateFormat{f, g} {
								text = string(from.append(nil, at, padded))
								one, ok := f.read(text)
								other, ok2 := g.read(text)
								if ok && ok2 && one != other {
									return text, one, other, true
								}
							}
						}
					}
				}
			}
		}
	}
	return "", "", "", false
}

// DateFormats reads the dates of a column, in any of its formats.
type DateFormats []*DateFormat

// Read gives the ISO text of a cell. The frame, if there is one, keeps what was read, because the
// same few dates occur in every row.
func (d *DateFormats) Read(s string, r *Frame) (string, bool) {
	if r != nil {
		if text, ok := r.dates[dateKey{d, s}]; ok {
			return text, true
		}
	}
	for _, f := range *d {
		if text, ok := f.read(s); ok {
			if r != nil && len(r.dates) < maxDates {
				r.dates[dateKey{d, strings.Clone(s)}] = strings.Clone(text)
			}
			return text, true
		}
	}
	return "", false
}

// Sources is the formats as written.
func (d *DateFormats) Sources() []string {
	var all []string
	for _, f := range *d {
		all = append(all, f.source)
	}
	return all
}

// dateKey and maxDates: dates already read, per worker.
type dateKey struct {
	formats *DateFormats
	text    string
}

const maxDates = 4096

// IsDate reports whether s is a day that exists, as YYYY-MM-DD.
func IsDate(s string) bool {
	at, ok := isoDate.parse(s)
	return ok && at.dayExists()
}

var isoDate, isoTime, isoDateTimes = func() (*DateFormat, *DateFormat, []*DateFormat) {
	must := func(s string, k Kind) *DateFormat {
		f, err := ParseDateFormat(s, k)
		if err != nil {
			panic(err) // a constant of ours
		}
		return f
	}
	return must("YYYY-MM-DD", KindDate), must("HH:mm:ss", KindTime), []*DateFormat{
		must("YYYY-MM-DDTHH:mm:ssZ", KindDateTime), must("YYYY-MM-DDTHH:mm:ss.SSSZ", KindDateTime)}
}()

// IsTime reports whether s is a time as HH:mm:ss.
func IsTime(s string) bool {
	_, ok := isoTime.parse(s)
	return ok
}

// instantOf is the time that a datetime names; one of ours may have fewer digits than a format reads.
func instantOf(s string) (time.Time, bool) {
	t, err := time.Parse(time.RFC3339, s)
	return t, err == nil
}

// IsDateTime reports whether s is a time of a day that exists, with its zone.
func IsDateTime(s string) bool {
	for _, f := range isoDateTimes {
		if at, ok := f.parse(s); ok && at.dayExists() {
			return true
		}
	}
	return false
}
