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

// dateToken is a part of a format: a field of the date or the time, or a literal.
type dateToken struct {
	field   byte   // Y M D h m s f A Z, or 0 for a literal
	width   int    // digits; 0: one or two
	short   bool   // YY
	literal string // what stands there as it is
}

var dateWords = []struct {
	text  string
	field byte
	width int
}{{"YYYY", 'Y', 4}, {"YY", 'Y', 2}, {"MM", 'M', 2}, {"M", 'M', 0}, {"DD", 'D', 2}, {"D", 'D', 0}, {"HH", 'h', 2}, {"H", 'h', 0},
	{"mm", 'm', 2}, {"ss", 's', 2}, {"SSS", 'f', 3}, {"A", 'A', 2}, {"Z", 'Z', 0}}

// ParseDateFormat compiles a format for a type; the error says what is wrong with it.
func ParseDateFormat(source string, k Kind) (*DateFormat, error) {
	f := &DateFormat{source: source, kind: k, iso: k == KindDate && source == "YYYY-MM-DD"}
	has := map[byte]bool{}
next:
	for rest := source; rest != ""; {
		for _, w := range dateWords {
			if !strings.HasPrefix(rest, w.text) {
				continue
			}
			if has[w.field] {
				return nil, fmt.Errorf("%q names the same part of a date twice (%s)", source, w.text)
			}
			has[w.field] = true
			t := dateToken{field: w.field, width: w.width, short: w.text == "YY"}
			if n := len(f.tokens); n > 0 && t.digits() && f.tokens[n-1].digits() && (t.width == 0 || f.tokens[n-1].width == 0) {
				return nil, fmt.Errorf("%q: M, D and H take one or two digits and may not touch another number; write MM, DD, HH, or a separator", source)
			}
			f.tokens = append(f.tokens, t)
			rest = rest[len(w.text):]
			continue next
		}
		if n := len(f.tokens); n > 0 && f.tokens[n-1].field == 0 {
			f.tokens[n-1].literal += rest[:1]
		} else {
			f.tokens = append(f.tokens, dateToken{literal: rest[:1]})
		}
		rest = rest[1:]
	}
	var need string
	switch k {
	case KindDate:
		need = "YMD"
	case KindTime:
		need = "hm"
	case KindDateTime:
		need = "YMDhm"
		if !has['Z'] {
			return nil, fmt.Errorf("%q has no zone (Z): a datetime without a zone could be any hour; read it as `date`, or as `time`", source)
		}
	}
	for _, c := range []byte(need) {
		if !has[c] {
			return nil, fmt.Errorf("%q does not say the %s", source, map[byte]string{'Y': "year", 'M': "month", 'D': "day", 'h': "hour", 'm': "minutes"}[c])
		}
	}
	return f, nil
}

func (t dateToken) digits() bool { return t.field != 0 && t.field != 'A' && t.field != 'Z' }

type instant struct {
	year, month, day, hour, minute, second, milli int
	zone                                          int  // minutes east
	half                                          byte // of the day: a or p; 0 if the hours are 24
}

// parse reads a text that is all in the format.
func (f *DateFormat) parse(s string) (instant, bool) {
	var at instant
	i, ok := 0, false
	for k := range f.tokens {
		if i, ok = f.tokens[k].read(s, i, &at); !ok {
			return at, false
		}
	}
	if i != len(s) || at.hour > 23 || at.minute > 59 || at.second > 59 {
		return at, false
	}
	if at.half != 0 {
		if at.hour < 1 || at.hour > 12 {
			return at, false
		}
		at.hour %= 12
		if at.half == 'p' {
			at.hour += 12
		}
	}
	return at, true
}

// read reads a token at the i-th byte of a text, and says where the next one begins.
func (t *dateToken) read(s string, i int, at *instant) (next int, ok bool) {
	switch t.field {
	case 0:
		return i + len(t.literal), strings.HasPrefix(s[i:], t.literal)
	case 'A':
		if i+2 > len(s) || s[i+1]|32 != 'm' {
			return i, false
		}
		at.half = s[i] | 32
		return i + 2, at.half == 'a' || at.half == 'p'
	case 'Z':
		n, zone, ok := parseZone(s[i:])
		at.zone = zone
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
	switch t.field {
	case 'Y':
		if t.short {
			n += 2000
		}
		at.year = n
	case 'M':
		at.month = n
	case 'D':
		at.day = n
	case 'h':
		at.hour = n
	case 'm':
		at.minute = n
	case 's':
		at.second = n
	case 'f':
		at.milli = n
	}
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
func (at instant) dayExists() bool {
	if at.year < 1 || at.month < 1 || at.month > 12 || at.day < 1 || at.day > 31 {
		return false
	}
	return at.day <= 28 || time.Date(at.year, time.Month(at.month), at.day, 0, 0, 0, 0, time.UTC).Day() == at.day
}

func appendDigits(dst []byte, n, width int) []byte {
	var b [4]byte
	for i := width - 1; i >= 0; i-- {
		b[i] = byte('0' + n%10)
		n /= 10
	}
	return append(dst, b[:width]...)
}

func (at instant) appendDate(dst []byte) []byte {
	dst = appendDigits(dst, at.year, 4)
	dst = append(dst, '-')
	dst = appendDigits(dst, at.month, 2)
	dst = append(dst, '-')
	return appendDigits(dst, at.day, 2)
}

func (at instant) appendTime(dst []byte) []byte {
	dst = appendDigits(dst, at.hour, 2)
	dst = append(dst, ':')
	dst = appendDigits(dst, at.minute, 2)
	dst = append(dst, ':')
	return appendDigits(dst, at.second, 2)
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
		return string(at.appendDate(b[:0])), true
	case KindTime:
		return string(at.appendTime(b[:0])), true
	}
	t := time.Date(at.year, time.Month(at.month), at.day, at.hour, at.minute-at.zone, at.second, at.milli*1e6, time.UTC)
	if t.Year() < 1 || t.Year() > 9999 {
		return "", false
	}
	return t.Format("2006-01-02T15:04:05.999Z"), true
}

// Append writes a time in the format; M, D and H have two digits if padded.
func (f *DateFormat) Append(dst []byte, at time.Time, padded bool) []byte {
	hour := at.Hour()
	if slices.ContainsFunc(f.tokens, func(t dateToken) bool { return t.field == 'A' }) {
		hour = (hour+11)%12 + 1
	}
	for i := range f.tokens {
		var n int
		switch t := &f.tokens[i]; t.field {
		case 0:
			dst = append(dst, t.literal...)
			continue
		case 'A':
			dst = at.AppendFormat(dst, "PM")
			continue
		case 'Z':
			dst = append(dst, 'Z')
			continue
		case 'Y':
			n = at.Year()
		case 'M':
			n = int(at.Month())
		case 'D':
			n = at.Day()
		case 'h':
			n = hour
		case 'm':
			n = at.Minute()
		case 's':
			n = at.Second()
		case 'f':
			n = at.Nanosecond() / 1e6
		}
		switch width := f.tokens[i].width; {
		case width > 0:
			dst = appendDigits(dst, n, width)
		case padded:
			dst = appendDigits(dst, n, 2)
		default:
			dst = strconv.AppendInt(dst, int64(n), 10)
		}
	}
	return dst
}

// Ambiguous finds a text that two formats of a list read as two different values.
func Ambiguous(formats []*DateFormat) (text, one, other string, found bool) {
	for i, f := range formats {
		for _, g := range formats[i+1:] {
			for _, year := range []int{2003, 2010} {
				for month := 1; month <= 12; month++ {
					for day := 1; day <= 12; day++ {
						at := time.Date(year, time.Month(month), day, max(1, month-1), day, day, 0, time.UTC)
						for _, padded := range []bool{false, true} {
							for _, from := range []*DateFormat{f, g} {
								text = string(from.Append(nil, at, padded))
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

// IsDateTime reports whether s is a time of a day that exists, with its zone.
func IsDateTime(s string) bool {
	for _, f := range isoDateTimes {
		if at, ok := f.parse(s); ok && at.dayExists() {
			return true
		}
	}
	return false
}
