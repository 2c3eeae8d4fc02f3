package validate

import "github.com/sluice-edfi/sluice/pkg/target"

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
	return answerOdd, notAsked(err)
}

// notAsked makes a failure of the target the end of the run.
func notAsked(err error) error { return target.Explain(err, "the target could not be asked") }
