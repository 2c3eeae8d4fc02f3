package target

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// The names of the calls that carry a credential and no record.
const (
	tokenResource     = "token"
	tokenInfoResource = "token_info"
)

// tokens is the one token that all workers share. A target may allow 15 live ones per client, so
// a new one is asked for only when the one in use is about to expire or was refused.
type tokens struct {
	asking     semaphore // held while a token is asked for
	current    atomic.Pointer[token]
	previous   atomic.Pointer[token]   // the one before: requests with it may still be under way
	unaccepted atomic.Int64            // tokens in a row that were refused and never accepted
	refused    atomic.Pointer[Failure] // the credential, or each token, was refused: final
}

// maxUnaccepted is how many new tokens in a row may be refused before there are no more of them. One
// may die at once by bad luck; and a target may allow only 15 to be alive.
const maxUnaccepted = 3

// token is one access token. Its header is shared by all requests and never changed.
type token struct {
	value    string
	header   []string
	renewAt  time.Time // before it expires; zero: never
	accepted atomic.Bool
	counted  atomic.Bool // as refused before it was ever accepted
}

func (t *token) usable() bool {
	return t != nil && (t.renewAt.IsZero() || time.Now().Before(t.renewAt))
}

// drop forgets a token that was refused, unless another has taken its place already.
func (t *tokens) drop(old *token) {
	if t.current.CompareAndSwap(old, nil) {
		t.previous.Store(old)
	}
}

// exhausted counts a token that was refused and never accepted, once, and says whether it was the
// last one to try.
func (t *tokens) exhausted(old *token) bool {
	if !old.accepted.Load() && old.counted.CompareAndSwap(false, true) {
		t.unaccepted.Add(1)
	}
	return t.unaccepted.Load() >= maxUnaccepted
}

// accept notes that the target took a token.
func (t *tokens) accept(used *token) {
	if !used.accepted.Load() {
		used.accepted.Store(true)
		t.unaccepted.Store(0)
	}
}

// refuse makes every later call fail at once: a wrong credential that is tried again and again
// locks the client out, and each new token would be refused too.
func (t *tokens) refuse(f *Failure) { t.refused.CompareAndSwap(nil, f) }

// held is the token in use, or why there will be none any more; nil and nil: one must be asked for.
func (t *tokens) held() (*token, error) {
	if f := t.refused.Load(); f != nil {
		again := *f
		return nil, &again
	}
	if held := t.current.Load(); held.usable() {
		return held, nil
	}
	return nil, nil
}

// token gives the token in use, or asks for one; other callers wait for that one.
func (c *Client) token(ctx context.Context) (*token, error) {
	s := &c.tokens
	if t, err := s.held(); t != nil || err != nil {
		return t, err
	}
	if err := s.asking.lock(ctx); err != nil {
		return nil, err
	}
	defer s.asking.unlock()
	if t, err := s.held(); t != nil || err != nil {
		return t, err
	}
	t, err := c.requestToken(ctx)
	if err != nil {
		if f, ok := AsFailure(err); ok && f.Kind == Auth {
			s.refuse(f)
		}
		return nil, err
	}
	if old := s.current.Swap(t); old != nil {
		s.previous.Store(old)
	}
	return t, nil
}

// requestToken asks for a token with a Basic header and grant_type in a form: the one way that
// every generation accepts.
func (c *Client) requestToken(ctx context.Context) (*token, error) {
	about, err := c.Discover(ctx)
	if err != nil {
		return nil, err
	}
	address, err := url.Parse(about.OAuthURL)
	if err != nil {
		return nil, setup("the token URL is not an address", "Set oauth_url.")
	}
	trip := &tokenTrip{call{client: c, method: http.MethodPost, url: address, resource: tokenResource,
		contentType: "application/x-www-form-urlencoded", anonymous: true, basic: true, most: maxSmall}}
	config := clientcredentials.Config{
		ClientID: c.config.ClientID, ClientSecret: c.secret(),
		TokenURL: about.OAuthURL, AuthStyle: oauth2.AuthStyleInHeader,
	}
	asked := time.Now()
	got, err := config.Token(context.WithValue(ctx, oauth2.HTTPClient, &http.Client{Transport: trip}))
	if err != nil {
		if ctx.Err() != nil {
			return nil, interruption(ctx, "POST token")
		}
		if f, ok := AsFailure(err); ok {
			return nil, c.credentialFailure(f, address)
		}
		// A 200 without a token. The library's error quotes the answer, which may hold one.
		f := &Failure{Kind: Odd, Status: http.StatusOK, Title: http.StatusText(http.StatusOK),
			Detail: "the token endpoint answered, but not with a token"}
		var oauth *oauth2.RetrieveError
		if errors.As(err, &oauth) && oauthErrors[oauth.ErrorCode] {
			f.Kind, f.Type, f.Detail = Auth, oauth.ErrorCode, oauth.ErrorCode
		}
		return nil, c.credentialFailure(trip.call.finished(f), address)
	}
	t := &token{value: got.AccessToken, header: []string{"Bearer " + got.AccessToken}}
	if !got.Expiry.IsZero() {
		life := got.Expiry.Sub(asked)
		t.renewAt = got.Expiry.Add(-min(life/10, 2*time.Minute))
	}
	c.log.LogAttrs(ctx, slog.LevelDebug, "token obtained", slog.Time("renew_at", t.renewAt))
	return t, nil
}

// credentialFailure says of a failed token request what it means: 5.x answers a wrong secret with 400,
// the others with 401. What says nothing about the credential, and will not pass by itself, has a kind
// of its own: it is about no resource, whatever its status.
func (c *Client) credentialFailure(f *Failure, address *url.URL) *Failure {
	f.Address = address.Redacted()
	switch {
	case f.Kind == Auth, f.Status == http.StatusBadRequest && f.Kind == Validation, f.Status == http.StatusForbidden && f.Kind == Forbidden:
		f.Kind, f.Retryable = Auth, false
	case f.Kind == Server, f.Kind == TooMany, f.Kind == Transport, f.Kind == Setup:
		return f
	default:
		if f.Status < 300 || f.Status >= 400 { // a redirect says where it leads
			f.Fix = "This address gives no token; unless the target is just down, check base_url and school_year, or set oauth_url."
		}
		f.Kind, f.Retryable = Token, false
		return f
	}
	of := cmp.Or(c.config.Origin, "client_id and client_secret of the tenant")
	switch f.Type {
	case "invalid_scope":
		f.Fix = "The target refused the scope; have its administrator check the client's education organizations."
	case "unsupported_grant_type", "invalid_request":
		f.Fix = "The target did not understand the token request; check base_url or oauth_url, and any proxy in between."
	case "invalid_client", "invalid_grant", "unauthorized_client":
		f.Fix = "The target refused the key or the secret. Check " + of + ", and that the client is active."
	default:
		f.Fix = "The token request was refused. Check " + of + ", that the client is active, and any proxy in between."
	}
	return f
}

// tokenFailure is a token request that was refused. Of the answer, which may repeat the credential in
// any spelling, nothing is kept but its status and the refusals that are known by name.
func tokenFailure(status int, header http.Header, body []byte) *Failure {
	said := answerFailure(status, header, body)
	f := &Failure{Kind: said.Kind, Retryable: said.Retryable, Status: status, Title: http.StatusText(status)}
	if f.Title == "" {
		f.Title = "unknown status"
	}
	switch {
	case typeHolds(said.Type, tooManyTokens):
		f.Type = problemPrefix + tooManyTokens
	case oauthErrors[said.Type]:
		f.Type, f.Detail = said.Type, said.Type
	case oauthErrors[said.Title]: // of the Data Management Service
		f.Type, f.Detail = said.Title, said.Title
	}
	return f
}

const tooManyTokens = "too-many-tokens"

// oauthErrors are the refusals of a token request that the standard knows (RFC 6749, 5.2).
var oauthErrors = map[string]bool{
	"invalid_request": true, "invalid_client": true, "invalid_grant": true,
	"unauthorized_client": true, "unsupported_grant_type": true, "invalid_scope": true,
}

// tokenTrip carries a token request of the oauth2 library through the client's own attempts, with
// the credential as Ed-Fi APIs read it.
type tokenTrip struct{ call call }

// RoundTrip implements http.RoundTripper. A refused request is a *Failure, not a response.
func (t *tokenTrip) RoundTrip(request *http.Request) (*http.Response, error) {
	form, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, err
	}
	_ = request.Body.Close()
	t.call.body = form
	answer, err := t.call.do(request.Context())
	if err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: answer.status, Header: answer.header, Request: request,
		Body: io.NopCloser(bytes.NewReader(answer.body)), ContentLength: int64(len(answer.body)),
	}, nil
}

// TokenInfo is what the target says the credential may do. Older APIs give fewer members; a nil
// slice means that the target does not say.
type TokenInfo struct {
	NamespacePrefixes []string `json:"namespace_prefixes"`
	ClaimSet          struct {
		Name string `json:"name"`
	} `json:"claim_set"`
	Resources []Permission `json:"resources"` // from 7.3 on

	Organizations []Organization `json:"education_organizations"`
	Profiles      []string       `json:"assigned_profiles"`
}

// Organization is an education organization that the credential is for.
type Organization struct {
	ID     int64  `json:"education_organization_id"`
	Name   string `json:"name_of_institution"`
	Type   string `json:"type"`                      // edfi.School
	Agency int64  `json:"local_education_agency_id"` // the district that it is or belongs to; 0: none, or not said
}

// Permission is what the claim set grants on one resource.
type Permission struct {
	Resource   string   `json:"resource"` // "/ed-fi/assessments"
	Operations []string `json:"operations"`
}

// TokenInfo asks what the credential may do. The error is ErrNotOffered where the target has no
// such endpoint.
func (c *Client) TokenInfo(ctx context.Context) (*TokenInfo, error) {
	about, err := c.Discover(ctx)
	if err != nil {
		return nil, err
	}
	address, err := url.Parse(about.TokenInfoURL)
	if err != nil || about.TokenInfoURL == "" {
		return nil, about.notOffered("token information", "tokenInfo")
	}
	var info TokenInfo
	for again := true; ; again = false {
		t, err := c.token(ctx)
		if err != nil {
			return nil, err
		}
		a := &call{client: c, method: http.MethodPost, url: address, resource: tokenInfoResource,
			body:        []byte("token=" + url.QueryEscape(t.value)),
			contentType: "application/x-www-form-urlencoded", most: maxSmall}
		answer, err := a.do(ctx)
		f, failed := AsFailure(err)
		switch {
		case failed && f.Resource != tokenInfoResource: // the token's
		case failed && again && c.tokens.current.Load() != t:
			continue // renewed on the way: the body must name the token of the header
		case failed && (f.Status == http.StatusNotFound || f.Status == http.StatusMethodNotAllowed):
			f.Err = ErrNotOffered
		}
		if err != nil {
			return nil, err
		}
		if json.Unmarshal(answer.body, &info) != nil {
			return nil, a.unreadable(answer)
		}
		return &info, nil
	}
}

// defaultTokenInfoURL is where the endpoint lies when the root document does not name it.
func defaultTokenInfoURL(oauthURL string) string {
	if base, ok := strings.CutSuffix(strings.TrimRight(oauthURL, "/"), "/token"); ok {
		return base + "/token_info"
	}
	return ""
}
