package target

import (
	"crypto/tls"
	"errors"
	"net/http"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// Code is the code under which the user is told of the failure, whichever command met it.
func (f *Failure) Code() diag.Code {
	switch f.Kind {
	case Setup:
		return diag.ConfigTenant
	case Auth:
		return diag.AuthRefused
	case Forbidden:
		// Versions before 7.2 have no types; their sentence speaks of the NamespacePrefix claims.
		if strings.Contains(f.Type, ":namespace:") || strings.Contains(strings.ToLower(f.Text()), "namespaceprefix claims") {
			return diag.AuthNamespace
		}
		return diag.AuthForbidden
	case Reference, Conflict:
		return diag.TargetConflict
	case TooMany:
		if typeHolds(f.Type, "too-many-tokens") {
			return diag.AuthTooMany
		}
		return diag.TargetBusy
	case Server:
		return diag.TargetServer
	case Transport:
		var certificate *tls.CertificateVerificationError
		if errors.As(f.Err, &certificate) {
			return diag.TargetTLS
		}
		return diag.TargetUnreached
	case Validation, NotFound:
		// Only a record can be refused. A question that is not understood points at the address.
		if f.Method == http.MethodGet || f.Resource == tokenResource || f.Resource == tokenInfoResource {
			return diag.TargetOdd
		}
		return diag.TargetRefused
	}
	return diag.TargetOdd
}

// Diag makes the failure the end of a command. what says what could not be done; if it is empty
// the failure speaks for itself. The text holds no word of a record.
func (f *Failure) Diag(what string) *diag.Error {
	kind := diag.CouldNotRun
	switch f.Kind {
	case Setup:
		kind = diag.Usage
	case Auth, Forbidden:
		kind = diag.Refused
	}
	e := &diag.Error{Kind: kind, Code: f.Code(), Message: what, Next: f.Fix, Err: withoutFix{f}}
	if what == "" {
		e.Message, e.Err = f.Summary(), nil
	}
	return e
}

// Explain is Diag for a failure that err holds and nobody has explained yet; other errors stay as
// they are.
func Explain(err error, what string) error {
	f, ok := AsFailure(err)
	if _, explained := diag.AsError(err); !ok || explained {
		return err
	}
	return f.Diag(what)
}

// withoutFix is a failure in the chain of an Error that gives its advice already.
type withoutFix struct{ failure *Failure }

func (w withoutFix) Error() string { return w.failure.Summary() }
func (w withoutFix) Unwrap() error { return w.failure }
