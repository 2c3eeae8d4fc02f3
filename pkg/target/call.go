package target

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// Bounds on what is read of an answer, decompressed.
const (
	maxErrorBody = 1 << 20
	maxSmall     = 4 << 20  // one thing: a token, the root document, a count, a record
	maxList      = 64 << 20 // a page of 500 records is a few MB
	maxDocument  = 64 << 20 // an OpenAPI document too
)

// maxRenewals bounds the tokens that one call may use up when tokens die young.
const maxRenewals = 5

// acceptJSON is what every call asks for.
const acceptJSON = "application/json"

// beforeReached is how many attempts a host gets that has never answered: a wrong address should
// not take half a minute to say so.
const beforeReached = 3

// call is one request with all its attempts. It belongs to one goroutine. What becomes of an attempt:
//
//	admit: a token, the pause, the breaker ─► attempt ─► judge
//	  a success                                          ─► answer
//	  a refusal, or the attempts are used up             ─► failure
//	  401: the token goes, the next attempt has another  ─► admit
//	  a trouble that may pass: after a delay             ─► admit
type call struct {
	client      *Client
	method      string
	url         *url.URL
	resource    string // for messages
	body        []byte
	contentType string
	etag        string // If-None-Match
	snapshot    *snapshot
	anonymous   bool
	basic       bool  // the token request
	posts       bool  // a record, so that a success names it
	most        int64 // bytes of the answer that matters; 0: its body does not

	correlationID string
	requestID     string
	token         *token
	renewals      int
	attempts      int
	failed        int           // attempts that count against RetryPolicy.Max
	answered      uint64        // Client.answered when the call began, or last met the limit on requests
	delay         time.Duration // before the next attempt
	started       bool          // an attempt holds the breaker's permit
	begun         time.Time     // the last attempt
	connection    *connection   // of the last attempt to post a record; nil: not known
	answer        *answer
	failure       *Failure
}

// answer is what came back, read.
type answer struct {
	status int
	header http.Header
	body   []byte
	id     string // of the record that was posted
}

// do makes the call and repeats it as the policy says. The error is a *Failure, or wraps the
// context's error if the caller gave up.
func (a *call) do(ctx context.Context) (*answer, error) {
	c := a.client
	a.answered = c.answered.Load()
	a.correlationID = c.calls + "-" + strconv.FormatUint(c.sequence.Add(1), 10)
	request := &http.Request{
		Method: a.method, URL: a.url, Host: a.url.Host,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: make(http.Header, 8),
	}
	h := request.Header
	h["User-Agent"] = []string{c.config.UserAgent}
	h["Accept"] = []string{acceptJSON}
	h["Correlation-Id"] = []string{a.correlationID}
	if a.contentType != "" {
		h["Content-Type"] = []string{a.contentType}
	}
	if a.etag != "" {
		h["If-None-Match"] = []string{a.etag}
	}
	a.snapshot.dress(h)
	if a.posts {
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
			GotConn: func(got httptrace.GotConnInfo) { a.connection = connectionOf(got.Conn) },
		})
	}
	retrying := &retryablehttp.Request{Request: request.WithContext(ctx)}
	if a.body != nil {
		if err := retrying.SetBody(a.body); err != nil {
			return nil, err
		}
	}
	if err := a.admit(retrying.Request); err != nil {
		return nil, a.giveUp(ctx, err)
	}
	attempts := c.http
	if a.most == maxSmall && !c.entered.Load() {
		attempts = c.entering
	}
	client := retryablehttp.Client{
		HTTPClient:   attempts,
		RetryMax:     math.MaxInt32, // judge counts: not every attempt counts alike
		CheckRetry:   a.judge,
		Backoff:      func(time.Duration, time.Duration, int, *http.Response) time.Duration { return a.delay },
		PrepareRetry: a.admit,
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
	// judge has read and closed the body of every answer.
	_, err := client.Do(retrying) //nolint:bodyclose
	switch {
	case a.answer != nil:
		return a.answer, nil
	case a.failure != nil:
		return nil, a.finished(a.failure)
	}
	return nil, a.giveUp(ctx, err)
}

// giveUp words the end of a call that has neither an answer nor a failure of its own.
func (a *call) giveUp(ctx context.Context, err error) error {
	if a.started {
		a.started = false
		a.client.breaker.abandoned()
	}
	if ctx.Err() != nil {
		return interruption(ctx, a.method+" "+a.resource)
	}
	if f, ok := AsFailure(err); ok {
		return f // the token's; it speaks for itself
	}
	return a.finished(a.client.route(a.url).unreachable(err))
}

// interrupted is a call that the caller's context ended. Whether the target carried it out is not
// known.
type interrupted struct {
	what string
	err  error // of the context
	why  error // its cause
}

func interruption(ctx context.Context, what string) error {
	return &interrupted{what: what, err: ctx.Err(), why: context.Cause(ctx)}
}

func (i *interrupted) Error() string   { return i.what + ": " + i.why.Error() }
func (i *interrupted) Unwrap() []error { return []error{i.err, i.why} }

// finished completes a failure with what the call knows.
func (a *call) finished(f *Failure) *Failure {
	f.Method, f.Resource, f.Attempts = a.method, a.resource, a.attempts
	if f.CorrelationID == "" {
		f.CorrelationID = a.correlationID
	}
	a.client.scrub(f)
	return f
}

// admit waits until an attempt may be made and dresses the request for it: the token first, then
// the pause and the breaker, so that no trial of the breaker waits for a token request.
func (a *call) admit(request *http.Request) error {
	c, ctx := a.client, request.Context()
	if a.attempts > 0 {
		// The transport may still be reading the headers of the attempt before.
		request.Header = maps.Clone(request.Header)
	}
	switch {
	case a.basic:
		// Not form-encoded first, as RFC 6749 has it: no Ed-Fi API decodes that.
		request.SetBasicAuth(c.config.ClientID, c.secret())
	case !a.anonymous:
		t, err := c.token(ctx)
		if err != nil {
			return err
		}
		a.token = t
		request.Header["Authorization"] = t.header
	}
	if err := c.pace.wait(ctx); err != nil {
		return err
	}
	if err := c.breaker.acquire(ctx); err != nil {
		return err
	}
	a.started, a.begun = true, time.Now()
	a.attempts++
	a.requestID = a.correlationID + "-" + strconv.Itoa(a.attempts)
	request.Header["X-Request-Id"] = []string{a.requestID}
	return nil
}

// judge reads the answer of one attempt, tells the breaker and the pace, and decides whether there
// is another attempt. It is retryablehttp's CheckRetry.
func (a *call) judge(ctx context.Context, response *http.Response, err error) (bool, error) {
	c := a.client
	a.answer, a.failure = nil, nil
	if ctx.Err() != nil {
		if response != nil {
			_ = response.Body.Close()
		}
		return false, ctx.Err() // giveUp hands the permit back
	}
	var body []byte
	if err == nil {
		if body, err = a.read(response); err == nil && response.StatusCode == http.StatusProxyAuthRequired && c.proxyFor(a.url) != nil {
			err = refusalOf(response)
		} else if err == nil {
			c.reached.Store(true)
		} else if ctx.Err() != nil {
			return false, ctx.Err()
		}
	}
	a.started = false
	var large *tooLarge
	if errors.As(err, &large) {
		c.breaker.succeeded()
		a.failure = answerFailure(response.StatusCode, response.Header, nil)
		a.failure.Kind, a.failure.Detail, a.failure.Err = Odd, large.Error(), large
		advise(a.failure)
		return false, nil
	}
	if err != nil {
		c.breaker.failed()
		return a.again(c.route(a.url).unreachable(err), 0), nil
	}
	status := response.StatusCode
	if status >= 500 {
		c.breaker.failed()
	} else {
		c.breaker.succeeded()
	}
	if response.ProtoMajor > 1 {
		a.connection = nil // calls share it, and each answer says whose it is
	}
	if succeeded := status >= 200 && status < 300; succeeded || status == http.StatusNotModified && a.etag != "" {
		return a.success(&answer{status: status, header: response.Header, body: body}), nil
	}
	if a.token != nil && status != http.StatusUnauthorized && status != http.StatusTooManyRequests && status < 500 {
		c.tokens.accept(a.token)
		c.entered.Store(true)
	}
	return a.refused(response, body), nil
}

// refused takes an answer that is not a success, and decides whether there is another attempt.
func (a *call) refused(response *http.Response, body []byte) (again bool) {
	status := response.StatusCode
	f := a.refusal(status, response.Header, body)
	switch {
	case status >= 300 && status < 400:
		redirected(f, response, a.basic)
	case status == http.StatusUnauthorized && a.token != nil:
		return a.renew(f)
	}
	policy, wait := a.client.config.Retry, retryAfter(response.Header, time.Now())
	if f.Retryable && !policy.grants(wait) {
		policy.tooLong(f, wait)
		a.failure = f
		return false
	}
	wait = min(wait, policy.MaxRetryAfter)
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable && wait > 0 {
		wait = a.client.pace.throttled(wait)
	}
	if status == http.StatusTooManyRequests && a.othersSucceeded() {
		a.failed = 0
	}
	return a.again(f, wait)
}

// othersSucceeded reports whether a call of the client succeeded since this one began, or since it last
// met the limit on requests. The limit is the client's: as long as it lets calls through, one that comes
// too late again and again has its attempts anew.
func (a *call) othersSucceeded() bool {
	before := a.answered
	a.answered = a.client.answered.Load()
	return !a.basic && a.answered != before
}

// refusal reads an answer that is not a success.
func (a *call) refusal(status int, header http.Header, body []byte) *Failure {
	if a.basic {
		return tokenFailure(status, header, body)
	}
	f := answerFailure(status, header, a.client.scrubBody(body))
	if a.posts && f.Kind == NotFound {
		// That is about the address: a record has none before it is accepted.
		f.Kind, f.Fix = Odd, "Nothing there takes records of this resource; "+
			"unless the target is just down, run `sluice validate` again, which asks what the target has."
	}
	return f
}

// again decides on another attempt after a failure and sets the delay: what the target asked for,
// else the policy's.
func (a *call) again(f *Failure, wait time.Duration) bool {
	policy := a.client.config.Retry
	limit := policy.Max
	if !a.client.reached.Load() {
		limit = min(limit, beforeReached-1)
	}
	if !f.Retryable || a.failed >= limit {
		advise(f)
		a.failure = f
		return false
	}
	if wait <= 0 {
		wait = policy.delay(a.failed)
	}
	a.failed++
	a.delay = policy.jittered(wait)
	a.tell(f)
	why := f.Detail // of a call without an answer: our own words
	if f.Status != 0 {
		why = strings.TrimSpace(strconv.Itoa(f.Status) + " " + http.StatusText(f.Status))
	}
	a.client.waits.tell(time.Since(a.begun), a.delay, a.method+" "+a.resource+": "+why)
	return true
}

// renew handles a 401: another token, at once, and the call again. Tokens that worked and are
// refused later are replaced as they die; when new ones are refused too, that is the end for every
// caller.
func (a *call) renew(f *Failure) bool {
	c := a.client
	exhausted := c.tokens.exhausted(a.token)
	defer c.tokens.drop(a.token) // last: who finds no token must find that there are no more of them
	if exhausted || a.renewals >= maxRenewals {
		advise(f)
		a.failure = f
		if exhausted {
			refused := *a.finished(f)
			c.tokens.refuse(&refused)
		}
		return false
	}
	a.renewals++
	a.delay = 0
	a.tell(f)
	return true
}

// tell reports an attempt that will be repeated.
func (a *call) tell(f *Failure) {
	a.client.log.LogAttrs(context.Background(), slog.LevelInfo, "retry",
		slog.String("method", a.method), slog.String("resource", a.resource), slog.Int("status", f.Status),
		slog.String("kind", string(f.Kind)), slog.Int("attempt", a.attempts),
		slog.String("delay", a.delay.Round(time.Millisecond).String()), slog.String("request_id", a.requestID))
}

// read takes the body, so that the connection can be used again, and closes it. A success that
// breaks off is an error where the body matters.
func (a *call) read(response *http.Response) ([]byte, error) {
	defer func() {
		_ = response.Body.Close()
		response.Body = http.NoBody
	}()
	if response.Body == http.NoBody {
		return nil, nil
	}
	matters := response.StatusCode >= 200 && response.StatusCode < 300 && a.most > 0
	limit := int64(maxErrorBody)
	if matters {
		limit = a.most
	}
	body, err := readUpTo(response.Body, response.ContentLength, limit)
	if !matters {
		return body, nil // of an error, what arrived is better than nothing
	}
	return body, err
}

// readUpTo reads at most limit bytes, into room that doubles no further than that: an answer
// without an end, or one that was compressed a thousandfold, must not fill the memory.
func readUpTo(from io.Reader, expected, limit int64) ([]byte, error) {
	const first, believed = 4 << 10, 8 << 20 // larger ones grow as they come
	body := make([]byte, 0, min(max(expected+1, first), believed, limit+1))
	for {
		n, err := from.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case int64(len(body)) > limit:
			return body[:limit], &tooLarge{limit}
		case errors.Is(err, io.EOF):
			return body, nil
		case err != nil:
			return body, err
		}
		if len(body) == cap(body) {
			grown := make([]byte, len(body), min(2*int64(cap(body)), limit+1))
			copy(grown, body)
			body = grown
		}
	}
}

// tooLarge is a success that no Ed-Fi API gives.
type tooLarge struct{ limit int64 }

func (t *tooLarge) Error() string {
	return fmt.Sprintf("the answer is larger than %d MiB, which no Ed-Fi API sends here", t.limit>>20)
}

// redirected words a redirect that was not followed; of a token request's, only where it leads.
func redirected(f *Failure, response *http.Response, hostOnly bool) {
	f.Kind, f.Retryable = Odd, false
	where := "elsewhere"
	if to, err := response.Location(); err == nil {
		to.RawQuery, to.User = "", nil
		if hostOnly {
			to.Path, to.RawPath, to.Fragment = "", "", ""
		}
		where = to.String()
	}
	f.Detail = "the target redirects to " + where
	f.Fix = "Redirects to another host or scheme are not followed, so that no credential goes astray; if that address is right, put it into base_url."
}

// advise fills in what to do where the answer alone decides it.
func advise(f *Failure) {
	if f.Fix != "" {
		return
	}
	switch f.Kind {
	case Odd:
		f.Fix = "Check base_url, and any proxy or firewall in between."
	case Validation:
		if f.Status == http.StatusRequestEntityTooLarge {
			f.Fix = "The record is larger than the target takes; have its administrator raise the limit, or split the record's source."
		}
	case Auth:
		f.Fix = "Check client_id and client_secret, and that the client is active on the target."
	case Forbidden:
		f.Fix = "Have the target's administrator check the claim set, the namespace prefixes and the education organizations of this client."
	case TooMany:
		f.Fix = "Run the same command again later, or lower the concurrency."
		if typeHolds(f.Type, tooManyTokens) {
			f.Fix = "Too many tokens of this client are alive; stop other programs that use the same key, or wait half an hour."
		}
	case Server:
		f.Fix = "Try again later; if it persists, give the correlation id to the target's administrator."
	case NotFound:
		f.Fix = "Check that the target's data standard has this resource."
	}
}
