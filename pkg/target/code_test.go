package target

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"testing"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

func TestCodes(t *testing.T) {
	certificate := &tls.CertificateVerificationError{Err: x509.HostnameError{Certificate: &x509.Certificate{}, Host: "ods.test"}}
	for name, c := range map[string]struct {
		failure Failure
		code    diag.Code
		kind    diag.Kind
	}{
		"settings":        {Failure{Kind: Setup}, diag.ConfigTenant, diag.Usage},
		"credential":      {Failure{Kind: Auth, Status: 401}, diag.AuthRefused, diag.Refused},
		"forbidden":       {Failure{Kind: Forbidden, Status: 403}, diag.AuthForbidden, diag.Refused},
		"namespace, 7.2":  {Failure{Kind: Forbidden, Type: "urn:ed-fi:api:security:authorization:namespace:access-denied"}, diag.AuthNamespace, diag.Refused},
		"namespace, 5.3":  {Failure{Kind: Forbidden, Messages: []string{"Access to the resource item could not be authorized based on the caller's NamespacePrefix claims: uri://x."}}, diag.AuthNamespace, diag.Refused},
		"record":          {Failure{Kind: Validation, Method: "POST", Resource: "ed-fi/students", Status: 400}, diag.TargetRefused, diag.CouldNotRun},
		"question":        {Failure{Kind: Validation, Method: "GET", Resource: "ed-fi/students", Status: 400}, diag.TargetOdd, diag.CouldNotRun},
		"document":        {Failure{Kind: NotFound, Method: "GET", Resource: "dependencies", Status: 404}, diag.TargetOdd, diag.CouldNotRun},
		"token endpoint":  {Failure{Kind: Token, Method: "POST", Resource: "token", Status: 404}, diag.TargetOdd, diag.CouldNotRun},
		"reference":       {Failure{Kind: Reference, Status: 409}, diag.ReferenceRefused, diag.CouldNotRun},
		"conflict":        {Failure{Kind: Conflict, Status: 409}, diag.TargetConflict, diag.CouldNotRun},
		"busy":            {Failure{Kind: TooMany, Status: 429}, diag.TargetBusy, diag.CouldNotRun},
		"too many tokens": {Failure{Kind: TooMany, Status: 429, Type: "urn:ed-fi:api:security:authentication:too-many-tokens"}, diag.AuthTooMany, diag.CouldNotRun},
		"server":          {Failure{Kind: Server, Status: 500}, diag.TargetServer, diag.CouldNotRun},
		"nobody":          {Failure{Kind: Transport, Err: errors.New("connection refused")}, diag.TargetUnreached, diag.CouldNotRun},
		"certificate":     {Failure{Kind: Transport, Err: fmt.Errorf("proxy: %w", certificate)}, diag.TargetTLS, diag.CouldNotRun},
		"log-in page":     {Failure{Kind: Odd, Status: 200}, diag.TargetOdd, diag.CouldNotRun},
	} {
		t.Run(name, func(t *testing.T) {
			f := c.failure
			f.Fix = "mend it"
			if f.Code() != c.code {
				t.Errorf("code %s, want %s", f.Code(), c.code)
			}
			for _, what := range []string{"", "the target could not be asked"} {
				err := Explain(fmt.Errorf("read: %w", &f), what)
				e, ok := diag.AsError(err)
				if !ok || e.Code != c.code || e.Kind != c.kind || e.Next != "mend it" {
					t.Errorf("%q: %+v", what, err)
				}
				if again := Explain(err, "another"); !errors.Is(again, err) || again.Error() != err.Error() {
					t.Errorf("explained twice: %v", again)
				}
				if what != "" && (!errors.Is(err, error(&f)) || err.Error() != what+": "+f.Summary()) {
					t.Errorf("%v", err)
				}
			}
		})
	}
	other := errors.New("out of memory")
	if got := Explain(other, "x"); got.Error() != other.Error() || Explain(nil, "x") != nil {
		t.Error("what is no failure of the target is not its to explain")
	}
}
