package transform

import (
	"fmt"
	"strings"
	"time"

	"github.com/sluice-edfi/sluice/pkg/bundle"
)

// dateFormat is a format of dates or times, compiled: every token takes digits, all else is literal.
type dateFormat struct {
	source string
	tokens []dateToken
	iso    bool // the text of a date in it is the ISO text already
}

type dateToken struct {
	field   byte // Y M D h m s f A Z, or 0 for literal
	width   int  // digits; 0: one or two
	short   bool // YY
	literal string
}

var dateWords = []struct {
	text  string
	field byte
	width int
}{{"YYYY", 'Y', 4}, {"YY", 'Y', 2}, {"MM", 'M', 2}, {"M", 'M', 0}, {"DD", 'D', 2}, {"D", 'D', 0}, {"HH", 'h', 2}, {"H", 'h', 0},
	{"mm", 'm', 2}, {"ss", 's', 2}, {"SSS", 'f', 3}, {"A", 'A', 2}, {"Z", 'Z', 0}}

// parseDateFormat compiles a format for a type; the error says what is wrong with it.
func parseDateFormat(source string, typ bundle.Type) (*dateFormat, error) {
	f := &dateFormat{source: source, iso: typ == bundle.TypeDate && source == "YYYY-MM-DD"}
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
	switch typ {
	case bundle.TypeDate:
		need = "YMD"
	case bundle.TypeTime:
		need = "hm"
	case bundle.TypeDateTime:
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
	year, month, day, hour, minute, second, milli, zone int // zone in minutes east
}

// parse reads a text that is all in the format; the day must exist.
func (f *dateFormat) parse(s string) (instant, bool) {
	var at instant
	pm := -1
	i := 0
	for k := range f.tokens {
		t := &f.tokens[k]
		switch t.field {
		case 0:
			if !strings.HasPrefix(s[i:], t.literal) {
				return at, false
			}
			i += len(t.literal)
			continue
		case 'A':
			if i+2 > len(s) || s[i+1]|32 != 'm' {
				return at, false
			}
			switch s[i] | 32 {
			case 'a':
				pm = 0
			case 'p':
				pm = 1
			default:
				return at, false
			}
			i += 2
			continue
		case 'Z':
			n, zone, ok := parseZone(s[i:])
			if !ok {
				return at, false
			}
			at.zone = zone
			i += n
			continue
		}
		start := i
		limit := t.width
		if limit == 0 {
			limit = 2
		}
		n := 0
		for i < len(s) && i-start < limit && s[i] >= '0' && s[i] <= '9' {
			n = n*10 + int(s[i]-'0')
			i++
		}
		if i == start || t.width > 0 && i-start != t.width {
			return at, false
		}
		if t.width == 0 && (i < len(s) && digitAt(s, i) || start > 0 && digitAt(s, start-1)) {
			return at, false
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
	}
	if i != len(s) || at.hour > 23 || at.minute > 59 || at.second > 59 {
		return at, false
	}
	if pm >= 0 {
		if at.hour < 1 || at.hour > 12 {
			return at, false
		}
		at.hour = at.hour%12 + 12*pm
	}
	return at, true
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
	if at.year < 1 || at.month < 1 || at.month > 12 || at.day < 1 {
		return false
	}
	days := 31
	switch at.month {
	case 4, 6, 9, 11:
		days = 30
	case 2:
		days = 28
		if at.year%4 == 0 && (at.year%100 != 0 || at.year%400 == 0) {
			days = 29
		}
	}
	return at.day <= days
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
func (f *dateFormat) read(s string, typ bundle.Type) (string, bool) {
	at, ok := f.parse(s)
	if !ok || typ != bundle.TypeTime && !at.dayExists() {
		return "", false
	}
	if f.iso {
		return s, true
	}
	var b [32]byte
	switch typ {
	case bundle.TypeDate:
		return string(at.appendDate(b[:0])), true
	case bundle.TypeTime:
		return string(at.appendTime(b[:0])), true
	}
	t := time.Date(at.year, time.Month(at.month), at.day, at.hour, at.minute-at.zone, at.second, at.milli*1e6, time.UTC)
	if t.Year() < 1 || t.Year() > 9999 {
		return "", false
	}
	return t.Format("2006-01-02T15:04:05.999Z"), true
}

// write renders a day in the format, with numbers of one digit padded or not.
func (f *dateFormat) write(at instant, padded bool) string {
	var b []byte
	for _, t := range f.tokens {
		n := map[byte]int{'Y': at.year, 'M': at.month, 'D': at.day, 'h': at.hour, 'm': at.minute, 's': at.second, 'f': at.milli}[t.field]
		switch {
		case t.field == 0:
			b = append(b, t.literal...)
		case t.field == 'A':
			b = append(b, "AM"...)
		case t.field == 'Z':
			b = append(b, 'Z')
		case t.short:
			b = appendDigits(b, n%100, 2)
		case t.width > 0:
			b = appendDigits(b, n, t.width)
		case padded:
			b = appendDigits(b, n, 2)
		default:
			b = fmt.Append(b, n)
		}
	}
	return string(b)
}

// ambiguous finds a text that two formats of a list read as two different values.
func ambiguous(formats []*dateFormat, typ bundle.Type) (text, one, other string, found bool) {
	for i, f := range formats {
		for _, g := range formats[i+1:] {
			for _, year := range []int{2003, 2010} {
				for month := 1; month <= 12; month++ {
					for day := 1; day <= 12; day++ {
						at := instant{year: year, month: month, day: day, hour: month - 1, minute: day, second: day, milli: 0}
						if at.hour == 0 {
							at.hour = 1
						}
						for _, padded := range []bool{false, true} {
							for _, from := range []*dateFormat{f, g} {
								text = from.write(at, padded)
								one, ok := f.read(text, typ)
								other, ok2 := g.read(text, typ)
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

// isISODate reports whether s is a day that exists, as YYYY-MM-DD.
func isISODate(s string) bool {
	at, ok := isoDate.parse(s)
	return ok && at.dayExists()
}

var isoDate, isoTime, isoDateTimes = func() (*dateFormat, *dateFormat, []*dateFormat) {
	must := func(s string, t bundle.Type) *dateFormat {
		f, err := parseDateFormat(s, t)
		if err != nil {
			panic(err) // a constant of ours
		}
		return f
	}
	return must("YYYY-MM-DD", bundle.TypeDate), must("HH:mm:ss", bundle.TypeTime), []*dateFormat{
		must("YYYY-MM-DDTHH:mm:ssZ", bundle.TypeDateTime), must("YYYY-MM-DDTHH:mm:ss.SSSZ", bundle.TypeDateTime)}
}()
