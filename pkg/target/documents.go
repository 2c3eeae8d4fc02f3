package target

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

// Document is one metadata document. If it was asked for with the ETag of a copy that is still
// good, NotModified is set and Body is nil.
type Document struct {
	ETag        string
	Body        []byte
	NotModified bool
}

// Documents describe what a target accepts.
type Documents struct {
	Resources    Document // OpenAPI (Swagger 2.0 or OpenAPI 3) of the resources
	Descriptors  Document // the same of the descriptors
	Dependencies Document // load order, JSON
}

// ETags are those of the copies that a caller holds. The zero value asks for everything.
type ETags struct {
	Resources, Descriptors, Dependencies string
}

// Documents fetches the OpenAPI documents of resources and descriptors and the dependencies, each
// only if it differs from the caller's copy. No token is needed for them.
func (c *Client) Documents(ctx context.Context, have ETags) (*Documents, error) {
	about, err := c.Discover(ctx)
	if err != nil {
		return nil, err
	}
	if about.OpenAPIURL == "" {
		return nil, about.notOffered("OpenAPI metadata", "openApiMetadata")
	}
	if about.DependenciesURL == "" {
		return nil, about.notOffered("dependencies", "dependencies")
	}
	resources, descriptors, err := c.documentURLs(ctx, about)
	if err != nil {
		return nil, err
	}
	var d Documents
	for _, one := range []struct {
		name, address, etag string
		into                *Document
	}{
		{"OpenAPI of resources", resources, have.Resources, &d.Resources},
		{"OpenAPI of descriptors", descriptors, have.Descriptors, &d.Descriptors},
		{"dependencies", about.DependenciesURL, have.Dependencies, &d.Dependencies},
	} {
		got, _, err := c.document(ctx, one.name, one.address, one.etag)
		if err != nil {
			return nil, err
		}
		*one.into = *got
	}
	return &d, nil
}

// documentURLs finds the two OpenAPI documents in the target's list of them. The Data Management
// Service has the list one link further.
func (c *Client) documentURLs(ctx context.Context, about *About) (resources, descriptors string, err error) {
	address := about.OpenAPIURL
	for range 2 {
		list, a, err := c.document(ctx, "list of OpenAPI documents", address, "")
		if err != nil {
			return "", "", err
		}
		if body := bytes.TrimSpace(list.Body); len(body) > 0 && body[0] == '{' {
			var links struct {
				Specifications string `json:"specifications"`
			}
			if json.Unmarshal(body, &links) != nil || links.Specifications == "" {
				return "", "", a.unreadable(a.answer)
			}
			if address, err = c.metadataAddress(about, links.Specifications); err != nil {
				return "", "", err
			}
			continue
		}
		var entries []struct {
			Name        string `json:"name"`
			EndpointURI string `json:"endpointUri"`
		}
		if json.Unmarshal(list.Body, &entries) != nil {
			return "", "", a.unreadable(a.answer)
		}
		for _, e := range entries {
			switch {
			case strings.EqualFold(e.Name, "Resources"):
				resources = e.EndpointURI
			case strings.EqualFold(e.Name, "Descriptors"):
				descriptors = e.EndpointURI
			}
		}
		if resources == "" || descriptors == "" {
			f := a.unreadable(a.answer)
			f.Detail, f.Fix = "the list names no document of resources or of descriptors", "Check that the target serves its OpenAPI metadata."
			return "", "", f
		}
		if resources, err = c.metadataAddress(about, resources); err != nil {
			return "", "", err
		}
		descriptors, err = c.metadataAddress(about, descriptors)
		return resources, descriptors, err
	}
	return "", "", setup("the target's list of OpenAPI documents leads nowhere", "Check that the target serves its OpenAPI metadata.")
}

// metadataAddress makes an address out of the metadata concrete, as the root document's are.
func (c *Client) metadataAddress(about *About, address string) (string, error) {
	base, err := url.Parse(about.OpenAPIURL)
	if err != nil {
		return "", setup("the metadata URL is not an address", "Check base_url.")
	}
	u, err := base.Parse(c.config.fill(address))
	if err != nil {
		return "", setup("an address in the target's metadata cannot be read", "Check that the target serves its OpenAPI metadata.")
	}
	c.upgraded(u)
	query := u.RawQuery
	const field = "an address in the target's metadata"
	if u, err = c.checkAddress(field, u.String()); err != nil {
		return "", err
	}
	if err = c.vouched(field, u, "metadata_url", c.config.MetadataURL, c.config.DataURL); err != nil {
		return "", err
	}
	u.RawQuery = query
	return u.String(), nil
}

// document fetches one document without a token.
func (c *Client) document(ctx context.Context, name, address, etag string) (*Document, *call, error) {
	a, err := c.readCall(name, address)
	if err != nil {
		return nil, nil, err
	}
	a.anonymous, a.most, a.etag = true, maxDocument, etag
	answer, err := a.do(ctx)
	if err != nil {
		if f, ok := AsFailure(err); ok && f.Kind == NotFound {
			f.Fix = "Check that the target serves its OpenAPI metadata."
		}
		return nil, nil, err
	}
	d := &Document{ETag: answer.header.Get("ETag"), Body: answer.body}
	if answer.status == http.StatusNotModified {
		d.NotModified, d.Body, d.ETag = true, nil, cmp.Or(d.ETag, etag)
	}
	return d, a, nil
}
