package tenant

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/strictyaml"
)

// Proxy says which way a tenant's calls go. For never gives its address to a message: it may hold a password.
type Proxy struct {
	For  func(*http.Request) (*url.URL, error)
	From string // where the setting comes from
}

// noProxy is the value of `proxy` for a direct way.
const noProxy = "none"

// placeholder stands for a source where the rest of an address is taken apart.
const placeholder = "sluice-source"

const proxyForm = "Write http://host:port, http://user:${env:NAME}@host:port, a source of the whole address, or none."

// proxy reads the setting as written: an address whose password, if it has one, comes from a source.
func (r *reader) proxy(n *strictyaml.Node, what string) secretText {
	s := secretText{r.written(n, what+": proxy"), n.Pos}
	if s.text == "" || s.text == noProxy || source.FindString(s.text) == s.text {
		return s
	}
	u, ok := proxyAddress(source.ReplaceAllString(s.text, placeholder))
	if !ok || strings.Contains(u.Host, placeholder) {
		r.bad(n, diag.ConfigKey, proxyForm, "%s: proxy is not the address of a proxy", what)
		return secretText{}
	}
	if u.User != nil {
		user, password := u.User.Username(), ""
		if given, ok := u.User.Password(); ok {
			password = given
		} else {
			password = user // a user alone may be a token
		}
		if password != placeholder || user != placeholder && strings.Contains(user, placeholder) {
			r.bad(n, diag.ConfigSecret, proxyForm, "%s: proxy holds a password that is written out in the file", what)
			return secretText{}
		}
	}
	return s
}

// proxyAddress takes an address apart. What is wrong with it is not said in its own words.
func proxyAddress(text string) (*url.URL, bool) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, false
	}
	return u, true
}

// Proxy resolves the tenant's proxy.
func (c *Config) Proxy(ctx context.Context, t *Tenant) (Proxy, error) {
	s := t.API.proxy
	switch s.text {
	case "":
		return Proxy{http.ProxyFromEnvironment, "the environment"}, nil
	case noProxy:
		return Proxy{func(*http.Request) (*url.URL, error) { return nil, nil }, s.pos.String()}, nil
	}
	fixed, err := s.address(ctx, c.Folder)
	if err != nil {
		return Proxy{}, err
	}
	return Proxy{http.ProxyURL(fixed), s.pos.String()}, nil
}

// address is the proxy's, with what its sources give. A password may hold any character.
func (s secretText) address(ctx context.Context, folder string) (*url.URL, error) {
	give := func(text string) (string, error) { return secretText{text, s.pos}.resolve(ctx, folder) }
	sources := source.FindAllString(s.text, -1)
	if len(sources) == 1 && sources[0] == s.text {
		text, err := give(s.text)
		if err != nil {
			return nil, err
		}
		u, ok := proxyAddress(strings.TrimSpace(text))
		if !ok {
			return nil, diag.Fail(diag.Usage, diag.ConfigSecret, "It must hold http://host:port or http://user:password@host:port.",
				"%s: what %s gives is not the address of a proxy", s.pos, s.masked())
		}
		return u, nil
	}
	u, ok := proxyAddress(source.ReplaceAllString(s.text, placeholder))
	if !ok || len(sources) == 0 {
		return u, nil
	}
	user := u.User.Username()
	if user == placeholder {
		var err error
		if user, err = give(sources[0]); err != nil {
			return nil, err
		}
	}
	if _, both := u.User.Password(); !both {
		u.User = url.User(user)
		return u, nil
	}
	password, err := give(sources[len(sources)-1])
	u.User = url.UserPassword(user, password)
	return u, err
}
