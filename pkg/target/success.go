package target

import (
	"crypto/tls"
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// success takes an answer whose status says that the call succeeded, if the rest of it says so too, and
// reports whether the call must be made once more.
func (a *call) success(got *answer) (again bool) {
	if why := a.doubt(got); why != "" {
		f := a.refusal(got.status, got.header, got.body)
		// What it says is not the API's. Of the answer to a record only a page is quoted: other texts
		// may repeat the record, and so may a page.
		f.Kind, f.Retryable, f.Type, f.Fields, f.Messages = Odd, false, "", nil, nil
		f.Detail, f.Fix = why, foreignFix
		if f.Body != "" && isPage(got.header, trimmed(got.body)) {
			f.Detail += ": " + diag.Masked(f.Body)
		}
		f.Body = ""
		a.failure = f
		return false
	}
	if a.posts && a.connection.repeats(got.header.Get("Location")) {
		a.delay = 0
		a.tell(&Failure{Kind: Odd, Status: got.status})
		return true
	}
	a.client.answered.Add(1)
	if a.token != nil {
		a.client.tokens.accept(a.token)
		a.client.entered.Store(true)
	}
	a.answer = got
	return false
}

// doubt says why an answer is not the success that its status claims: something in between answers with
// pages, and with any status. "" means that an Ed-Fi API may have said it.
func (a *call) doubt(got *answer) string {
	body := trimmed(got.body)
	switch {
	case got.status == http.StatusNotModified:
		return ""
	case isPage(got.header, body):
		return "a web page came instead of an answer"
	case len(body) > 0 && strings.Contains(strings.ToLower(got.header.Get("Content-Type")), "problem"):
		return "the answer reports a problem, but its status says success"
	case !a.posts && got.status != http.StatusOK:
		return "an Ed-Fi API does not answer this with such a status"
	case !a.posts:
		return ""
	case got.status != http.StatusOK && got.status != http.StatusCreated:
		return "an Ed-Fi API answers a record with 201 or 200"
	}
	if got.id = recordID(got, body, a.resource); got.id == "" {
		return "the answer does not name the record: it has no Location of " + a.resource
	}
	return ""
}

// longestID is more than any API needs: a UUID takes 36.
const longestID = 100

// recordID is the id that the answer gives to the record: the end of its Location, which is the
// collection's address and the id, or the member id in place of that. "" if it gives none.
func recordID(got *answer, body []byte, path string) string {
	var id string
	if location := got.header.Get("Location"); location != "" {
		location, _, _ = strings.Cut(location, "?")
		parent, last := cutLast(location)
		_, collection := cutLast(parent)
		_, resource := cutLast(path)
		if !strings.EqualFold(collection, resource) {
			return ""
		}
		id = last
	} else if len(body) > 0 && body[0] == '{' {
		id = IDOf(body)
	}
	if len(id) > longestID || strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return ""
	}
	return id
}

// cutLast cuts at the last slash.
func cutLast(s string) (before, after string) {
	i := strings.LastIndexByte(s, '/')
	return s[:max(i, 0)], s[i+1:]
}

// IDOf is the id of a record as the API gives it; "" if there is none.
func IDOf(record []byte) string {
	var r struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(record, &r) != nil {
		return ""
	}
	return r.ID
}

// connection remembers which record the last answer on it was about. Something in between that answers
// a call twice puts every later answer on that connection one call behind: the next record would pass
// for accepted though the target never saw it.
type connection struct {
	net.Conn
	last atomic.Pointer[string] // Location
}

// connectionOf finds the connection below TLS; nil if it is not one of ours.
func connectionOf(c net.Conn) *connection {
	if secured, ok := c.(*tls.Conn); ok {
		c = secured.NetConn()
	}
	own, _ := c.(*connection)
	return own
}

// repeats reports whether the answer before, on this connection, named the same record. Then it is not
// used any more; on another one the answer is the record's own.
func (c *connection) repeats(location string) bool {
	if c == nil || location == "" {
		return false
	}
	if last := c.last.Swap(&location); last == nil || *last != location {
		return false
	}
	_ = c.Close()
	return true
}
