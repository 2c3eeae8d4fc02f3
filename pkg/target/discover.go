package target

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// About is what a target says of itself, with its addresses made concrete. An address that the
// target does not offer is "".
type About struct {
	Version      string   // of the API: "7.2"
	Mode         string   // 5 and 6: "Shared Instance", "Year Specific" …
	DataStandard string   // version of the data model "Ed-Fi" as listed: "3.3.1-b", "5.1.0"
	Extensions   []string // other data models with their versions: "TPDM 1.1.0"
	Service      bool     // it is a Data Management Service, not an ODS/API

	DataURL          string
	OAuthURL         string
	DependenciesURL  string
	OpenAPIURL       string
	TokenInfoURL     string
	ChangeQueriesURL string

	Notes []string  // what the user should know, a sentence each
	Clock time.Time // the target's, when it answered; zero if it did not say

	missing map[string]*Failure // why an address is ""
}

// Standard is the data standard as major.minor: "5.1".
func (a *About) Standard() string {
	return majorMinor.FindString(a.DataStandard)
}

var majorMinor = regexp.MustCompile(`^\d+(\.\d+)?`)

// rootDocument is the root of an Ed-Fi API, all generations together.
type rootDocument struct {
	Version    string `json:"version"`
	Suite      string `json:"suite"` // of an ODS/API: "3"
	APIMode    string `json:"apiMode"`
	DataModels []struct {
		Name    string `json:"name"` // "Ed-Fi", "TPDM"
		Version string `json:"version"`
	} `json:"dataModels"`
	URLs     map[string]string `json:"urls"`
	date     time.Time
	unusable *Failure // there is none, and the settings name every address
}

// standard is the version of the data standard that the document names; "" if it names none.
func (r *rootDocument) standard() (version string) {
	for _, m := range r.DataModels {
		if strings.EqualFold(m.Name, "Ed-Fi") {
			version = m.Version
		}
	}
	return version
}

// extensions are the data models beside the standard's own.
func (r *rootDocument) extensions() (all []string) {
	for _, m := range r.DataModels {
		if !strings.EqualFold(m.Name, "Ed-Fi") {
			all = append(all, strings.TrimSpace(m.Name+" "+m.Version))
		}
	}
	return all
}

// Discover reads the root document and makes the target's addresses concrete. The first success
// is kept for the life of the client; every other call does this by itself when it is needed.
func (c *Client) Discover(ctx context.Context) (*About, error) {
	if about := c.about.Load(); about != nil {
		return about, nil
	}
	if c.discovering.lock(ctx) != nil {
		return nil, interruption(ctx, "GET root document")
	}
	defer c.discovering.unlock()
	if about := c.about.Load(); about != nil {
		return about, nil
	}
	root, err := c.rootDocument(ctx)
	f, failed := AsFailure(err)
	switch {
	case failed && c.needsNoRoot(f):
		root = &rootDocument{unusable: f}
	case err != nil:
		return nil, err
	}
	about, err := c.settle(root)
	if err != nil {
		return nil, err
	}
	c.about.Store(about)
	c.log.Debug("target discovered", "version", about.Version, "data_standard", about.DataStandard, "data_url", about.DataURL)
	return about, nil
}

// needsNoRoot reports whether all that is needed stands in the settings, and the answer, which came, is of no
// use. A target that is down, or cannot be reached, is not entered by another way.
func (c *Client) needsNoRoot(f *Failure) bool {
	s := &c.config
	return (f.Kind == Setup || f.Kind == Odd) && s.DataURL != "" && s.OAuthURL != "" && s.MetadataURL != "" && s.DependenciesURL != ""
}

// rootDocument fetches the root with a slash at the end, as an application below a path wants it,
// and without where that is not found.
func (c *Client) rootDocument(ctx context.Context) (*rootDocument, error) {
	addresses := []string{join(c.base.String(), "")}
	if strings.Trim(c.base.Path, "/") != "" {
		addresses = append(addresses, c.BaseURL())
	}
	var failure error
	for _, address := range addresses {
		a, err := c.readCall("root document", address)
		if err != nil {
			return nil, err
		}
		a.anonymous = true
		answer, err := a.do(ctx)
		if err == nil {
			var root rootDocument
			if json.Unmarshal(answer.body, &root) != nil || len(root.URLs) == 0 {
				f := a.unreadable(answer)
				f.Detail = "there is no Ed-Fi root document at " + c.BaseURL()
				_, f.Fix = c.rootFix()
				return nil, f
			}
			root.date, _ = http.ParseTime(answer.header.Get("Date"))
			return &root, nil
		}
		failure = err
		if f, ok := AsFailure(err); ok {
			c.judgeRoot(f)
		}
		if f, ok := AsFailure(err); !ok || f.Status != http.StatusNotFound {
			break
		}
	}
	return nil, failure
}

// judgeRoot tells a wrong address from a target that is down. What stands before a target that is down
// answers with pages, with 401 and with 404: only what names the right address, or an address of the data,
// proves the settings wrong.
func (c *Client) judgeRoot(f *Failure) {
	ofData, fix := c.rootFix()
	switch {
	case f.Kind == Transport, f.Kind == Server, f.Kind == TooMany, f.Status >= 200 && f.Status < 300:
		return
	case f.Status == http.StatusMovedPermanently, f.Status == http.StatusPermanentRedirect:
		f.Kind = Setup
	case f.Status >= 300 && f.Status < 400: // the advice that it comes with names the address
	case ofData:
		f.Kind, f.Fix = Setup, fix
	default:
		f.Kind, f.Fix = Odd, fix
		if c.identifying.Load() && c.config.Certificate == nil && wantsCertificate[f.Status] {
			f.Detail, f.Fix = "the host asked for a client certificate, and none is given", noCertificateFix
		}
	}
}

// wantsCertificate are the statuses with which nginx and IIS refuse a call without a client certificate.
var wantsCertificate = map[int]bool{http.StatusBadRequest: true, http.StatusForbidden: true, 495: true, 496: true}

var dataPath = regexp.MustCompile(`(?i)/(data(/v3)?|metadata|oauth/token)(/.*)?$`)

// rootFix says where the root document is to be looked for, and whether base_url is an address of the data.
func (c *Client) rootFix() (ofData bool, fix string) {
	if above := dataPath.ReplaceAllString(c.BaseURL(), ""); above != c.BaseURL() {
		return true, "Set base_url to " + above + ", the address of the root document, not of the data."
	}
	return false, "Check base_url, unless the target is just down: opened in a browser, it shows the API's version and its urls."
}

// settle turns the root document into addresses that can be used, and refuses what it cannot.
func (c *Client) settle(root *rootDocument) (*About, error) {
	urls := lowerCased(root.URLs)
	a := &About{Version: root.Version, Mode: root.APIMode, DataStandard: root.standard(), Extensions: root.extensions(), Clock: root.date,
		Service: root.Suite == "" && urls["tokeninfo"] != "", missing: map[string]*Failure{}}
	if f := root.unusable; f != nil {
		a.Notes = append(a.Notes, "the target's root document cannot be used ("+f.Summary()+"); the addresses are those of the settings")
	}
	if a.DataStandard == "" {
		a.Notes = append(a.Notes, "the target does not say which version of the data standard it has")
	}
	if c.config.DataURL == "" {
		if err := c.chooseYear(a, urls); err != nil {
			return nil, err
		}
	}
	upgraded := false
	// resolve makes one address concrete; what cannot be is remembered with its reason. setting may
	// name another host than base_url's for it; own is what it says, and also are further addresses
	// that were written for this purpose.
	resolve := func(name, advertised, setting, own string, also ...string) string {
		address, field := advertised, "the root document's "+name+" URL"
		if own != "" {
			address, field = own, setting
		}
		if address == "" {
			return ""
		}
		address = c.config.fill(address)
		if u, err := c.base.Parse(address); err == nil {
			upgraded = field != setting && c.upgraded(u) || upgraded
			address = u.String()
		}
		u, err := c.checkAddress(field, address)
		if err == nil {
			err = c.vouched(field, u, setting, append(also, own)...)
		}
		if f, ok := AsFailure(err); ok {
			a.missing[name] = f
			return ""
		}
		return u.String()
	}
	s := &c.config
	a.DataURL = resolve("data", urls["datamanagementapi"], "data_url", s.DataURL)
	a.DependenciesURL = resolve("dependencies", urls["dependencies"], "dependencies_url", s.DependenciesURL, s.DataURL)
	a.OpenAPIURL = resolve("openApiMetadata", urls["openapimetadata"], "metadata_url", s.MetadataURL, s.DataURL)
	a.ChangeQueriesURL = resolve("changeQueries", urls["changequeries"], "change_queries_url", s.ChangeQueriesURL, s.DataURL)
	a.OAuthURL = resolve("oauth", urls["oauth"], "oauth_url", s.OAuthURL)
	a.TokenInfoURL = resolve("tokenInfo", cmp.Or(urls["tokeninfo"], urls["oauthtokenintrospection"]), "oauth_url", "", s.OAuthURL)
	if a.TokenInfoURL == "" && (a.missing["tokenInfo"] == nil || c.config.OAuthURL != "") {
		a.TokenInfoURL = defaultTokenInfoURL(a.OAuthURL)
	}
	if err := a.checkNeeded(); err != nil {
		return nil, err
	}
	if upgraded {
		a.Notes = append(a.Notes, "the target advertises http addresses for its own host; https is used, as in base_url")
	}
	if u, err := url.Parse(a.DataURL); err == nil && u.Scheme == "http" && !isLoopback(u.Hostname()) {
		a.Notes = append(a.Notes, "the target is reached over plain http: secret and records travel unencrypted (allow_http)")
	}
	return a, nil
}

// checkNeeded refuses a target without one of the addresses that every call needs.
func (a *About) checkNeeded() error {
	for _, need := range []struct{ name, address, setting string }{{"data", a.DataURL, "data_url"}, {"oauth", a.OAuthURL, "oauth_url"}} {
		switch f := a.missing[need.name]; {
		case f != nil:
			return f
		case need.address == "":
			return setup("the root document names no "+need.name+" URL", "Set "+need.setting+".")
		}
	}
	return nil
}

// chooseYear makes the addresses those of the configured school year. A year-specific target of
// generation 5 or 6 advertises the current calendar year after /data/v3, which is hardly ever the
// one that is meant; from 7 on the year stands before /data, where base_url put it.
func (c *Client) chooseYear(a *About, urls map[string]string) error {
	year := ""
	if c.config.SchoolYear != 0 {
		year = strconv.Itoa(c.config.SchoolYear)
	}
	data := urls["datamanagementapi"]
	before, after, _ := strings.Cut(data, "/data")
	advertised, calendar := yearsIn(before), yearsIn(after)
	yearSpecific := strings.Contains(strings.ToLower(a.Mode), "year")
	switch {
	case len(calendar) > 0:
		last := calendar[len(calendar)-1]
		if year == "" {
			return setup("the target keeps each school year apart, and no school year is set",
				"Set school_year (the target itself suggests "+last+", the calendar year).")
		}
		for name, address := range urls {
			urls[name] = withYear(address, last, year)
		}
	case len(advertised) > 0 && year != "" && !slices.Contains(advertised, year):
		return setup(fmt.Sprintf("school_year is %s, but the target's data URL is for %s", year, strings.Join(advertised, ", ")),
			"Set base_url and school_year to the same year.")
	case len(advertised) == 0 && year != "" && !placeholders.MatchString(data):
		a.Notes = append(a.Notes, "school_year is set, but the target does not keep school years apart")
	case yearSpecific && year == "" && !placeholders.MatchString(data):
		return setup("the target keeps each school year apart, and no school year is set", "Set school_year.")
	}
	return nil
}

// readCall is a call that reads something small at an address that the target gave; name is for messages.
func (c *Client) readCall(name, address string) (*call, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, setup("the address of the "+name+" cannot be read", "Check base_url.")
	}
	return &call{client: c, method: http.MethodGet, url: u, resource: name, most: maxSmall}, nil
}

// unreadable is a success that does not hold what it should.
func (a *call) unreadable(answer *answer) *Failure {
	f := answerFailure(answer.status, answer.header, nil)
	f.Kind, f.Body = Odd, excerpt(answer.body, false)
	f.Detail = "the answer could not be read"
	f.Fix = "Check base_url, and any proxy in between."
	return a.finished(f)
}

// notOffered is a failure to use an address, by its name, that the target does not have.
func (a *About) notOffered(what, name string) error {
	if f := a.missing[name]; f != nil {
		return f
	}
	return &Failure{Kind: NotFound, Method: http.MethodGet, Resource: what, Detail: "the target does not offer " + what, Err: ErrNotOffered}
}
