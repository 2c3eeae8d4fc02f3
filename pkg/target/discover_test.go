package target

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
)

func TestDiscoverGenerations(t *testing.T) {
	urls := func(data, oauth, dependencies string, more ...string) map[string]any {
		m := map[string]any{"dataManagementApi": data, "oauth": oauth, "dependencies": dependencies}
		for i := 0; i < len(more); i += 2 {
			m[more[i]] = more[i+1]
		}
		return m
	}
	type want struct {
		standard, post, oauth, dependencies, tokens_ string
	}
	const b = "https://ods.test"
	tests := map[string]struct {
		base   string
		root   map[string]any
		config Config
		want   want
	}{
		"5.3 shared, no slash": {
			root: map[string]any{"version": "5.3", "apiMode": "Shared Instance", "dataModels": []any{map[string]string{"name": "Ed-Fi", "version": "3.3.1-b"}},
				"urls": urls(b+"/data/v3", b+"/oauth/token", b+"/metadata/data/v3/dependencies")},
			want: want{"3.3", b + "/data/v3/ed-fi/x", b + "/oauth/token", b + "/metadata/data/v3/dependencies", b + "/oauth/token_info"},
		},
		"6.2 year-specific advertises the calendar year": {
			root: map[string]any{"version": "6.2", "apiMode": "Year Specific", "dataModels": []any{map[string]string{"name": "Ed-Fi", "version": "4.0.0"}},
				"urls": urls(b+"/data/v3/2031", b+"/oauth/token", b+"/metadata/data/v3/2031/dependencies")},
			config: Config{SchoolYear: 2026},
			want:   want{"4.0", b + "/data/v3/2026/ed-fi/x", b + "/oauth/token", b + "/metadata/data/v3/2026/dependencies", b + "/oauth/token_info"},
		},
		"6.2 year below an instance": {
			root: map[string]any{"version": "6.2", "apiMode": "Instance Year Specific", "dataModels": []any{map[string]string{"name": "Ed-Fi", "version": "4.0.0"}},
				"urls": urls(b+"/data/v3/north/2031", b+"/north/oauth/token", b+"/metadata/data/v3/north/2031/dependencies")},
			config: Config{SchoolYear: 2026},
			want:   want{"4.0", b + "/data/v3/north/2026/ed-fi/x", b + "/north/oauth/token", b + "/metadata/data/v3/north/2026/dependencies", b + "/north/oauth/token_info"},
		},
		"5.3 instance and year": {
			root: map[string]any{"version": "5.3", "apiMode": "Instance Year Specific", "dataModels": []any{map[string]string{"name": "Ed-Fi", "version": "3.3.1-b"}},
				"urls": urls(b+"/data/v3/{instance}/2031", b+"/{instance}/oauth/token", b+"/metadata/data/v3/{instance}/2031/dependencies")},
			config: Config{SchoolYear: 2026, Instance: "north side"},
			want: want{"3.3", b + "/data/v3/north%20side/2026/ed-fi/x", b + "/north%20side/oauth/token",
				b + "/metadata/data/v3/north%20side/2026/dependencies", b + "/north%20side/oauth/token_info"},
		},
		"7.3 tenant and year": {
			root: map[string]any{"version": "7.3", "dataModels": []any{map[string]string{"name": "Ed-Fi", "version": "5.2.0"}},
				"urls": urls(b+"/{tenantIdentifier}/{schoolYearFromRoute}/data/v3/", b+"/{tenantIdentifier}/{schoolYearFromRoute}/oauth/token",
					b+"/{tenantIdentifier}/{schoolYearFromRoute}/metadata/data/v3/dependencies")},
			config: Config{SchoolYear: 2026, Instance: "t1"},
			want:   want{"5.2", b + "/t1/2026/data/v3/ed-fi/x", b + "/t1/2026/oauth/token", b + "/t1/2026/metadata/data/v3/dependencies", b + "/t1/2026/oauth/token_info"},
		},
		"7.3 single tenant": {
			root: map[string]any{"version": "7.3", "dataModels": []any{map[string]string{"name": "TPDM", "version": "1.1"}, map[string]string{"name": "Ed-Fi", "version": "5.2.0"}},
				"urls": urls(b+"/data/v3/", b+"/oauth/token", b+"/metadata/data/v3/dependencies", "oauthTokenIntrospection", b+"/oauth/token_info")},
			want: want{"5.2", b + "/data/v3/ed-fi/x", b + "/oauth/token", b + "/metadata/data/v3/dependencies", b + "/oauth/token_info"},
		},
		"7.1 year as a placeholder below a tenant": {
			root: map[string]any{"version": "7.1", "dataModels": []any{map[string]string{"name": "Ed-Fi", "version": "5.0.0"}},
				"urls": urls(b+"/t%201/{schoolYearFromRoute}/data/v3/", b+"/t%201/%7BschoolYearFromRoute%7D/oauth/token",
					b+"/t%201/{schoolYearFromRoute}/metadata/data/v3/dependencies")},
			config: Config{SchoolYear: 2026},
			want: want{"5.0", b + "/t%201/2026/data/v3/ed-fi/x", b + "/t%201/2026/oauth/token",
				b + "/t%201/2026/metadata/data/v3/dependencies", b + "/t%201/2026/oauth/token_info"},
		},
		"DMS below a path base": {
			base: b + "/api/t1",
			root: map[string]any{"version": "1.0.0", "applicationName": "Ed-Fi API", "dataModels": []any{map[string]string{"name": "Ed-Fi", "version": "5.2.0"}},
				"urls": urls(b+"/api/t1/data", b+"/api/t1/oauth/token", b+"/api/t1/metadata/dependencies", "tokenInfo", b+"/api/t1/oauth/token_info")},
			want: want{"5.2", b + "/api/t1/data/ed-fi/x", b + "/api/t1/oauth/token", b + "/api/t1/metadata/dependencies", b + "/api/t1/oauth/token_info"},
		},
		"overrides": {
			root: map[string]any{"version": "7.2", "dataModels": []any{map[string]string{"name": "Ed-Fi", "version": "5.1.0"}},
				"urls": urls("https://internal/{odd}/data/v3/", "https://internal/{odd}/oauth/token", b+"/metadata/dependencies")},
			config: Config{DataURL: "https://dex.example.org/data/v3/{year}/", OAuthURL: "https://dex.example.org/auth", SchoolYear: 2026},
			want:   want{"5.1", "https://dex.example.org/data/v3/2026/ed-fi/x", "https://dex.example.org/auth", b + "/metadata/dependencies", ""},
		},
		"relative addresses": {
			root: map[string]any{"version": "7.2", "dataModels": []any{map[string]string{"name": "Ed-Fi", "version": "5.1.0"}},
				"urls": urls("/data/v3/", "/oauth/token", "/metadata/dependencies")},
			want: want{"5.1", b + "/data/v3/ed-fi/x", b + "/oauth/token", b + "/metadata/dependencies", b + "/oauth/token_info"},
		},
		"a load balancer advertises http for its own host": {
			base: b + ":8443",
			root: map[string]any{"version": "7.2", "dataModels": []any{map[string]string{"name": "Ed-Fi", "version": "5.1.0"}},
				"urls": urls("http://ods.test/data/v3/", "http://ods.test:80/oauth/token", "http://ods.test/metadata/dependencies")},
			want: want{"5.1", b + ":8443/data/v3/ed-fi/x", b + ":8443/oauth/token", b + ":8443/metadata/dependencies", b + ":8443/oauth/token_info"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			config := tt.config
			config.BaseURL, config.ClientID, config.ClientSecret = tt.base, testKey, testSecret
			if tt.base == "" {
				config.BaseURL = b
			}
			config.Transport = memory{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.Count(strings.Trim(r.URL.Path, "/"), "/") <= 1 && r.Method == http.MethodGet && !strings.Contains(r.URL.Path, "metadata") {
					_ = json.NewEncoder(w).Encode(tt.root)
					return
				}
				f.ServeHTTP(w, r)
			})}
			c := mustNew(t, config)
			about, err := c.Discover(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			u, err := c.address(t.Context(), resourcePath("x"))
			if err != nil {
				t.Fatal(err)
			}
			got := want{about.Standard(), u.String(), about.OAuthURL, about.DependenciesURL, about.TokenInfoURL}
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(want{})); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestDiscoverRefuses(t *testing.T) {
	const b = "https://ods.test"
	root := func(version, data, oauth string) string {
		text, _ := json.Marshal(map[string]any{"version": version, "dataModels": []any{map[string]string{"name": "Ed-Fi", "version": "5.1.0"}},
			"urls": map[string]string{"dataManagementApi": data, "oauth": oauth}})
		return string(text)
	}
	tests := map[string]struct {
		config Config
		status int
		body   string // of a redirect: where it leads
		says   string
	}{
		"placeholder that no setting fills": {Config{}, 200, root("7.1", b+"/{tenantIdentifier}/data/v3/", b+"/oauth/token"), "{tenantIdentifier}"},
		"placeholder in the token URL":      {Config{}, 200, root("7.1", b+"/data/v3/", b+"/{odd}/oauth/token"), "{odd}"},
		"year-specific without a year":      {Config{}, 200, root("6.2", b+"/data/v3/2031", b+"/oauth/token"), "Set school_year"},
		"the address is for another year":   {Config{SchoolYear: 2026}, 200, root("7.2", b+"/2025/data/v3/", b+"/2025/oauth/token"), "2025"},
		"plain http to another host":        {Config{}, 200, root("7.2", "http://internal.test/data/v3/", b+"/oauth/token"), "plain http"},
		"no data URL":                       {Config{}, 200, root("7.2", "", b+"/oauth/token"), "data_url"},
		"moved for good":                    {Config{}, 301, "https://new.test/x?secret=1", "https://new.test/x"},
		"moved for good, 308":               {Config{}, 308, "https://new.test/x", "put it into base_url"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			config := tt.config
			config.BaseURL, config.ClientID, config.ClientSecret = b, testKey, testSecret
			config.Transport = memory{http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if tt.status >= 300 {
					w.Header().Set("Location", tt.body)
					tt.body = ""
				}
				reply(w, tt.status, tt.body)
			})}
			_, err := mustNew(t, config).Discover(t.Context())
			f := mustFail(t, err, Setup)
			if !strings.Contains(err.Error(), tt.says) || f.Fix == "" {
				t.Errorf("error %q with fix %q does not say %q", err, f.Fix, tt.says)
			}
		})
	}
}

// A target that is down is not a wrong setting: what stands before it answers with pages, with 401 and with
// 404. A schedule must see that it may try again.
func TestRootDocumentOfATargetThatIsDown(t *testing.T) {
	for name, tt := range map[string]struct {
		status int
		body   string // of a redirect: where it leads
		kind   Kind
		says   string
	}{
		"a page":           {200, "<html><title>Down for maintenance</title></html>", Odd, "maintenance"},
		"a text":           {200, "Down for maintenance", Odd, "no Ed-Fi root document"},
		"other JSON":       {200, `{"status":"maintenance"}`, Odd, "Check base_url, unless the target is just down"},
		"truncated JSON":   {200, `{"version":"7.2","urls":{`, Odd, "no Ed-Fi root document"},
		"nothing":          {200, "", Odd, "no Ed-Fi root document"},
		"no content":       {204, "", Odd, "base_url"},
		"unauthorized":     {401, "", Odd, "Check base_url, unless the target is just down"},
		"forbidden":        {403, "<html>blocked</html>", Odd, "base_url"},
		"nothing there":    {404, "", Odd, "Check base_url, unless the target is just down"},
		"gone":             {410, "", Odd, "base_url"},
		"to a status page": {302, "https://status.test/x?secret=1", Odd, "https://status.test/x"},
		"server":           {500, "", Server, "Try again later"},
		"no gateway":       {502, "<html>", Server, "Try again later"},
		"unavailable":      {503, "", Server, "Try again later"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake(t)
				config := f.config()
				config.Transport = memory{http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					if tt.status >= 300 && tt.status < 400 {
						w.Header().Set("Location", tt.body)
						tt.body = ""
					}
					reply(w, tt.status, tt.body)
				})}
				_, err := mustNew(t, config).Discover(t.Context())
				if failure := mustFail(t, err, tt.kind); !strings.Contains(err.Error(), tt.says) || failure.Fix == "" || strings.Contains(err.Error(), "secret") {
					t.Error(err)
				}
			})
		})
	}
}

// The root document does not decide which hosts get the credential, the token and the records:
// the settings do.
func TestAddressesOfOtherHosts(t *testing.T) {
	const base, other = "https://ods.test", "https://elsewhere.test"
	every := func(t *testing.T, c *Client) map[string]error {
		_, post := c.Post(t.Context(), "students", []byte(`{}`))
		_, documents := c.Documents(t.Context(), ETags{})
		_, info := c.TokenInfo(t.Context())
		_, changes := c.NewestChangeVersion(t.Context())
		return map[string]error{"post": post, "documents": documents, "info": info, "changes": changes}
	}
	tests := map[string]struct {
		elsewhere string // the address in the root document that leads to the other host
		config    Config
		refused   string // the calls that are, and what is to be set
		fix       string
	}{
		"oauth":                        {"oauth", Config{}, "post documents info changes", "oauth_url"},
		"oauth that is set":            {"oauth", Config{OAuthURL: other + "/oauth/token"}, "", ""},
		"data":                         {"dataManagementApi", Config{}, "post documents info changes", "data_url"},
		"data that is set":             {"dataManagementApi", Config{DataURL: other + "/data/v3"}, "", ""},
		"data_url is not for tokens":   {"oauth", Config{DataURL: other + "/data/v3"}, "post documents info changes", "oauth_url"},
		"openApiMetadata":              {"openApiMetadata", Config{}, "documents", "metadata_url"},
		"its host is set":              {"openApiMetadata", Config{DataURL: other + ":443/data/v3"}, "", ""},
		"dependencies":                 {"dependencies", Config{}, "documents", "dependencies_url"},
		"changeQueries":                {"changeQueries", Config{}, "changes", "change_queries_url"},
		"metadata that is set":         {"openApiMetadata", Config{MetadataURL: other + "/metadata/"}, "", ""},
		"dependencies that are set":    {"dependencies", Config{DependenciesURL: other + "/metadata/data/v3/dependencies"}, "", ""},
		"change queries that are":      {"changeQueries", Config{ChangeQueriesURL: other + "/changeQueries/v1"}, "", ""},
		"metadata_url is not for data": {"dataManagementApi", Config{MetadataURL: other + "/metadata/"}, "post documents info changes", "data_url"},
		"token information":            {"oauthTokenIntrospection", Config{}, "info", "oauth_url"},
		"beside the token that is":     {"oauthTokenIntrospection", Config{OAuthURL: base + "/oauth/token"}, "", ""},
		"an entry of the metadata":     {"Descriptors", Config{}, "documents", "metadata_url"},
		"an entry, its host is set":    {"Descriptors", Config{MetadataURL: other + "/metadata/"}, "", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.root = rootDocumentOf(base)
			urls := f.root["urls"].(map[string]string)
			urls["oauthTokenIntrospection"] = base + "/oauth/token_info"
			entry := base
			if tt.elsewhere == "Descriptors" {
				entry = other
			} else {
				urls[tt.elsewhere] = other + strings.TrimPrefix(urls[tt.elsewhere], base)
			}
			f.data = func(w http.ResponseWriter, r *http.Request, _ int) {
				switch {
				case strings.HasSuffix(r.URL.Path, "/metadata/"):
					reply(w, 200, `[{"name":"Resources","endpointUri":"/r"},{"name":"Descriptors","endpointUri":"`+entry+`/d"}]`)
				default:
					reply(w, 200, `{}`)
				}
			}
			config := tt.config
			config.BaseURL, config.ClientID, config.ClientSecret = base, testKey, testSecret
			named := fmt.Sprint(config.overrides())
			config.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
				if r.URL.Host != "ods.test" && !strings.Contains(named, r.URL.Host) {
					t.Errorf("%s is asked", r.URL)
				}
				return memory{f}.RoundTrip(r)
			})
			for call, err := range every(t, mustNew(t, config)) {
				if !strings.Contains(tt.refused, call) {
					if err != nil {
						t.Errorf("%s: %v", call, err)
					}
					continue
				}
				failure := mustFail(t, err, Setup)
				if !strings.Contains(failure.Detail, "the target sends credentials to elsewhere.test") || failure.Fix != "If that is right, set "+tt.fix+"." {
					t.Errorf("%s: %v", call, err)
				}
			}
		})
	}
	for address, want := range map[string]bool{
		"https://ODS.test:443/x": true, "http://ods.test": true, "https://ods.test:8443": false, "https://ods.test.evil": false,
	} {
		u, err := url.Parse(address)
		b, _ := url.Parse(base)
		if err != nil || sameHost(u, b) != want {
			t.Errorf("%s: not %t", address, want)
		}
	}
}

func TestBaseURLOfTheData(t *testing.T) {
	f := newFake(t)
	f.data = func(w http.ResponseWriter, _ *http.Request, _ int) { reply(w, 404, "") }
	config := f.config()
	config.BaseURL += "/data/v3"
	_, err := mustNew(t, config).Discover(t.Context())
	if !strings.Contains(mustFail(t, err, Setup).Fix, "Set base_url to https://ods.test,") {
		t.Error(err)
	}
}

func TestDiscoveryHappensOnce(t *testing.T) {
	roots := 0
	f := newFake(t)
	config := f.config()
	config.Transport = memory{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			roots++
		}
		f.ServeHTTP(w, r)
	})}
	c := mustNew(t, config)
	for range 3 {
		if _, err := c.Post(t.Context(), "students", []byte(`{}`)); err != nil {
			t.Fatal(err)
		}
	}
	if roots != 1 || f.tokens != 1 {
		t.Errorf("%d root documents, %d tokens for three calls", roots, f.tokens)
	}
}

func TestNewRefuses(t *testing.T) {
	good := Config{BaseURL: "https://ods.test/", ClientID: "k", ClientSecret: "s"}
	tests := map[string]func(*Config){
		"http beyond this machine": func(c *Config) { c.BaseURL = "http://ods.test" },
		"no scheme":                func(c *Config) { c.BaseURL = "ods.test" },
		"another scheme":           func(c *Config) { c.BaseURL = "ftp://ods.test" },
		"no address":               func(c *Config) { c.BaseURL = "" },
		"user in the address":      func(c *Config) { c.BaseURL = "https://user:pass@ods.test" },
		"placeholder":              func(c *Config) { c.BaseURL = "https://ods.test/{tenant}" },
		"no secret":                func(c *Config) { c.ClientSecret = "" },
		"key with a colon":         func(c *Config) { c.ClientID = "k:s" },
		"http override":            func(c *Config) { c.OAuthURL = "http://ods.test/oauth/token" },
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			config := good
			change(&config)
			_, err := New(config)
			if mustFail(t, err, Setup).Fix == "" {
				t.Error("does not say what to do")
			}
			if strings.Contains(err.Error(), "pass") {
				t.Error("shows the password")
			}
		})
	}
	for _, base := range []string{"http://localhost:8080", "http://127.0.0.1", "http://[::1]:1", "https://x"} {
		config := good
		config.BaseURL = base
		if _, err := New(config); err != nil {
			t.Error(base, err)
		}
	}
	good.BaseURL, good.AllowHTTP = "http://ods.test", true
	if _, err := New(good); err != nil {
		t.Error(err)
	}
}

func TestPlainHTTPIsNoted(t *testing.T) {
	f := newFake(t)
	f.base = "http://ods.test"
	config := f.config()
	config.AllowHTTP = true
	about, err := mustNew(t, config).Discover(t.Context())
	if err != nil || len(about.Notes) != 1 || !strings.Contains(about.Notes[0], "plain http") {
		t.Error(about, err)
	}
}

// With every address by hand, a root document that is missing, or leads elsewhere, is in nobody's way; a target
// that is down stays down, and without one of the addresses the root document is needed.
func TestEveryAddressByHand(t *testing.T) {
	const base, own = "https://ods.test/api", "https://gate.test/x"
	full := Config{DataURL: own + "/data/v3/", OAuthURL: own + "/oauth/token", MetadataURL: own + "/meta", DependenciesURL: own + "/deps", ChangeQueriesURL: own + "/changes"}
	less := full
	less.DependenciesURL = ""
	wrong, _ := json.Marshal(rootDocumentOf("https://wrong.test/{odd}"))
	for name, tt := range map[string]struct {
		config Config
		status int
		body   string
		kind   Kind // "": it works
		notes  string
	}{
		"missing":            {full, 404, "", "", "404"},
		"forbidden":          {full, 403, "<html>no</html>", "", "403"},
		"a page":             {full, 200, "<html>Welcome</html>", "", "a web page came"},
		"without addresses":  {full, 200, `{"version":"7.2"}`, "", "no Ed-Fi root document"},
		"to another host":    {full, 302, "", "", "302"},
		"leads elsewhere":    {full, 200, string(wrong), "", ""},
		"the target is down": {full, 503, "", Server, ""},
		"one is not given":   {less, 404, "", Odd, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake(t)
				f.data = func(w http.ResponseWriter, r *http.Request, _ int) {
					answer := `{}`
					if r.URL.Path == "/x/meta" {
						answer = `[{"name":"Resources","endpointUri":"r"},{"name":"Descriptors","endpointUri":"d"}]`
					}
					reply(w, 200, answer)
				}
				config := tt.config
				config.BaseURL, config.ClientID, config.ClientSecret = base, testKey, testSecret
				config.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
					switch r.URL.Host {
					case "ods.test":
						return memory{http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
							w.Header().Set("Location", "https://elsewhere.test/")
							reply(w, tt.status, tt.body)
						})}.RoundTrip(r)
					case "gate.test":
						return memory{f}.RoundTrip(r)
					}
					t.Errorf("%s is asked", r.URL)
					return nil, io.EOF
				})
				c := mustNew(t, config)
				about, err := c.Discover(t.Context())
				if tt.kind != "" {
					mustFail(t, err, tt.kind)
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				_, posted := c.Post(t.Context(), "students", []byte(`{}`))
				_, documents := c.Documents(t.Context(), ETags{})
				_, changes := c.NewestChangeVersion(t.Context())
				if documents != nil || changes != nil {
					t.Errorf("%v, %v", documents, changes)
				}
				if posted != nil && !IsKind(posted, Odd) { // the fake's {} is no answer to a record
					t.Error(posted)
				}
				want := []string{"/x/data/v3/ed-fi/students", "/x/meta", "/x/r", "/x/d", "/x/deps", "/x/changes/availableChangeVersions"}
				for _, path := range want {
					if !slices.ContainsFunc(f.log, func(l string) bool { return strings.HasSuffix(l, " "+path) }) {
						t.Errorf("%s was not asked: %v", path, f.log)
					}
				}
				if notes := strings.Join(about.Notes, "; "); !strings.Contains(notes, tt.notes) || (tt.notes == "") == strings.Contains(notes, "cannot be used") {
					t.Error(notes)
				}
			})
		})
	}
}
