package target

import (
	"encoding/base64"
	"encoding/json"
	"html"
	"net/url"
	"slices"
	"strings"
)

const redacted = "[redacted]"

// String shows the settings without the secret, for whoever prints them.
func (c Config) String() string { return c.BaseURL + " as " + c.ClientID }

// GoString is String: %#v shows no secret either.
func (c Config) GoString() string { return c.String() }

// replacer takes the secret and the tokens out of a text, in the forms in which foreign texts
// may show them.
func (c *Client) replacer() *strings.Replacer {
	credential := base64.StdEncoding.EncodeToString([]byte(c.config.ClientID + ":" + c.secret()))
	secrets := []string{credential, c.secret()}
	for _, t := range []*token{c.tokens.current.Load(), c.tokens.previous.Load()} {
		if t != nil {
			secrets = append(secrets, t.value)
		}
	}
	var pairs []string
	for _, secret := range secrets {
		quoted, _ := json.Marshal(secret) // a string always encodes
		for _, form := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret),
			html.EscapeString(secret), strings.Trim(string(quoted), `"`), strings.ReplaceAll(secret, "/", `\/`)} {
			pairs = append(pairs, form, redacted)
		}
	}
	return strings.NewReplacer(pairs...)
}

// scrubBody takes the secrets out of an error body before any of it is kept: a proxy's page may
// show the request that it refused, and an excerpt may cut a secret in two.
func (c *Client) scrubBody(body []byte) []byte {
	if len(body) == 0 {
		return body
	}
	return []byte(c.replacer().Replace(string(body)))
}

// scrub takes the secrets out of a failure's texts once they are decoded.
func (c *Client) scrub(f *Failure) {
	clean := c.replacer().Replace
	for _, s := range []*string{&f.Type, &f.Title, &f.Detail, &f.Body, &f.CorrelationID} {
		*s = clean(*s)
	}
	// New slices and maps: copies of the failure may be in other hands already.
	f.Messages = cleaned(f.Messages, clean)
	if f.Fields != nil {
		scrubbed := make(map[string][]string, len(f.Fields))
		for path, texts := range f.Fields {
			scrubbed[clean(path)] = cleaned(texts, clean)
		}
		f.Fields = scrubbed
	}
}

func cleaned(texts []string, clean func(string) string) []string {
	texts = slices.Clone(texts)
	for i, s := range texts {
		texts[i] = clean(s)
	}
	return texts
}
