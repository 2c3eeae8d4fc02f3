package target

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// checkAddress parses an address from the settings or from the root document, and refuses what
// the client must not speak to.
func (c *Client) checkAddress(field, address string) (*url.URL, error) {
	if address == "" {
		return nil, setup(field+" is missing", "Give the address of the Ed-Fi API, such as https://host/path.")
	}
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, setup(fmt.Sprintf("%s is not an http or https address", field), "Give it as https://host/path.")
	}
	if u.User != nil {
		return nil, setup(fmt.Sprintf("%s holds a user name", field), "Give the credential as client_id and client_secret.")
	}
	if open := placeholders.FindString(u.Path); open != "" {
		return nil, setup(fmt.Sprintf("%s holds the placeholder %s, which the settings do not fill", field, open), placeholderFix)
	}
	if u.Scheme == "http" && !c.config.AllowHTTP && !isLoopback(u.Hostname()) {
		return nil, setup(fmt.Sprintf("%s is plain http to %s: the secret would travel unencrypted", field, u.Hostname()),
			"Use https; on a closed network, allow_http: true permits it.")
	}
	u.RawQuery, u.Fragment = "", ""
	return u, nil
}

// isLoopback reports whether a host is this machine.
func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// join puts exactly one slash between the two.
func join(base, path string) string {
	return strings.TrimRight(base, "/") + "/" + strings.TrimLeft(path, "/")
}

var placeholders = regexp.MustCompile(`\{[^{}/]*\}`)

const placeholderFix = "Set school_year if it is one, otherwise instance, to what it stands for; or a base_url that has it already."

// fill replaces {schoolYearFromRoute} and its like by the school year, and any other placeholder by the
// instance. What stays is refused by checkAddress.
func (c *Config) fill(address string) string {
	address = strings.NewReplacer("%7B", "{", "%7b", "{", "%7D", "}", "%7d", "}").Replace(address)
	return placeholders.ReplaceAllStringFunc(address, func(placeholder string) string {
		switch ofYear := strings.Contains(strings.ToLower(placeholder), "year"); {
		case ofYear && c.SchoolYear != 0:
			return strconv.Itoa(c.SchoolYear)
		case !ofYear && c.Instance != "":
			return url.PathEscape(c.Instance)
		}
		return placeholder
	})
}

var yearSegment = regexp.MustCompile(`^(19|20)[0-9]{2}$`)

// yearsIn lists the path segments of an address that are years.
func yearsIn(address string) []string {
	u, err := url.Parse(address)
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(strings.Split(u.Path, "/"), func(s string) bool { return !yearSegment.MatchString(s) })
}

// withYear replaces each path segment that is the one year by the other.
func withYear(address, old, year string) string {
	segments := strings.Split(address, "/")
	for i, s := range segments {
		if s == old {
			segments[i] = year
		}
	}
	return strings.Join(segments, "/")
}

// upgraded speaks https to a host that advertises http behind a load balancer which ends TLS:
// the scheme and port of base_url hold for its own host. Never the other way round.
func (c *Client) upgraded(u *url.URL) bool {
	if c.base.Scheme != "https" || u.Scheme != "http" || !strings.EqualFold(u.Hostname(), c.base.Hostname()) {
		return false
	}
	u.Scheme, u.Host = "https", c.base.Host
	return true
}

// vouched refuses an address on a host that the settings do not name: the root document alone does
// not decide where the credential, its token and the records go. setting is the one that may name
// a host other than base_url's for this purpose; named are the addresses that were written for it.
func (c *Client) vouched(field string, u *url.URL, setting string, named ...string) error {
	if sameHost(u, c.base) {
		return nil
	}
	for _, address := range named {
		if n, err := url.Parse(strings.TrimSpace(address)); err == nil && address != "" && sameHost(u, n) {
			return nil
		}
	}
	return setup(fmt.Sprintf("the target sends credentials to %s: %s leads there, and base_url to %s", plain(u.Host, excerptLength), field, c.base.Host),
		"If that is right, set "+setting+".")
}

// sameHost compares host and port; the ports that the schemes stand for make no difference.
func sameHost(a, b *url.URL) bool { return strings.EqualFold(hostAndPort(a), hostAndPort(b)) }

func hostAndPort(u *url.URL) string {
	usual := map[string]string{"http": ":80", "https": ":443"}[u.Scheme]
	return strings.TrimSuffix(u.Host, usual)
}

// resourcePath is the path of a resource below the data URL: "students" is "ed-fi/students";
// resources of extensions are named with their segment, "tpdm/candidates".
func resourcePath(resource string) string {
	resource = strings.Trim(resource, "/")
	if !strings.Contains(resource, "/") {
		return "ed-fi/" + resource
	}
	return resource
}

// address is the URL of a resource, parsed once per resource.
func (c *Client) address(ctx context.Context, path string) (*url.URL, error) {
	about, err := c.Discover(ctx)
	if err != nil {
		return nil, err
	}
	if u, ok := c.addresses.Load(path); ok {
		return u.(*url.URL), nil
	}
	segments := strings.Split(path, "/")
	for i, s := range segments {
		segments[i] = url.PathEscape(s)
	}
	u, err := url.Parse(join(about.DataURL, strings.Join(segments, "/")))
	if err != nil {
		return nil, setup("not a resource: "+plain(path, excerptLength), "Use the endpoint's name, such as studentAssessments.")
	}
	c.addresses.Store(path, u)
	return u, nil
}

// withQuery copies the URL and adds a query. Blanks are %20, because not every server reads "+".
func withQuery(u *url.URL, query url.Values) *url.URL {
	q := *u
	q.RawQuery = strings.ReplaceAll(query.Encode(), "+", "%20")
	return &q
}

// ChangesAtData reports whether change queries are offered by the host of the data. What another host, which was named
// beside a data_url by hand, says of changes is about other data, and it may refuse the token.
func (a *About) ChangesAtData() bool {
	data, err := url.Parse(a.DataURL)
	changes, wrong := url.Parse(a.ChangeQueriesURL)
	return err == nil && wrong == nil && a.ChangeQueriesURL != "" && sameHost(data, changes)
}
