package validate

import (
	"crypto/tls"
	"errors"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/target"
)

// answer is what a target says when it is asked for something.
type answer uint8

const (
	answerGiven  answer = iota
	answerDenied        // the credential may not read the resource, or the target does not offer it
	answerOdd           // the target cannot be asked in this way
)

// heard tells what a question that failed says about the resource from what ends the run.
func heard(err error) (answer, error) {
	f, ok := target.AsFailure(err)
	switch {
	case err == nil:
		return answerGiven, nil
	case !ok:
		return answerOdd, err
	case f.Kind == target.Forbidden, f.Kind == target.NotFound:
		return answerDenied, nil
	case f.Kind == target.Validation:
		return answerOdd, nil
	}
	return answerOdd, brokenOff(err)
}

// brokenOff makes a failure of the target the end of the run.
func brokenOff(err error) error {
	f, ok := target.AsFailure(err)
	if !ok {
		return err
	}
	kind, code := diag.CouldNotRun, diag.TargetOdd
	var certificate *tls.CertificateVerificationError
	switch f.Kind {
	case target.Setup:
		kind, code = diag.Usage, diag.ConfigTenant
	case target.Auth:
		kind, code = diag.Refused, diag.AuthRefused
	case target.Forbidden:
		kind, code = diag.Refused, diag.AuthForbidden
	case target.TooMany:
		code = diag.TargetBusy
	case target.Server:
		code = diag.TargetServer
	case target.Transport:
		code = diag.TargetUnreached
		if errors.As(err, &certificate) {
			code = diag.TargetTLS
		}
	}
	return diag.FailWith(withoutFix{f}, kind, code, f.Fix, "the target could not be asked")
}

// withoutFix is a failure whose advice stands elsewhere.
type withoutFix struct{ failure *target.Failure }

func (w withoutFix) Error() string { return w.failure.Summary() }
func (w withoutFix) Unwrap() error { return w.failure }
