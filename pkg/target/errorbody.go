package target

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// excerptLength bounds what is kept of an answer that could not be read.
const excerptLength = 300

// answerFailure reads an answer that is not a success: problem details (7.2+ and DMS), message and
// modelState (5 to 7.1), OAuth errors, pages of proxies, empty and truncated bodies. What is in
// the body decides, not the media type, which varies.
func answerFailure(status int, header http.Header, body []byte) *Failure {
	f := &Failure{Status: status, Title: http.StatusText(status)}
	body = trimmed(body)
	members := map[string]json.RawMessage{}
	recognised := false
	switch {
	case len(body) == 0:
		recognised = true
	case body[0] == '{' && json.Unmarshal(body, &members) == nil:
		recognised = f.read(lowerCased(members))
	case body[0] == '"':
		var text string
		if json.Unmarshal(body, &text) == nil && text != "" {
			f.Messages, recognised = []string{text}, true
		}
	}
	if f.CorrelationID == "" {
		f.CorrelationID = correlationOf(header)
	}
	f.Kind = kindOf(status, f.Type, f.words())
	f.Retryable = retryable(status, f.Type)
	if recognised {
		return f
	}
	page := isPage(header, body)
	f.Body = excerpt(body, page)
	if f.Title == "" {
		f.Title = "unknown status"
	}
	// A page in place of an answer comes from something in between. It stays what it is where the
	// status asks for another attempt, and where the status is about the credential.
	if page && !f.Retryable && f.Kind != Auth {
		f.Kind, f.Fix = Odd, foreignFix
	}
	return f
}

const foreignFix = "Check base_url, and any proxy or firewall in between: the answer is not from an Ed-Fi API."

// read takes what the members of an error body say, and reports whether any of them was known.
func (f *Failure) read(m map[string]json.RawMessage) bool {
	f.Type = text(m["type"])
	if t := text(m["title"]); t != "" {
		f.Title = t
	}
	f.Detail = text(m["detail"])
	f.CorrelationID = cmp.Or(text(m["correlationid"]), text(m["traceid"]))
	f.Fields = fields(m["validationerrors"])
	f.Messages = sentences(m["errors"])
	if f.Fields == nil && f.Messages == nil {
		f.Fields = fields(m["errors"]) // ASP.NET's own shape
	}
	if f.Fields == nil {
		f.Fields = fields(m["modelstate"])
	}
	if f.Messages == nil && f.Detail == "" {
		f.Detail = cmp.Or(text(m["message"]), text(m["error_description"]), text(m["error"]))
	}
	if f.Fields == nil && f.Messages == nil {
		var r reasons
		if r.collect(m, "", 0); r.fields != nil || r.nested {
			f.Fields, f.Messages = r.fields, r.messages
		}
	}
	// A token endpoint's error code is what tells a wrong secret from a wrong request.
	if code := text(m["error"]); f.Type == "" && !strings.Contains(code, " ") {
		f.Type = code
	}
	return f.Type != "" || f.Detail != "" || f.Fields != nil || f.Messages != nil
}

// reasons are what an error body of no known shape says, as gateways and other implementations of the API
// write it.
type reasons struct {
	fields   map[string][]string
	messages []string
	nested   bool // they stand deeper than at the top
	count    int
}

const (
	mostReasons = 20
	mostNested  = 4 // levels
)

// collect takes the texts that stand under the usual names, with the path beside them.
func (r *reasons) collect(m map[string]json.RawMessage, path string, depth int) {
	// At the top, one with a slash is the address of the call.
	if beside := cmp.Or(text(m["path"]), text(m["field"])); depth > 0 || !strings.HasPrefix(beside, "/") {
		path = cmp.Or(beside, path)
	}
	before := r.count
	for _, name := range []string{"errors", "message", "error", "detail"} {
		var items []json.RawMessage
		if json.Unmarshal(m[name], &items) != nil {
			items = []json.RawMessage{m[name]}
		}
		for _, item := range items[:min(len(items), mostReasons)] {
			var inner map[string]json.RawMessage
			said := text(item)
			if said != "" {
				r.count++
				r.nested = r.nested || depth > 0
			}
			switch {
			case said != "" && path != "":
				if r.fields == nil {
					r.fields = map[string][]string{}
				}
				r.fields[path] = append(r.fields[path], said)
			case said != "":
				r.messages = append(r.messages, said)
			case depth < mostNested && json.Unmarshal(item, &inner) == nil:
				r.collect(lowerCased(inner), path, depth+1)
			}
		}
		if r.count > before {
			return // what comes later says it less exactly
		}
	}
}

// lowerCased folds the names, because API generations differ in their case.
func lowerCased[V any](m map[string]V) map[string]V {
	folded := make(map[string]V, len(m))
	for name, value := range m {
		folded[strings.ToLower(name)] = value
	}
	return folded
}

// text is a JSON string's value; "" for anything else.
func text(raw json.RawMessage) string {
	var s string
	if len(raw) == 0 || json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return strings.TrimSpace(s)
}

// sentences reads an array of strings, or one string; nil if there is none.
func sentences(raw json.RawMessage) []string {
	var items []json.RawMessage
	if len(raw) == 0 || json.Unmarshal(raw, &items) != nil {
		items = []json.RawMessage{raw}
	}
	var all []string
	for _, item := range items {
		if s := text(item); s != "" {
			all = append(all, s)
		}
	}
	return all
}

// fields reads an object of path → sentences; nil if there is none. The binder's "request.x[0].y"
// of older APIs becomes the "$.x[0].y" of newer ones.
func fields(raw json.RawMessage) map[string][]string {
	var m map[string]json.RawMessage
	if len(raw) == 0 || json.Unmarshal(raw, &m) != nil || len(m) == 0 {
		return nil
	}
	all := make(map[string][]string, len(m))
	for path, value := range m {
		if rest, ok := strings.CutPrefix(path, "request."); ok {
			path = "$." + rest
		}
		all[path] = sentences(value)
	}
	return all
}

// correlationOf finds the id under which the target, or what stands before it, logged the call.
func correlationOf(header http.Header) string {
	for _, name := range []string{"Correlation-Id", "X-Correlation-Id", "X-Request-Id"} {
		if v := header.Get(name); v != "" {
			return plain(v, 100)
		}
	}
	return ""
}

// isPage reports whether a body, trimmed, is HTML or XML, which no Ed-Fi API answers with.
func isPage(header http.Header, body []byte) bool {
	return len(body) > 0 && (body[0] == '<' || strings.Contains(strings.ToLower(header.Get("Content-Type")), "html"))
}

// trimmed is a body without blanks and byte order mark.
func trimmed(body []byte) []byte {
	return bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(body), []byte("\ufeff")))
}

// excerpt is the start of a body as one line of text, without the tags of a page.
func excerpt(body []byte, page bool) string {
	body = body[:min(len(body), 64<<10)] // what a page has to say stands before that
	if page {
		body = tags.ReplaceAllLiteral(body, []byte{' '})
	}
	body = body[:min(len(body), 4*excerptLength)] // room for runs of blanks
	return plain(string(body), excerptLength)
}

// tags are the tags of a page, scripts and styles with what they hold. What is cut off goes to the end.
var tags = regexp.MustCompile(`(?is)<(?:script.*?(?:</script|$)|style.*?(?:</style|$))?[^>]*>?`)

// plain makes foreign text fit for one line of a log: no control characters, no runs of blanks,
// at most limit characters.
func plain(s string, limit int) string {
	s = strings.ToValidUTF8(s, "\ufffd")
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	return string([]rune(s)[:limit]) + "…"
}
