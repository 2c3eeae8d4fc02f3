package jsonl

import (
	"strconv"
	"strings"
)

// Origin says where a staged record came from. An origin file holds one a line, written as
// results:1042, or as results#2:1042 where the input has several files. A record that a bundle's
// table gives has the table's path in place of an input's name.
type Origin struct {
	Input string
	File  int   // which of the input's files, from 1; 0 if it has only one
	Line  int64 // 0 if it is not known
}

// Append appends the origin as origin files hold it, without a line end.
func (o Origin) Append(dst []byte) []byte {
	dst = append(dst, o.Input...)
	if o.File > 0 {
		dst = strconv.AppendInt(append(dst, '#'), int64(o.File), 10)
	}
	return strconv.AppendInt(append(dst, ':'), o.Line, 10)
}

func (o Origin) String() string { return string(o.Append(nil)) }

// ParseOrigin reads what Append wrote, also where an editor has ended the line with CRLF; ok is false
// for anything else.
func ParseOrigin(text string) (o Origin, ok bool) {
	text = strings.TrimSuffix(text, "\r")
	i := strings.LastIndexByte(text, ':')
	if i <= 0 {
		return Origin{}, false
	}
	line, err := strconv.ParseInt(text[i+1:], 10, 64)
	if err != nil {
		return Origin{}, false
	}
	o = Origin{Input: text[:i], Line: line}
	if i := strings.LastIndexByte(o.Input, '#'); i > 0 {
		if n, err := strconv.Atoi(o.Input[i+1:]); err == nil && n > 0 {
			o.Input, o.File = o.Input[:i], n
		}
	}
	return o, true
}
