package send

import (
	"sync"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// validateProblems is what validate said of the staged lines that did not pass, as far as it listed
// that one by one, which is what bounds its size. It is read when it is first asked for.
type validateProblems struct {
	run  *runs.Run
	once sync.Once
	of   map[string]map[int]diag.Problem // by resource and line the one of the highest level
}

// worst is the problem of a staged line that has the highest level. It only helps to
// understand why a record was not sent, so that a file that cannot be read is as good as none.
func (v *validateProblems) worst(resource string, line int64) (diag.Problem, bool) {
	v.once.Do(v.read)
	p, ok := v.of[resource][int(line)]
	return p, ok
}

func (v *validateProblems) read() {
	of := map[string]map[int]diag.Problem{}
	err := v.run.EachProblem(runs.Validate, func(p diag.Problem) {
		if p.StagedLine <= 0 {
			return
		}
		lines := of[p.Resource]
		if lines == nil {
			lines = map[int]diag.Problem{}
			of[p.Resource] = lines
		}
		if known, ok := lines[p.StagedLine]; !ok || p.Level < known.Level {
			lines[p.StagedLine] = diag.Problem{Code: p.Code, Level: p.Level, Path: p.Path, Message: p.Message, Fix: p.Fix}
		}
	})
	if err == nil {
		v.of = of
	}
}
