package diag

import "strings"

// place is where to look because of a code, and the command that helps: of the longest of these beginnings
// that the code has. Capitals in a command are for the reader to fill in.
type place struct{ begins, file, command string }

var places = []place{
	{"AUTH-", "sluice.yaml: the tenant's api", "sluice target check --tenant TENANT"},
	{"BND-", "the file of the bundle that the message names", "sluice bundle lint BUNDLE"},
	{"BND-NOT-FOUND", "sluice.yaml: bundles", "sluice bundle list"},
	{"BND-FIXTURE", "the fixture that the message names", "sluice bundle test BUNDLE --update"},
	{"BND-OVERLAY", "the table of the tenant that the message names", "sluice bundle show BUNDLE --table TABLE"},
	{"BND-STANDARD", "bundle.yaml: data_standard", "sluice version"},
	{"BND-UNSUPPORTED", "bundle.yaml, in the line that the message names", "sluice version"},
	{"BUS-", "RUN/report.html", "sluice runs show RUN"},
	{"BUS-DATA-STANDARD", "sluice.yaml: data_standard of the tenant", "sluice version"},
	{"BUS-NO-PASS", "RUN/problems/validate.csv", "sluice validate RUN --tenant TENANT"},
	{"BUS-OLD-PASS", "RUN/problems/validate.csv", "sluice validate RUN --tenant TENANT"},
	{"BUS-FOREIGN-PASS", "RUN/run.json", "sluice validate RUN --tenant TENANT"},
	{"BUS-RULE", "RUN/problems/validate.csv, and the rule that it names", "sluice validate RUN --tenant TENANT"},
	{"BUS-ALL-OR-NOTHING", "RUN/problems/validate.csv", "sluice runs show RUN"},
	{"BUS-LOCKED", "the folder that the message names", "sluice doctor --tenant TENANT"},
	{"BUS-LEDGER", "sluice.yaml: the tenant's api", "sluice ledger rebuild --tenant TENANT"},
	{"BUS-EXISTING", "RUN/problems/same-events.csv", "sluice target adopt RUN --tenant TENANT"},
	{"BUS-SAME-EVENT", "RUN/problems/same-events.csv", "sluice target adopt RUN --tenant TENANT"},
	{"BUS-NOTHING-LEFT", "RUN/problems/transform.csv", "sluice inspect FILE"},
	{"BUS-REJECTED", "RUN/rejects/INPUT.csv and INPUT.reasons.csv beside it", "sluice send RUN --tenant TENANT"},
	{"BUS-TARGET-CHANGED", "RUN/report.html", "sluice target accept --tenant TENANT"},
	{"CFG-", "sluice.yaml, in the line that the message names", "sluice help settings"},
	{"CFG-ACKNOWLEDGE-", "sluice.yaml: acknowledge of the tenant", "sluice runs show RUN"},
	{"CFG-USAGE", "none: it is the command line", "sluice help"},
	{"CFG-FILE", "the file that the message names", "sluice doctor"},
	{"CFG-SECRET", "sluice.yaml: client_secret of the tenant", "sluice doctor --tenant TENANT"},
	{"CFG-TENANT", "sluice.yaml: tenants", "sluice tenant list"},
	{"CFG-PARAM", "sluice.yaml: params of the tenant", "sluice bundle show BUNDLE"},
	{"CFG-INPUT", "none: it is the command line", "sluice bundle show BUNDLE"},
	{"CFG-RUN", "RUN/run.json", "sluice runs list"},
	{"INT-", "RUN/errors/RESOURCE.csv", "sluice send RUN --tenant TENANT"},
	{"INT-UNREACHABLE", "sluice.yaml: base_url of the tenant", "sluice doctor --tenant TENANT"},
	{"INT-TLS", "sluice.yaml: base_url of the tenant", "sluice doctor --tenant TENANT"},
	{"INT-ODD-ANSWER", "sluice.yaml: base_url of the tenant", "sluice doctor --tenant TENANT"},
	{"INT-DISK", "the file or folder that the message names", "sluice doctor"},
	{"INT-INTERRUPTED", "RUN/report.html", "sluice runs show latest"},
	{"INT-BUG", "RUN/log.jsonl", "sluice version"},
	{"REF-", "RUN/problems/validate.csv", "sluice validate RUN --tenant TENANT"},
	{"REF-UNRESOLVED", "RUN/errors/RESOURCE.csv", "sluice send RUN --tenant TENANT"},
	{"REF-BLOCKED", "RUN/errors/RESOURCE.csv", "sluice send RUN --tenant TENANT"},
	{"VAL-", "RUN/problems/validate.csv", "sluice validate RUN --tenant TENANT"},
	{"VAL-FILE-", "the vendor's file", "sluice inspect FILE"},
	{"VAL-FILE-PASSED-OVER", "RUN/problems/transform.csv", "sluice runs show RUN"},
	{"VAL-FILE-CHANGED", "the file that the message names", "sluice validate FOLDER --tenant TENANT"},
	{"VAL-ROW-", "RUN/rejects/INPUT.csv and INPUT.reasons.csv beside it", "sluice runs show RUN"},
	{"VAL-ROW-SHORTENED", "RUN/problems/transform.csv", "sluice runs show RUN"},
	{"VAL-ROW-BLANK", "RUN/problems/transform.csv", "sluice runs show RUN"},
	{"VAL-ROW-DUPLICATE", "RUN/problems/transform.csv", "sluice runs show RUN"},
	{"VAL-ROW-FILTERED", "RUN/problems/transform.csv", "sluice runs show RUN"},
	{"VAL-CELL-", "RUN/rejects/INPUT.csv and INPUT.reasons.csv beside it", "sluice runs show RUN"},
	{"VAL-CELL-SCORE-", "RUN/problems/transform.csv", "sluice runs show RUN"},
	{"VAL-UNMAPPED", "RUN/unmapped.csv", "sluice bundle show BUNDLE --table TABLE"},
	{"VAL-STUDENT-", "RUN/rejects/INPUT.csv and INPUT.reasons.csv beside it", "sluice runs show RUN"},
	{"VAL-EXPRESSION", "RUN/rejects/INPUT.csv and INPUT.reasons.csv beside it", "sluice runs show RUN"},
	{"VAL-RECORD-", "RUN/problems/transform.csv", "sluice runs show RUN"},
	{"VAL-DESCRIPTOR-", "RUN/problems/transform.csv", "sluice runs show RUN"},
	{"VAL-LEVEL-", "RUN/problems/transform.csv", "sluice bundle show BUNDLE --table levels"},
}

// detailed is the entry with its example, file and command.
func (e Entry) detailed() Entry {
	p := placeOf(e.Code)
	e.File, e.Command = p.file, p.command
	if message := examples[e.Code]; message != "" {
		e.Example = printed(e.Code, e.Level, message)
	}
	return e
}

// placeOf is the place for a code.
func placeOf(code Code) place {
	var best place
	for _, p := range places {
		if strings.HasPrefix(string(code), p.begins) && len(p.begins) > len(best.begins) {
			best = p
		}
	}
	return best
}

// printed is an example of what is said with a code, as it is printed: what ends a command behind its code, a
// problem of a written file behind its place, a problem of data behind its level and count.
func printed(code Code, level Level, message string) string {
	switch family, _, _ := strings.Cut(string(code), "-"); {
	case ending[code], family == "CFG" && code != ConfigPlainHTTP, family == "BUS", strings.HasPrefix(string(code), "VAL-FILE-") && level == LevelFormat:
		return "sluice: [" + string(code) + "] " + message
	case family == "BND", family == "CFG":
		where, what, _ := strings.Cut(message, " ")
		return where + " " + level.String() + " [" + string(code) + "] " + what
	}
	return level.String() + "  1 × " + string(code) + " " + message
}

// ending are the codes, beside those of usage and guards, that end a command.
var ending = map[Code]bool{AuthRefused: true, TargetUnreached: true, TargetTLS: true, TargetOdd: true, TargetBusy: true, AuthTooMany: true,
	MachineDisk: true, MachineInterrupt: true, Internal: true, BundleNotFound: true, BundleStandard: true}
