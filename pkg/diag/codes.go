package diag

// Code names one kind of problem: its family, then what it is about. The families are: AUTH
// credential and permission, VAL data, REF references, BUS rules and guards, INT transport and
// target, BND bundle, CFG configuration.
type Code string

// Entry is a row of the table of codes, from which docs/codes.md and `sluice explain` are made.
type Entry struct {
	Code       Code
	Level      Level
	Meaning    string
	Resolution string
}

// LevelOf is the code's level; a code that is not in the table counts as an error of the record.
func LevelOf(c Code) Level {
	if e, ok := Explain(c); ok {
		return e.Level
	}
	return LevelError
}

// Explain finds the entry of a code.
func Explain(c Code) (Entry, bool) {
	i, ok := index[c]
	if !ok {
		return Entry{}, false
	}
	return table[i], true
}

// Codes returns the whole table in its order.
func Codes() []Entry { return append([]Entry(nil), table...) }

var index = func() map[Code]int {
	m := make(map[Code]int, len(table))
	for i, e := range table {
		m[e.Code] = i
	}
	return m
}()

// Codes of bundles.
const (
	BundleYAML        Code = "BND-YAML"
	BundleKey         Code = "BND-KEY"
	BundleName        Code = "BND-NAME"
	BundleValue       Code = "BND-VALUE"
	BundleExpression  Code = "BND-EXPRESSION"
	BundleTable       Code = "BND-TABLE"
	BundleScores      Code = "BND-SCORES"
	BundleList        Code = "BND-LIST"
	BundleDescriptor  Code = "BND-DESCRIPTOR"
	BundleRecord      Code = "BND-RECORD"
	BundleStandard    Code = "BND-STANDARD"
	BundleNotFound    Code = "BND-NOT-FOUND"
	BundleUnsupported Code = "BND-UNSUPPORTED"
	BundleLint        Code = "BND-LINT"
	BundleFixture     Code = "BND-FIXTURE"
	BundleOverlay     Code = "BND-OVERLAY"
)

// Codes of configuration and usage.
const (
	ConfigUsage     Code = "CFG-USAGE"
	ConfigFile      Code = "CFG-FILE"
	ConfigKey       Code = "CFG-KEY"
	ConfigLater     Code = "CFG-LATER"
	ConfigSecret    Code = "CFG-SECRET"
	ConfigTenant    Code = "CFG-TENANT"
	ConfigParam     Code = "CFG-PARAM"
	ConfigInput     Code = "CFG-INPUT"
	ConfigRun       Code = "CFG-RUN"
	ConfigPlainHTTP Code = "CFG-PLAIN-HTTP"
)

// Codes of vendor files and their rows.
const (
	FileEmpty        Code = "VAL-FILE-EMPTY"
	FileEncoding     Code = "VAL-FILE-ENCODING"
	FileNUL          Code = "VAL-FILE-NUL"
	FileQuote        Code = "VAL-FILE-QUOTE"
	FileLineEnds     Code = "VAL-FILE-LINE-ENDS"
	FileDrift        Code = "VAL-FILE-DRIFT"
	FileNewColumn    Code = "VAL-FILE-NEW-COLUMN"
	FileHeaderOnly   Code = "VAL-FILE-HEADER-ONLY"
	FileAlternatives Code = "VAL-FILE-ALTERNATIVES"
	FileElements     Code = "VAL-FILE-ELEMENTS"
	RowQuote         Code = "VAL-ROW-QUOTE"
	RowShortened     Code = "VAL-ROW-SHORTENED"
	RowBlank         Code = "VAL-ROW-BLANK"
	RowShort         Code = "VAL-ROW-SHORT"
	RowLong          Code = "VAL-ROW-LONG"
	RowDuplicate     Code = "VAL-ROW-DUPLICATE"
	RowKeyConflict   Code = "VAL-ROW-KEY-CONFLICT"
	RowExpectation   Code = "VAL-ROW-EXPECTATION"
	RowFiltered      Code = "VAL-ROW-FILTERED"
	CellRequired     Code = "VAL-CELL-REQUIRED"
	CellType         Code = "VAL-CELL-TYPE"
	CellScore        Code = "VAL-CELL-SCORE"
	CellScoreDerived Code = "VAL-CELL-SCORE-DERIVED"
	CellScoreRange   Code = "VAL-CELL-SCORE-RANGE"
	Unmapped         Code = "VAL-UNMAPPED"
	StudentMissing   Code = "VAL-STUDENT-MISSING"
	ExpressionNull   Code = "VAL-EXPRESSION-NULL"
	ExpressionFails  Code = "VAL-EXPRESSION"
	RecordRequired   Code = "VAL-RECORD-REQUIRED"
	RecordDuplicate  Code = "VAL-RECORD-DUPLICATE"
	RecordConflict   Code = "VAL-RECORD-KEY-CONFLICT"
	DescriptorCase   Code = "VAL-DESCRIPTOR-CASE"
	DescriptorSame   Code = "VAL-DESCRIPTOR-SAME"
	DescriptorLong   Code = "VAL-DESCRIPTOR-LONG"
	LevelUndeclared  Code = "VAL-LEVEL-UNDECLARED"
)

// Codes of staged records under validation.
const (
	RecordJSON         Code = "VAL-JSON"
	RecordSchema       Code = "VAL-SCHEMA"
	RecordUnknown      Code = "VAL-UNKNOWN-PROPERTY"
	RecordServerField  Code = "VAL-SERVER-FIELD"
	RecordItemTwice    Code = "VAL-ITEM-TWICE"
	RecordPartsDiffer  Code = "VAL-PARTS-DIFFER"
	RecordDescriptor   Code = "VAL-DESCRIPTOR"
	RecordDate         Code = "VAL-DATE-AS-DATETIME"
	RecordUnchecked    Code = "VAL-UNCHECKED"
	RecordEdited       Code = "VAL-STAGED-EDITED"
	ReferenceMissing   Code = "REF-MISSING"
	ReferenceInvalid   Code = "REF-INVALID-PARENT"
	ReferenceBlocked   Code = "REF-BLOCKED"
	ReferenceUnknown   Code = "REF-UNCHECKED"
	ReferenceCycle     Code = "REF-CYCLE"
	ResourceUnknown    Code = "VAL-RESOURCE"
	StandardMismatch   Code = "BUS-DATA-STANDARD"
	GuardNoPass        Code = "BUS-NO-PASS"
	GuardForeignPass   Code = "BUS-FOREIGN-PASS"
	GuardOldPass       Code = "BUS-OLD-PASS"
	GuardLocked        Code = "BUS-LOCKED"
	GuardLedger        Code = "BUS-LEDGER"
	GuardNothing       Code = "BUS-NOTHING-LEFT"
	GuardEquation      Code = "BUS-EQUATION"
	GuardTargetChanged Code = "BUS-TARGET-CHANGED"
)

// Codes of the target and the machine.
const (
	AuthRefused      Code = "AUTH-REFUSED"
	AuthForbidden    Code = "AUTH-FORBIDDEN"
	AuthNamespace    Code = "AUTH-NAMESPACE"
	AuthTooMany      Code = "AUTH-TOO-MANY-TOKENS"
	TargetUnreached  Code = "INT-UNREACHABLE"
	TargetTLS        Code = "INT-TLS"
	TargetRefused    Code = "INT-REFUSED"
	TargetConflict   Code = "INT-CONFLICT"
	TargetBusy       Code = "INT-BUSY"
	TargetServer     Code = "INT-SERVER"
	TargetOdd        Code = "INT-ODD-ANSWER"
	MachineDisk      Code = "INT-DISK"
	MachineInterrupt Code = "INT-INTERRUPTED"
	Internal         Code = "INT-BUG"
)

var table = []Entry{
	{BundleYAML, LevelError, "The bundle is not the YAML that format 1 allows.", "Correct the line named; quote what the message says to quote."},
	{BundleKey, LevelError, "A key is unknown, repeated, missing or in the wrong place.", "Correct the key; docs/bundle-format.md lists what may stand where."},
	{BundleName, LevelError, "A name is malformed, used twice, or not known here.", "Rename it, or declare what it refers to; names never shadow each other."},
	{BundleValue, LevelError, "A value has the wrong form or type.", "Write it as the message says."},
	{BundleExpression, LevelError, "An expression does not compile.", "Correct the expression; docs/bundle-format.md §9 lists operators and functions."},
	{BundleTable, LevelError, "A table of the bundle is ragged, repeats a key, overlaps, or holds a cell that does not fit.", "Correct the CSV line named."},
	{BundleScores, LevelError, "A score table does not fit its input or list.", "Correct the row named; columns and kinds are in docs/bundle-format.md §5."},
	{BundleList, LevelError, "A list cannot have elements, or its placeholders do not fit.", "Correct `over`, `on` or the header patterns."},
	{BundleDescriptor, LevelError, "A descriptor type is not declared, may not be the vendor's, or its table does not fit.", "List it under `descriptors.vendor` or `descriptors.shared`."},
	{BundleRecord, LevelError, "A record of the bundle does not fit the data standard.", "Use the property names and types of the standard; the message names what it expects."},
	{BundleStandard, LevelError, "The bundle does not cover the data standard asked for.", "Choose a data standard in the bundle's range, or widen the range after a test."},
	{BundleNotFound, LevelError, "No such bundle, or no such version of it.", "See `sluice bundle list`; a path to a folder must hold a separator, as in ./my-bundle."},
	{BundleUnsupported, LevelError, "The bundle uses something that this version of sluice cannot run.", "Use a newer sluice, or another input format."},
	{BundleLint, LevelWarning, "The bundle breaks a rule that bundles keep.", "Follow the message; docs/bundle-format.md §10 has the reason."},
	{BundleFixture, LevelError, "A fixture's output is not what is expected.", "If the change is meant, run `sluice bundle test --update` and review the difference."},
	{BundleOverlay, LevelError, "A tenant's table does not fit the bundle, or may not be overlaid.", "Only tables under `descriptors.shared` or with `overlay: true`, with the same columns."},

	{ConfigUsage, LevelError, "The command was called wrongly.", "See the command's --help."},
	{ConfigFile, LevelError, "A file or folder cannot be used as named.", "Check the path; it must be a readable file."},
	{ConfigKey, LevelError, "sluice.yaml holds an unknown, repeated or wrong key.", "Correct the line named; examples/sluice.yaml shows every key."},
	{ConfigLater, LevelError, "sluice.yaml uses a key that this version does not have.", "Remove the key; it would be ignored otherwise."},
	{ConfigSecret, LevelError, "A secret's source is unset or unreadable.", "Set the variable, or correct the file or command it names."},
	{ConfigTenant, LevelError, "No such tenant, or a tenant that is not complete.", "Name a tenant of sluice.yaml, or `sandbox`."},
	{ConfigParam, LevelError, "A parameter is missing, unknown, or of the wrong type.", "Give it as --param name=value; the bundle's README lists them."},
	{ConfigInput, LevelError, "An input is missing or unknown.", "Give it as --input name=file; the bundle's README lists them."},
	{ConfigRun, LevelError, "The run directory cannot be used.", "Name an empty or new folder, or a run whose send has not begun."},
	{ConfigPlainHTTP, LevelWarning, "The target is reached without TLS.", "Use https; `allow_http: true` is for closed networks only."},

	{FileEmpty, LevelFormat, "The file is empty.", "Export it again."},
	{FileEncoding, LevelFormat, "The file is not in the encoding of its contract.", "Export as UTF-8, or set `encoding` in the bundle to the one named."},
	{FileNUL, LevelFormat, "The file holds NUL bytes: it is no text, or UTF-16 without its mark.", "Export as CSV in UTF-8."},
	{FileQuote, LevelFormat, "A quote is never closed.", "Correct the line named, where the quoted cell begins."},
	{FileLineEnds, LevelFormat, "The lines end with carriage returns alone.", "Export with Windows (CRLF) or Unix (LF) line ends."},
	{FileDrift, LevelFormat, "The header does not match the bundle's contract.", "Compare the columns listed; use a bundle version for this layout."},
	{FileNewColumn, LevelWarning, "The file has a column that the contract does not know.", "Nothing is lost that was mapped; add it to the bundle, mapped or ignored with a reason."},
	{FileHeaderOnly, LevelWarning, "The file has a header and no rows.", "If rows were expected, export again."},
	{FileAlternatives, LevelWarning, "Two columns of the file are alternatives of one name.", "Check which one holds the values; the first that the bundle names was read."},
	{FileElements, LevelWarning, "Elements of a list have no column in the file.", "If the layout never has them, nothing is to do; else ask the vendor."},
	{RowQuote, LevelError, "The quotes of a row do not fit together.", "Correct the row: double the quotes inside of a quoted cell."},
	{RowShortened, LevelInfo, "Rows end before columns that may be missing.", "Nothing to do; the columns were read as empty."},
	{RowBlank, LevelInfo, "Lines without any text were passed over.", "Nothing to do."},
	{RowShort, LevelError, "A row ends before its last needed column.", "Correct the row: a delimiter or a quote is missing."},
	{RowLong, LevelError, "A row has more cells than the header.", "Correct the row: a cell holds an unquoted delimiter."},
	{RowDuplicate, LevelInfo, "A row repeats an earlier one and was left out.", "Nothing to do."},
	{RowKeyConflict, LevelError, "Rows with one key say different things.", "Find out which is right, remove the other; or state `duplicates` in the bundle."},
	{RowExpectation, LevelError, "A row does not meet an expectation of the bundle.", "Correct the row; the message says what is expected."},
	{RowFiltered, LevelInfo, "Rows were filtered by the bundle's `when`.", "Check the parameter if more rows were expected."},
	{CellRequired, LevelError, "A cell that must be filled is blank.", "Fill it and run the reject file again."},
	{CellType, LevelError, "A cell does not fit its type.", "Correct it and run the reject file again."},
	{CellScore, LevelError, "A score does not fit its datatype, or is too long.", "Correct it; nothing is cut or guessed."},
	{CellScoreDerived, LevelInfo, "A score is computed by the bundle; the vendor does not give it.", "Nothing to do, if the assessment's owner agrees."},
	{CellScoreRange, LevelWarning, "A score lies outside the range of its table.", "Check it with the vendor; it was staged."},
	{Unmapped, LevelError, "A vendor's value is not in the table that maps it.", "Paste the row of unmapped.csv into the overlay it names, and run again."},
	{StudentMissing, LevelError, "No student id is on the row.", "Fill in the id; blanks are never matched."},
	{ExpressionNull, LevelError, "An expression met an empty value where it needs one.", "Fill the cell named, or write (x ?? y) in the bundle."},
	{ExpressionFails, LevelError, "An expression failed on this row.", "The message names the rule and the value."},
	{RecordRequired, LevelError, "A record lacks a property that the API requires.", "Fill the cell it comes from, or give the record a `when`."},
	{RecordDuplicate, LevelInfo, "A record equals an earlier one and was left out.", "Nothing to do."},
	{RecordConflict, LevelError, "Records with one natural key differ; none was staged.", "Find out which is right; the key must hold what tells the events apart."},
	{DescriptorCase, LevelWarning, "Two codes differ only in upper and lower case.", "Targets treat them as one; ask the vendor which is meant."},
	{DescriptorSame, LevelWarning, "Two values of the vendor become one descriptor code.", "Give one of them another `code` in the bundle's table, if they do not mean the same."},
	{DescriptorLong, LevelError, "A descriptor code is longer than 50 characters.", "Give the value a `code` in its table; nothing is cut."},
	{LevelUndeclared, LevelWarning, "A performance level is in no table of the bundle.", "Add it to the levels of the assessment; it was staged."},

	{RecordJSON, LevelError, "A staged line is not one JSON object.", "Run transform again; do not edit staged files by hand."},
	{RecordSchema, LevelError, "A value breaks the schema of its resource.", "Correct the source cell or the bundle's rule."},
	{RecordUnknown, LevelError, "The resource has no such property; the target would drop it in silence.", "Correct the name in the bundle."},
	{RecordServerField, LevelError, "The target alone may set this property.", "Remove it from the record."},
	{RecordItemTwice, LevelError, "A collection holds two items with the same identity.", "Remove one; the target refuses both."},
	{RecordPartsDiffer, LevelError, "Parts of the key that must be equal differ.", "Make the references of the record point at the same thing."},
	{RecordDescriptor, LevelError, "The target does not know this descriptor value.", "Load it, or point the mapping at a value the target has."},
	{RecordDate, LevelInfo, "A plain date stands where the API says date-time; targets read it as midnight.", "Nothing to do."},
	{RecordUnchecked, LevelWarning, "The target did not let us check this record.", "Grant the credential the right to read what the message names."},
	{RecordEdited, LevelWarning, "The staged files are not those that transform wrote.", "If that was not meant, run transform again."},
	{ReferenceMissing, LevelError, "The record refers to something that is neither staged nor at the target.", "Load what is missing, or correct the reference."},
	{ReferenceInvalid, LevelWarning, "The record refers to a staged record that is invalid; send will block it.", "Mend the record it refers to."},
	{ReferenceBlocked, LevelError, "The record was not sent because what it refers to was not accepted.", "Mend the record it refers to and send again."},
	{ReferenceUnknown, LevelWarning, "A reference could not be checked at the target.", "Grant the credential the right to read it, or set accept_unchecked for the tenant."},
	{ReferenceCycle, LevelError, "Records of one resource refer to each other in a circle.", "Break the circle."},
	{ResourceUnknown, LevelError, "The data standard has no such resource.", "Correct the resource's name, or the data standard."},
	{StandardMismatch, LevelFormat, "The run was shaped for another major data standard than the target's.", "Set `data_standard` of the tenant and transform again."},
	{GuardNoPass, LevelFormat, "The run has no pass: it was not validated against the target, or changed since.", "Run `sluice validate` for this tenant."},
	{GuardForeignPass, LevelFormat, "The pass is for another tenant, target or bundle, or was given offline.", "Run `sluice validate` for this tenant, online."},
	{GuardOldPass, LevelFormat, "The pass is too old, or the run or its target was changed since it was given.", "Run `sluice validate` again."},
	{GuardLocked, LevelFormat, "Another command is at work for this tenant, or in this run.", "Wait for it, or stop it."},
	{GuardLedger, LevelFormat, "The target is not what the ledger says: emptied, restored or another one.", "Run `sluice ledger rebuild` for the tenant."},
	{GuardNothing, LevelFormat, "Every row was filtered or belongs to others; nothing would be loaded.", "Check the parameters against the values seen."},
	{GuardEquation, LevelFormat, "The counts of the stage do not add up; something was lost or doubled.", "Keep the run directory and report it: this is a defect of sluice."},
	{GuardTargetChanged, LevelFormat, "The target has another major data standard than before.", "Check it, then run `sluice target accept`."},

	{AuthRefused, LevelFormat, "The target refused the credential.", "Check key and secret of the tenant; ask the host whether it is active."},
	{AuthForbidden, LevelError, "The credential may not do this.", "Ask the host for a claim set that allows it."},
	{AuthNamespace, LevelError, "The credential's namespaces do not cover the record's.", "Ask the host to add the namespace prefix to the credential."},
	{AuthTooMany, LevelError, "The target has too many live tokens for this credential.", "Wait for them to expire; do not share one credential between programs."},
	{TargetUnreached, LevelError, "The target did not answer.", "Check the address and the network; run again, it goes on where it stopped."},
	{TargetTLS, LevelFormat, "The target's certificate could not be verified.", "Have the host mend the certificate; sluice never goes on without it."},
	{TargetRefused, LevelError, "The target refused the record.", "Read the target's own message; mend the record or the target."},
	{TargetConflict, LevelError, "The target found a conflict.", "Read the target's own message; load what it refers to first."},
	{TargetBusy, LevelError, "The target asked to slow down for longer than sluice waits.", "Run again later; it goes on where it stopped."},
	{TargetServer, LevelError, "The target failed while taking the record.", "Run again; if it stays, give the correlation id to the host."},
	{TargetOdd, LevelError, "The target answered something that is no Ed-Fi answer.", "Check the address: a proxy or login page may stand before it."},
	{MachineDisk, LevelFormat, "A file could not be written.", "Free space, or choose another run directory."},
	{MachineInterrupt, LevelError, "The command was interrupted; what was done is saved.", "Run the same command again."},
	{Internal, LevelFormat, "sluice met a state that should not exist.", "Report it with the log of the run."},
}
