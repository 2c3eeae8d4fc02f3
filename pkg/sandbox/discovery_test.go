package sandbox_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluice-edfi/sluice/pkg/sandbox"
	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/schemas"
)

func unmarshal(t *testing.T, data []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatalf("%v: %.200s", err, data)
	}
}

// root is the root document as a client reads it.
type root struct {
	Version    string
	DataModels []struct{ Name, Version string }
	URLs       map[string]string `json:"urls"`
}

func TestRoot(t *testing.T) {
	a := start(t, options(t))
	var got root
	unmarshal(t, a.get(a.url, "Authorization", "").body, &got)
	if got.Version != "7.2" || got.DataModels[0].Name != "Ed-Fi" || got.DataModels[0].Version != "5.1.0" {
		t.Errorf("%+v", got)
	}
	for _, name := range []string{"dependencies", "openApiMetadata", "oauth", "dataManagementApi", "changeQueries"} {
		if !strings.HasPrefix(got.URLs[name], a.url+"/") {
			t.Errorf("%s: %q", name, got.URLs[name])
		}
	}
	if r := a.get(got.URLs["dataManagementApi"] + "ed-fi/students?limit=1"); r.status != http.StatusOK {
		t.Error(r.status)
	}
}

func TestRouteContext(t *testing.T) {
	o := options(t)
	o.Context = "2026"
	a := start(t, o)
	var got root
	unmarshal(t, a.get(a.url).body, &got)
	if got.URLs["oauth"] != a.url+"/{schoolYearFromRoute}/oauth/token" {
		t.Error(got.URLs)
	}
	unmarshal(t, a.get(a.url+"/2026/").body, &got)
	if got.URLs["oauth"] != a.url+"/2026/oauth/token" {
		t.Error(got.URLs)
	}
	r := a.call(http.MethodPost, got.URLs["oauth"], `{"grant_type":"client_credentials","client_id":"sandbox","client_secret":"sandbox-secret"}`, "Authorization", "")
	var token struct {
		Token string `json:"access_token"`
	}
	unmarshal(t, r.body, &token)
	a.token = token.Token
	if r := a.get(got.URLs["dataManagementApi"] + "ed-fi/students?limit=1"); r.status != http.StatusOK {
		t.Error(r.status)
	}
	a.get("students").wants(t, 404, "not-found")
	if loc := a.call(http.MethodPost, got.URLs["dataManagementApi"]+"ed-fi/assessments", assessment).header.Get("Location"); !strings.HasPrefix(loc, a.url+"/2026/data/v3/ed-fi/assessments/") {
		t.Error(loc)
	}
}

func TestListing(t *testing.T) {
	a := start(t, options(t))
	var list []struct{ Name, EndpointURI, Prefix string }
	unmarshal(t, a.get(a.url+"/metadata/").body, &list)
	names := []string{}
	for _, l := range list {
		names = append(names, l.Name)
		if r := a.get(l.EndpointURI, "Authorization", ""); r.status != http.StatusOK {
			t.Errorf("%s: %d", l.EndpointURI, r.status)
		}
	}
	if !slices.Contains(names, "Resources") || !slices.Contains(names, "Descriptors") {
		t.Error(names)
	}
}

func TestDocumentIsCached(t *testing.T) {
	a := start(t, options(t))
	u := a.url + "/metadata/data/v3/resources/swagger.json"
	r := a.get(u, "Accept-Encoding", "identity")
	tag := r.header.Get("ETag")
	if again := a.get(u, "If-None-Match", tag); again.status != http.StatusNotModified || len(again.body) != 0 {
		t.Errorf("%d, %d bytes", again.status, len(again.body))
	}
	packed := a.get(u, "Accept-Encoding", "gzip")
	z, err := gzip.NewReader(bytes.NewReader(packed.body))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(z); err != nil || !bytes.Equal(got, r.body) {
		t.Error("another document", err)
	}
	b := start(t, options(t)) // another address
	if got := b.get(b.url+"/metadata/data/v3/resources/swagger.json", "Accept-Encoding", "identity"); got.header.Get("ETag") != tag {
		t.Error("the document depends on the address")
	}
}

// What a client derives from the documents is what the server works by.
func TestDocumentsDescribeTheStandard(t *testing.T) {
	for _, version := range schema.Versions(schemas.FS) {
		t.Run(version, func(t *testing.T) {
			std, err := schema.Load(schemas.FS, version)
			if err != nil {
				t.Fatal(err)
			}
			describes(t, std)
		})
	}
}

func describes(t *testing.T, std *schema.Standard) {
	a := start(t, sandbox.Options{Standard: std})
	meta := a.url + "/metadata/data/v3/"
	got, err := schema.FromOpenAPI(schema.Documents{
		Resources:    [][]byte{a.get(meta+"resources/swagger.json", "Accept-Encoding", "identity").body},
		Descriptors:  [][]byte{a.get(meta+"descriptors/swagger.json", "Accept-Encoding", "identity").body},
		Dependencies: a.get(meta + "dependencies").body,
		Version:      std.Version,
	})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.Names(), std.Names()) {
		t.Fatal("other endpoints")
	}
	for _, name := range std.Names() {
		want, _ := std.Resource(name)
		have, _ := got.Resource(name)
		if w, h := fmt.Sprint(want.Identity), fmt.Sprint(have.Identity); w != h {
			t.Errorf("%s: key\n%s, want\n%s", name, h, w)
		}
		if want.KeyUpdates != have.KeyUpdates || want.Order != have.Order && name != "schoolYearTypes" {
			t.Errorf("%s: key updates %v, order %d; want %v, %d", name, have.KeyUpdates, have.Order, want.KeyUpdates, want.Order)
		}
		if w, h := fmt.Sprint(want.Equal), fmt.Sprint(have.Equal); w != h {
			t.Errorf("%s: equal\n%s, want\n%s", name, h, w)
		}
		sameObject(t, name, want.Root, have.Root)
	}
}

// sameObject compares what the documents can say of an object.
func sameObject(t *testing.T, path string, want, have *schema.Object) {
	t.Helper()
	for _, w := range want.Properties {
		h, at := have.ByName[w.Name], path+"."+w.Name
		if h == nil {
			t.Errorf("%s is missing", at)
			continue
		}
		if w.Kind != h.Kind || w.Required != h.Required || !strings.EqualFold(w.Descriptor, h.Descriptor) || w.MaxLength != h.MaxLength ||
			w.MinLength != h.MinLength || w.Int64 != h.Int64 || bound(w.Minimum) != bound(h.Minimum) || bound(w.Maximum) != bound(h.Maximum) {
			t.Errorf("%s: %+v, want %+v", at, h, w)
		}
		if w, h := fmt.Sprint(w.ItemKey), fmt.Sprint(h.ItemKey); w != h {
			t.Errorf("%s: unique by %s, want %s", at, h, w)
		}
		if (w.Object == nil) != (h.Object == nil) {
			t.Errorf("%s: object %v, want %v", at, h.Object, w.Object)
		} else if w.Object != nil {
			sameObject(t, at, w.Object, h.Object)
		}
	}
	if len(have.Properties) != len(want.Properties) {
		t.Errorf("%s has %d properties, want %d", path, len(have.Properties), len(want.Properties))
	}
	if (want.Reference == nil) != (have.Reference == nil) || want.Reference != nil && fmt.Sprint(want.Reference.Targets, want.Reference.Abstract) != fmt.Sprint(have.Reference.Targets, have.Reference.Abstract) {
		t.Errorf("%s: reference %v, want %v", path, have.Reference, want.Reference)
	}
}

func bound(p *float64) string {
	if p == nil {
		return ""
	}
	return fmt.Sprint(*p)
}

// The parameters that name the keys are those of an ODS.
func TestThirdPartyIdentityParameters(t *testing.T) {
	path := filepath.FromSlash("../../../shared/openapi/ds-5.1-resources.json.gz")
	f, err := os.Open(path)
	if err != nil {
		t.Skipf("Ed-Fi's document of Data Standard 5.1 is not part of this repository: %v", err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	a := start(t, options(t))
	mine := identityParameters(t, a.get(a.url+"/metadata/data/v3/resources/swagger.json", "Accept-Encoding", "identity").body)
	known := []string{"/ed-fi/courseTranscripts", "/ed-fi/staffProgramAssociations"} // names that follow from no rule
	for resource, want := range identityParameters(t, data) {
		if got := mine[resource]; !slices.Equal(got, want) && !slices.Contains(known, resource) {
			t.Errorf("%s: %v, ODS %v", resource, got, want)
		}
	}
}

func identityParameters(t *testing.T, document []byte) map[string][]string {
	t.Helper()
	var d struct {
		Paths map[string]struct {
			Get struct {
				Parameters []struct {
					Name     string
					Identity bool `json:"x-Ed-Fi-isIdentity"`
				}
			}
		}
	}
	unmarshal(t, document, &d)
	out := map[string][]string{}
	for path, p := range d.Paths {
		if strings.Contains(path, "{") {
			continue
		}
		names := []string{}
		for _, q := range p.Get.Parameters {
			if q.Identity {
				names = append(names, q.Name)
			}
		}
		slices.Sort(names)
		out[path] = names
	}
	return out
}

func TestDependencies(t *testing.T) {
	a := start(t, options(t))
	var list []struct {
		Resource   string
		Order      int
		Operations []string
	}
	unmarshal(t, a.get(a.url+"/metadata/data/v3/dependencies", "Authorization", "").body, &list)
	orders := map[string]int{}
	for _, d := range list {
		for _, op := range d.Operations {
			orders[d.Resource+" "+op] = d.Order
		}
	}
	if _, ok := orders["/ed-fi/schoolYearTypes Create"]; ok {
		t.Error("schoolYearTypes are installed, not loaded")
	}
	for _, pair := range [][2]string{
		{"/ed-fi/gradeLevelDescriptors Create", "/ed-fi/assessments Create"},
		{"/ed-fi/assessments Create", "/ed-fi/studentAssessments Create"},
		{"/ed-fi/students Create", "/ed-fi/studentSchoolAssociations Create"},
		{"/ed-fi/studentSchoolAssociations Create", "/ed-fi/students Update"},
		{"/ed-fi/studentContactAssociations Create", "/ed-fi/contacts Update"},
	} {
		if orders[pair[0]] == 0 || orders[pair[0]] >= orders[pair[1]] {
			t.Errorf("%s at %d, %s at %d", pair[0], orders[pair[0]], pair[1], orders[pair[1]])
		}
	}
}

func TestGraphML(t *testing.T) {
	a := start(t, options(t))
	r := a.get(a.url+"/metadata/data/v3/dependencies", "Accept", "application/graphml")
	var g struct {
		Graph struct {
			ID    string `xml:"id,attr"`
			Nodes []struct {
				ID string `xml:"id,attr"`
			} `xml:"node"`
			Edges []struct {
				Source string `xml:"source,attr"`
				Target string `xml:"target,attr"`
			} `xml:"edge"`
		} `xml:"graph"`
	}
	if err := xml.Unmarshal(r.body, &g); err != nil {
		t.Fatal(err)
	}
	if len(g.Graph.Nodes) < 300 || len(g.Graph.Edges) < 800 || g.Graph.ID != "EdFi Dependencies" {
		t.Errorf("%d nodes, %d edges", len(g.Graph.Nodes), len(g.Graph.Edges))
	}
	open := map[string]int{} // what still waits for how many
	after := map[string][]string{}
	for _, e := range g.Graph.Edges {
		open[e.Target]++
		after[e.Source] = append(after[e.Source], e.Target)
	}
	var ready []string
	for _, n := range g.Graph.Nodes {
		if open[n.ID] == 0 {
			ready = append(ready, n.ID)
		}
	}
	done := 0
	for ; len(ready) > 0; done++ {
		var n string
		n, ready = ready[0], ready[1:]
		for _, m := range after[n] {
			if open[m]--; open[m] == 0 {
				ready = append(ready, m)
			}
		}
	}
	if done != len(g.Graph.Nodes) {
		t.Errorf("the graph has a cycle: %d of %d", done, len(g.Graph.Nodes))
	}
}

func TestToken(t *testing.T) {
	o := options(t)
	o.TokenTTL = 90 * time.Second
	a := start(t, o)
	basic := "Basic c2FuZGJveDpzYW5kYm94LXNlY3JldA=="
	const grant = "grant_type=client_credentials"
	const inBody = "&client_id=sandbox&client_secret=sandbox-secret"
	for name, c := range map[string]struct {
		auth, body, media string
		status            int
		code              string
	}{
		"basic":           {basic, grant, "", 200, ""},
		"body":            {"", grant + inBody, "", 200, ""},
		"any case":        {basic, "grant_type=CLIENT_CREDENTIALS", "", 200, ""},
		"json":            {"", `{"grant_type":"client_credentials","client_id":"sandbox","client_secret":"sandbox-secret"}`, "application/json", 200, ""},
		"both":            {basic, grant + inBody, "", 400, "invalid_client"},
		"wrong secret":    {"", grant + "&client_id=sandbox&client_secret=x", "", 401, "invalid_client"},
		"wrong key":       {"", grant + "&client_id=x&client_secret=sandbox-secret", "", 401, "invalid_client"},
		"none":            {"", grant, "", 401, "invalid_request"},
		"undecodable":     {"Basic ???", grant, "", 400, "invalid_request"},
		"other scheme":    {"Bearer x", grant, "", 401, "invalid_client"},
		"other grant":     {basic, "grant_type=password", "", 400, "unsupported_grant_type"},
		"no content type": {basic, grant, "text/plain", 415, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if c.media == "" {
				c.media = "application/x-www-form-urlencoded"
			}
			r := a.call(http.MethodPost, a.url+"/oauth/token", c.body, "Authorization", c.auth, "Content-Type", c.media)
			var got struct {
				Error     string
				Token     string `json:"access_token"`
				ExpiresIn int    `json:"expires_in"`
				Type      string `json:"token_type"`
			}
			unmarshal(t, r.body, &got)
			if r.status != c.status || got.Error != c.code {
				t.Fatalf("%d %s", r.status, r.body)
			}
			if r.status == 200 && (len(got.Token) != 32 || got.ExpiresIn != 90 || got.Type != "bearer") {
				t.Errorf("%s", r.body)
			}
			if bytes.Contains(r.body, []byte("sandbox-secret")) {
				t.Error("the secret comes back")
			}
		})
	}
}

func TestTokenEnds(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	o := options(t)
	o.Now = func() time.Time { return now }
	o.TokenCalls = 2
	o.TokenLimit = 3
	a := start(t, o)
	for range 2 {
		if r := a.get("students?limit=1"); r.status != http.StatusOK {
			t.Fatal(r.status)
		}
	}
	a.get("students?limit=1").wants(t, 401, "security:authentication")
	a.login(sandbox.Key, sandbox.Secret)
	now = now.Add(31 * time.Minute)
	a.get("students?limit=1").wants(t, 401, "security:authentication")
	for range 3 {
		a.login(sandbox.Key, sandbox.Secret)
	}
	a.call(http.MethodPost, a.url+"/oauth/token", "grant_type=client_credentials&client_id=sandbox&client_secret=sandbox-secret",
		"Authorization", "", "Content-Type", "application/x-www-form-urlencoded").wants(t, 429, "security:authentication:too-many-tokens")
	a.server.ExpireTokens()
	a.get("students?limit=1").wants(t, 401, "security:authentication")
}

func TestTokenInfo(t *testing.T) {
	o := options(t)
	o.Clients = []sandbox.Client{{Key: sandbox.Key, Secret: sandbox.Secret, ClaimSet: "Vendor", Namespaces: []string{"uri://acme.org"},
		Deny: []sandbox.Denial{{Resource: "schools"}, {Resource: "students", Actions: []sandbox.Action{sandbox.Delete}}}}}
	a := start(t, o)
	u := a.url + "/oauth/token_info"
	r := a.call(http.MethodPost, u, "token="+a.token, "Content-Type", "application/x-www-form-urlencoded")
	var got struct {
		Active     bool
		ClientID   string                `json:"client_id"`
		Namespaces []string              `json:"namespace_prefixes"`
		ClaimSet   struct{ Name string } `json:"claim_set"`
		Resources  []struct {
			Resource   string
			Operations []string
		}
	}
	unmarshal(t, r.body, &got)
	if !got.Active || got.ClientID != sandbox.Key || !slices.Equal(got.Namespaces, []string{"uri://acme.org"}) || got.ClaimSet.Name != "Vendor" {
		t.Errorf("%.300s", r.body)
	}
	may := map[string][]string{}
	for _, x := range got.Resources {
		may[x.Resource] = x.Operations
	}
	if may["/ed-fi/schools"] != nil || !slices.Equal(may["/ed-fi/students"], []string{"Create", "Read", "Update"}) {
		t.Error(may["/ed-fi/schools"], may["/ed-fi/students"])
	}
	if r := a.call(http.MethodPost, u, `{"token":"`+a.token+`"}`); r.status != http.StatusOK {
		t.Error(r.status)
	}
	a.call(http.MethodPost, u, `{"token":"other"}`).wants(t, 400, "bad-request")
	a.call(http.MethodPost, u, `{"token":"x"}`, "Authorization", "").wants(t, 401, "security:authentication")
}
