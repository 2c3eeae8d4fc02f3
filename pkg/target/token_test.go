package target

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestTokenIsSharedAndRenewedBeforeItExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		f.token = func(w http.ResponseWriter, _ *http.Request, n int) {
			time.Sleep(time.Second) // all workers ask while the first is waiting
			grant(w, n)
		}
		var last atomic.Value
		f.data = func(w http.ResponseWriter, r *http.Request, _ int) {
			last.Store(r.Header.Get("Authorization"))
			w.WriteHeader(200)
		}
		c := f.client()
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if _, err := c.Post(t.Context(), "students", []byte(`{}`)); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if f.tokens != 1 {
			t.Errorf("%d tokens for 20 workers", f.tokens)
		}
		time.Sleep(27 * time.Minute)
		if _, err := c.Post(t.Context(), "students", []byte(`{}`)); err != nil || f.tokens != 1 {
			t.Errorf("a good token was replaced: %d, %v", f.tokens, err)
		}
		time.Sleep(90 * time.Second) // less than two minutes are left
		if _, err := c.Post(t.Context(), "students", []byte(`{}`)); err != nil || f.tokens != 2 {
			t.Errorf("tokens %d, %v: want a second one before the first expires", f.tokens, err)
		}
		if last.Load() != "Bearer token-2" {
			t.Error(last.Load())
		}
	})
}

func TestRefusedTokenIsReplacedOnce(t *testing.T) {
	for name, body := range map[string]string{
		"7.2":   `{"type":"urn:ed-fi:api:security:authentication","title":"Authentication Failed","detail":"The caller could not be authenticated.","status":401,"errors":["Invalid token"]}`,
		"5.3":   `{"message":"Invalid token"}`,
		"empty": "",
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.data = func(w http.ResponseWriter, r *http.Request, n int) {
				if r.Header.Get("Authorization") == "Bearer token-1" && n > 1 {
					reply(w, 401, body)
					return
				}
				w.WriteHeader(201)
			}
			c := f.client()
			for i := range 3 {
				r, err := c.Post(t.Context(), "students", []byte(`{}`))
				if err != nil {
					t.Fatal(i, err)
				}
				if want := []int{1, 2, 1}[i]; r.Attempts != want {
					t.Errorf("call %d took %d attempts, want %d", i, r.Attempts, want)
				}
			}
			if f.tokens != 2 {
				t.Errorf("%d tokens", f.tokens)
			}
		})
	}
}

// Lightbeam loops for ever on a permanent 401; and a target may allow only 15 live tokens.
func TestPermanent401Ends(t *testing.T) {
	f := newFake(t)
	f.data = func(w http.ResponseWriter, _ *http.Request, _ int) { reply(w, 401, "") }
	c := f.client()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 10 {
				_, err := c.Post(t.Context(), "students", []byte(`{}`))
				if failure, ok := AsFailure(err); !ok || failure.Kind != Auth || failure.Fix == "" {
					t.Errorf("got %v", err)
				}
			}
		})
	}
	wg.Wait()
	if f.tokens != maxUnaccepted || f.calls > 8*maxUnaccepted {
		t.Errorf("%d tokens and %d calls after a token was refused for good", f.tokens, f.calls)
	}
}

// A token that worked and is refused later is replaced however often that happens.
func TestShortLivedTokens(t *testing.T) {
	f := newFake(t)
	uses := map[string]int{}
	var mu sync.Mutex
	f.data = func(w http.ResponseWriter, r *http.Request, _ int) {
		mu.Lock()
		defer mu.Unlock()
		token := r.Header.Get("Authorization")
		if uses[token]++; uses[token] > 5 {
			reply(w, 401, "")
			return
		}
		w.WriteHeader(201)
	}
	c := f.client()
	for i := range 50 {
		if _, err := c.Post(t.Context(), "students", []byte(`{}`)); err != nil {
			t.Fatal(i, err)
		}
	}
	if f.tokens != 10 {
		t.Errorf("%d tokens for 50 calls of 5 each", f.tokens)
	}
}

func TestWrongSecret(t *testing.T) {
	for name, tt := range map[string]struct {
		status int
		body   string
	}{
		"5.3 wrong secret":  {400, `{"error":"invalid_client"}`},
		"6.2 wrong secret":  {401, `{"error":"invalid_client"}`},
		"5.3 no client":     {401, ""},
		"DMS":               {401, `{"type":"urn:ed-fi:api:unauthorized","title":"invalid_client","detail":"Invalid client or Invalid client credentials","status":401,"correlationId":"7","validationErrors":{},"errors":[]}`},
		"grant refused":     {400, `{"error":"unsupported_grant_type"}`},
		"scope":             {400, `{"error":"invalid_scope","error_description":"no such organization"}`},
		"200 with an error": {200, `{"error":"invalid_client"}`},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.token = func(w http.ResponseWriter, _ *http.Request, _ int) { reply(w, tt.status, tt.body) }
			c := f.client()
			for range 5 {
				_, err := c.Post(t.Context(), "students", []byte(`{}`))
				failure := mustFail(t, err, Auth)
				if failure.Retryable || failure.Fix == "" || failure.Resource != "token" {
					t.Errorf("%+v", failure)
				}
			}
			if f.tokens != 1 || f.calls != 0 {
				t.Errorf("a refused credential was tried %d times", f.tokens)
			}
		})
	}
}

func TestTokenEndpointTroubles(t *testing.T) {
	tests := map[string]struct {
		status   int
		body     string
		kind     Kind
		attempts int
		says     string
	}{
		"too many tokens": {429, `{"type":"urn:ed-fi:api:security:authentication:too-many-tokens","title":"Too Many Tokens","status":429,"detail":"…"}`, TooMany, 6, "Too many tokens"},
		"down":            {503, "", Server, 6, "Try again later"},
		"not there":       {404, "", Token, 1, "oauth_url"},
		"gone":            {410, `{"type":"urn:ed-fi:api:not-found"}`, Token, 1, "oauth_url"},
		"no such method":  {405, "", Token, 1, "oauth_url"},
		"a conflict":      {409, "", Token, 1, "oauth_url"},
		"a page, 403":     {403, "<html>blocked</html>", Token, 1, "oauth_url"},
		"elsewhere":       {302, "", Token, 1, "redirects to https://elsewhere.test ["},
		"page":            {200, "<html><body>Please log in</body></html>", Token, 1, "a web page came"},
		"no token":        {200, `{"expires_in":1800}`, Token, 1, "not with a token"},
		"not JSON":        {200, `access granted`, Token, 1, "not with a token"},
		"another error":   {200, `{"error":"session expired"}`, Token, 1, "not with a token"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake(t)
				f.token = func(w http.ResponseWriter, _ *http.Request, _ int) {
					w.Header().Set("Location", "https://elsewhere.test/log-in?x=1")
					reply(w, tt.status, tt.body)
				}
				c := f.client()
				_, err := c.Post(t.Context(), "students", []byte(`{}`))
				failure := mustFail(t, err, tt.kind)
				if tt.kind == Token {
					// Nothing that asks something else takes it for an answer to that.
					_, info := c.TokenInfo(t.Context())
					_, changes := c.NewestChangeVersion(t.Context())
					_, record := c.GetByID(t.Context(), "students", "1")
					for _, err := range []error{info, changes, record, c.Enter(t.Context())} {
						if again := mustFail(t, err, Token); errors.Is(err, ErrNotOffered) || again.Resource != "token" {
							t.Errorf("%+v", again)
						}
					}
					f.tokens -= 4
				}
				if failure.Attempts != tt.attempts || f.tokens != tt.attempts || !strings.Contains(err.Error(), tt.says) {
					t.Errorf("%d attempts, %d requests: %v", failure.Attempts, f.tokens, err)
				}
			})
		})
	}
}

// What the answer to a token request says is not shown, whatever it is: it may repeat the credential, in
// a spelling that nobody knows. What is known by name is told.
func TestNoWordOfATokenAnswer(t *testing.T) {
	for _, status := range []int{200, 201, 302, 400, 401, 403, 404, 418, 429, 500, 503} {
		for _, body := range []string{`{"error":"WORDS","error_description":"WORDS"}`, `{"type":"WORDS","title":"WORDS","detail":"WORDS","correlationId":"WORDS"}`,
			`{"error":"invalid_client","error_description":"WORDS"}`, `<html>WORDS</html>`, `WORDS`, `"WORDS"`, `{"token_type":"WORDS"}`, `{"access_token":5,"x":"WORDS"}`} {
			synctest.Test(t, func(t *testing.T) {
				f := newFake(t)
				f.token = func(w http.ResponseWriter, _ *http.Request, _ int) {
					for _, name := range []string{"X-Request-Id", "Correlation-Id", "Content-Type"} {
						w.Header().Set(name, "WORDS")
					}
					w.Header().Set("Location", "https://elsewhere.test/WORDS?WORDS#WORDS")
					w.WriteHeader(status)
					_, _ = w.Write([]byte(body))
				}
				var l logs
				config := f.config()
				config.Logger = l.logger()
				_, err := mustNew(t, config).Post(t.Context(), "students", []byte(`{}`))
				failure, ok := AsFailure(err)
				if everything := fmt.Sprintf("%v %+v %+v %s", err, err, failure, l.String()); !ok || strings.Contains(everything, "WORDS") {
					t.Errorf("%d %s: %s", status, body, everything)
				}
				if strings.Contains(body, "invalid_client") && status < 405 && status != 201 && status != 302 && failure.Type != "invalid_client" {
					t.Errorf("%d: %+v", status, failure)
				}
			})
		}
	}
}

// A token request that fails for a while holds up every worker and fails none of them.
func TestTokenEndpointRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		f.token = func(w http.ResponseWriter, _ *http.Request, n int) {
			if n < 3 {
				reply(w, 500, "")
				return
			}
			grant(w, n)
		}
		c := f.client()
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				if _, err := c.Post(t.Context(), "students", []byte(`{}`)); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if f.tokens != 3 {
			t.Errorf("%d token requests", f.tokens)
		}
	})
}

// A worker that is cancelled while it asks for the token leaves the asking to the next.
func TestCancelledTokenRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		f.token = func(w http.ResponseWriter, r *http.Request, n int) {
			select {
			case <-r.Context().Done():
			case <-time.After(10 * time.Second):
			}
			grant(w, n)
		}
		c := f.client()
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			_, err := c.Post(ctx, "students", []byte(`{}`))
			if !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
		synctest.Wait()
		wg.Go(func() {
			if _, err := c.Post(t.Context(), "students", []byte(`{}`)); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		cancel()
		wg.Wait()
	})
}

func TestTokenInfo(t *testing.T) {
	f := newFake(t)
	f.data = func(w http.ResponseWriter, r *http.Request, n int) {
		if r.URL.Path != "/oauth/token_info" || r.Header.Get("Authorization") == "" {
			t.Error(r.Method, r.URL)
		}
		if n == 1 { // the body must name the new token when the first one has died
			reply(w, 401, "")
			return
		}
		if "Bearer "+strings.TrimPrefix(f.bodies[n-1], "token=") != r.Header.Get("Authorization") {
			reply(w, 400, "")
			return
		}
		reply(w, 200, `{"active":true,"client_id":"k1","namespace_prefixes":["uri://acme.org"],
			"education_organizations":[{"education_organization_id":255901001,"name_of_institution":"North","type":"edfi.School"}],
			"assigned_profiles":[],"claim_set":{"name":"Assessment Vendor"},"resources":[{"resource":"/ed-fi/assessments","operations":["Create","Read"]}]}`)
	}
	info, err := f.client().TokenInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if info.ClaimSet.Name != "Assessment Vendor" || info.NamespacePrefixes[0] != "uri://acme.org" ||
		info.Resources[0].Operations[1] != "Read" {
		t.Errorf("%+v", info)
	}
	f.data = func(w http.ResponseWriter, _ *http.Request, _ int) { reply(w, 404, "") }
	if _, err := f.client().TokenInfo(t.Context()); !errors.Is(err, ErrNotOffered) {
		t.Error(err)
	}
}

func TestPrintingShowsNoSecret(t *testing.T) {
	f := newFake(t)
	c := f.client()
	if _, err := c.Post(t.Context(), "students", []byte(`{}`)); err != nil {
		t.Fatal(err)
	}
	config := f.config()
	for _, s := range []string{fmt.Sprintf("%v %+v %#v", config, config, config), fmt.Sprintf("%v %+v", c, c), fmt.Sprintf("%#v", c)} {
		if strings.Contains(s, "s3cret") || strings.Contains(s, "token-1") {
			t.Error(s)
		}
	}
}

// A proxy that shows the request it refused must not bring the secret into errors or logs.
func TestNoSecretAnywhere(t *testing.T) {
	for name, format := range map[string]string{
		"page":        `<html><pre>Authorization: %[1]s, secret %[2]s</pre></html>`,
		"page, late":  `<html>` + strings.Repeat("x ", 145) + `%[2]s</html>`,
		"problem":     `{"type":"%[1]s","title":"%[2]s","detail":"%[1]s","errors":["%[2]s"],"correlationId":"%[2]s"}`,
		"fields":      `{"validationErrors":{"$.%[2]s":["%[1]s"]}}`,
		"message":     `{"message":"%[2]s %[1]s"}`,
		"plain":       `%[1]s %[2]s`,
		"odd JSON":    `{"request":{"authorization":"%[1]s","secret":"%[2]s"}}`,
		"JSON string": `"%[1]s %[2]s"`,
	} {
		for _, at := range []string{"token", "data", "token_info"} {
			for _, status := range []int{200, 400, 401, 403, 404, 409, 429, 500, 502, 302} {
				t.Run(fmt.Sprintf("%s/%s/%d", name, at, status), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						f := newFake(t)
						echo := func(w http.ResponseWriter, r *http.Request, _ int) {
							w.Header().Set("X-Request-Id", testSecret)
							if status == 302 {
								w.Header().Set("Location", "https://elsewhere.test/?token="+r.Header.Get("Authorization"))
							}
							reply(w, status, fmt.Sprintf(format, r.Header.Get("Authorization"), testSecret))
						}
						if at == "token" {
							f.token = echo
						} else {
							f.data = echo
						}
						var l logs
						config := f.config()
						config.Logger = l.logger()
						c := mustNew(t, config)
						var err error
						if at == "token_info" {
							_, err = c.TokenInfo(t.Context())
						} else {
							_, err = c.Get(t.Context(), "students", nil)
						}
						everything := l.String() + fmt.Sprintf("%v %+v", err, err)
						if failure, ok := AsFailure(err); ok {
							everything += fmt.Sprintf("%+v %q", *failure, failure.Text())
						}
						for _, secret := range []string{testSecret, "s3cret", "token-1", "token-2", "Basic dG", "dGVzdC1r"} {
							if strings.Contains(everything, secret) {
								t.Errorf("%q is in %s", secret, everything)
							}
						}
					})
				})
			}
		}
	}
}
