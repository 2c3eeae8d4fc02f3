package validate

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/pkg/target"
)

// api is a target that said who it is.
type api struct {
	asker
	standard *schema.Standard
	cache    *cache
	target   runs.Target
	prefixes []string // folded namespaces that the credential is for
}

// connect asks the target what it is and what it accepts, as far as the cache does not know.
func connect(ctx context.Context, o Options) (*api, error) {
	o = o.withDefaults()
	about, err := o.Client.Discover(ctx)
	if err != nil {
		return nil, notAsked(err)
	}
	t := o.Target
	t.APIVersion, t.DataStandard = about.Version, about.Standard()
	if t.BaseURL == "" {
		t.BaseURL = o.Client.BaseURL()
	}
	if o.Run != nil {
		if err := guardStandard(o.Run, t.DataStandard, true); err != nil {
			return nil, err
		}
	}
	c := openCache(o.CacheDir, o.Now, o.Logger, t.Identity, t.BaseURL, t.ClientID, about.Version, about.DataStandard)
	prefixes, err := credential(ctx, o.Client)
	if err != nil {
		return nil, err
	}
	docs, err := documents(ctx, o.Client, c)
	if err != nil {
		return nil, err
	}
	docs.Version = t.DataStandard
	std, err := schema.FromOpenAPI(docs)
	if err != nil {
		return nil, diag.FailWith(err, diag.CouldNotRun, diag.TargetOdd, "check that the address is the API's, and that it serves its OpenAPI documents",
			"what the target says of its resources cannot be used")
	}
	return &api{asker: o.Client, standard: std, cache: c, target: t, prefixes: prefixes}, nil
}

// credential makes sure that the target takes the credential, whatever the cache knows, and asks
// which namespaces it is for.
func credential(ctx context.Context, client *target.Client) ([]string, error) {
	info, err := client.TokenInfo(ctx)
	if err == nil {
		prefixes := make([]string, 0, len(info.NamespacePrefixes))
		for _, p := range info.NamespacePrefixes {
			prefixes = append(prefixes, fold(p))
		}
		return prefixes, nil
	}
	if f, ok := target.AsFailure(err); !ok || f.Kind == target.Auth || f.Kind == target.Transport || f.Kind == target.TooMany {
		return nil, notAsked(err)
	}
	// An old target, or one that hides it. Something that every target has asks for a token too.
	_, err = client.Count(ctx, "ed-fi/schoolYearTypes", nil)
	_, err = heard(err)
	return nil, err
}

// TargetStandard reads the data standard as the target itself describes it, through the cache.
func TargetStandard(ctx context.Context, o Options) (*schema.Standard, runs.Target, error) {
	a, err := connect(ctx, o)
	if err != nil {
		return nil, runs.Target{}, err
	}
	return a.standard, a.target, nil
}

// The cached documents.
const (
	resourcesFile    = "openapi-resources.json"
	descriptorsFile  = "openapi-descriptors.json"
	dependenciesFile = "dependencies.json"
)

// documents fetches the documents that differ from the cached ones. A target without ETags is
// asked again when they are old.
func documents(ctx context.Context, client *target.Client, c *cache) (schema.Documents, error) {
	files := []string{resourcesFile, descriptorsFile, dependenciesFile}
	bodies, tags, settled := make([][]byte, len(files)), make([]string, len(files)), true
	for i, name := range files {
		head, body, fresh, ok := c.read(name)
		settled = settled && ok && fresh && head.ETag == ""
		bodies[i], tags[i] = body, head.ETag
	}
	if !settled {
		got, err := client.Documents(ctx, target.ETags{Resources: tags[0], Descriptors: tags[1], Dependencies: tags[2]})
		if err != nil {
			return schema.Documents{}, notAsked(err)
		}
		for i, d := range []target.Document{got.Resources, got.Descriptors, got.Dependencies} {
			if !d.NotModified {
				bodies[i] = d.Body
				c.write(files[i], d.ETag, d.Body)
			}
		}
	}
	return schema.Documents{Resources: bodies[:1], Descriptors: bodies[1:2], Dependencies: bodies[2]}, nil
}

// targetWords reads descriptor values from the target, through the cache.
type targetWords struct {
	asker    asker
	standard *schema.Standard
	cache    *cache
}

// words gives the values of a descriptor endpoint. A cached set is used up to its age; one that a
// value is missing from is asked for again with fresh.
func (t targetWords) words(ctx context.Context, endpoint string, fresh bool) (wordSet, error) {
	file := "words-" + endpoint + ".json"
	if !fresh {
		if _, body, young, ok := t.cache.read(file); ok && young {
			var values []string
			if json.Unmarshal(body, &values) == nil {
				return wordSet{values: wordMap(values)}, nil
			}
		}
	}
	res, ok := t.standard.Resource(endpoint)
	if !ok {
		return wordSet{denied: true, fresh: true}, nil
	}
	var values []string
	told, err := readPages(ctx, t.asker, res.Segment+"/"+endpoint, func(items []json.RawMessage) error {
		for _, item := range items {
			var d struct{ Namespace, CodeValue string }
			if err := json.Unmarshal(item, &d); err != nil {
				return diag.FailWith(err, diag.CouldNotRun, diag.TargetOdd, "", "the target's %s cannot be read", endpoint)
			}
			values = append(values, fold(d.Namespace+"#"+d.CodeValue))
		}
		return nil
	})
	if err != nil {
		return wordSet{}, err
	}
	if told != answerGiven {
		return wordSet{denied: true, fresh: true}, nil
	}
	slices.Sort(values)
	values = slices.Compact(values)
	if body, err := json.Marshal(values); err == nil {
		t.cache.write(file, "", body)
	}
	return wordSet{values: wordMap(values), fresh: true}, nil
}

func wordMap(values []string) map[string]bool {
	m := make(map[string]bool, len(values))
	for _, v := range values {
		m[v] = true
	}
	return m
}

// major is the part of a data standard's version that must be the same: 5 of 5.1.
func major(version string) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	return first
}
