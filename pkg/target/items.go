package target

import (
	"bytes"
	"encoding/json"
)

// itemsOf cuts a JSON list into its items, which point into body. Decoding into RawMessages would
// read every page twice and copy it.
func itemsOf(body []byte) (items []json.RawMessage, ok bool) {
	if !json.Valid(body) {
		return nil, false
	}
	rest := bytes.TrimSpace(body)
	if string(rest) == "null" {
		return nil, true
	}
	if rest[0] != '[' {
		return nil, false
	}
	depth, start := 0, 1
	for i := 0; i < len(rest); i++ {
		switch rest[i] {
		case '"':
			i = closingQuote(rest, i)
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case ',':
			if depth == 1 {
				items = append(items, bytes.TrimSpace(rest[start:i]))
				start = i + 1
			}
		}
	}
	if last := bytes.TrimSpace(rest[start : len(rest)-1]); len(last) > 0 {
		items = append(items, last)
	}
	return items, true
}

// closingQuote is where the string that begins at i ends; the text is known to be valid.
func closingQuote(text []byte, i int) int {
	for {
		i += 1 + bytes.IndexByte(text[i+1:], '"')
		slashes := 0
		for text[i-1-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return i
		}
	}
}
