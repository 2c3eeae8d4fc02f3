package diag

import "slices"

// Code names one kind of problem: its family, then what it is about. The families are: AUTH
// credential and permission, VAL data, REF references, BUS rules and guards, INT transport and
// target, BND bundle, CFG configuration.
type Code string

// Entry is a row of the table of codes, from which docs/codes.md and `sluice explain` are made.
type Entry struct {
	Code       Code   `json:"code"`
	Level      Level  `json:"level"`
	LevelWord  string `json:"levelWord"`
	Meaning    string `json:"meaning"`
	Resolution string `json:"resolution"`
	Example    string `json:"example"` // a line as it is printed
	File       string `json:"file"`    // to open
	Command    string `json:"command"` // that helps; words in capitals are for the reader to fill in
}

// LevelOf is the code's level; a code that is not in the table counts as an error of the record.
func LevelOf(c Code) Level {
	if e, ok := entries[c]; ok {
		return e.Level
	}
	return LevelError
}

// Explain finds the entry of a code, without its example, file and command.
func Explain(c Code) (Entry, bool) {
	e, ok := entries[c]
	return e, ok
}

// Codes returns the whole table in its order.
func Codes() []Entry {
	all := slices.Clone(table)
	for i := range all {
		all[i] = all[i].detailed()
	}
	return all
}

// The table is what follows: all codes in the order of their declaration.
var (
	table   []Entry
	entries = map[Code]Entry{}
)

// declare puts a code into the table.
func declare(code Code, level Level, meaning, resolution string) Code {
	entries[code] = Entry{Code: code, Level: level, LevelWord: level.String(), Meaning: meaning, Resolution: resolution}
	table = append(table, entries[code])
	return code
}

// Codes of bundles.
var (
	BundleYAML        = declare("BND-YAML", LevelError, "The bundle is not the YAML that format 1 allows.", "Correct the line named; quote what the message says to quote.")
	BundleKey         = declare("BND-KEY", LevelError, "A key is unknown, repeated, missing or in the wrong place.", "Correct the key; docs/bundle-format.md lists what may stand where.")
	BundleName        = declare("BND-NAME", LevelError, "A name is malformed, used twice, or not known here.", "Rename it, or declare what it refers to; names never shadow each other.")
	BundleValue       = declare("BND-VALUE", LevelError, "A value has the wrong form or type.", "Write it as the message says.")
	BundleExpression  = declare("BND-EXPRESSION", LevelError, "An expression does not compile.", "Correct the expression; docs/bundle-format.md §9 lists operators and functions.")
	BundleTable       = declare("BND-TABLE", LevelError, "A table of the bundle is ragged, repeats a key, overlaps, or holds a cell that does not fit.", "Correct the CSV line named.")
	BundleScores      = declare("BND-SCORES", LevelError, "A score table does not fit its input or list.", "Correct the row named; columns and kinds are in docs/bundle-format.md §5.")
	BundleList        = declare("BND-LIST", LevelError, "A list cannot have elements, or its headers name fields that it does not have.", "Correct `over`, `on` or the header patterns.")
	BundleDescriptor  = declare("BND-DESCRIPTOR", LevelError, "A descriptor type is not declared, may not be the vendor's, or its table does not fit.", "List it under `descriptors.vendor` or `descriptors.shared`.")
	BundleRecord      = declare("BND-RECORD", LevelError, "A record of the bundle does not fit the data standard.", "Use the property names and types of the standard; the message names what it expects.")
	BundleStandard    = declare("BND-STANDARD", LevelError, "The bundle does not cover the data standard asked for.", "Choose a data standard in the bundle's range, or widen the range after a test.")
	BundleNotFound    = declare("BND-NOT-FOUND", LevelError, "No such bundle, or no such version of it.", "See `sluice bundle list`; a path to a folder must hold a separator, as in ./my-bundle.")
	BundleUnsupported = declare("BND-UNSUPPORTED", LevelError, "The bundle uses something that this version of sluice cannot run.", "Use a newer sluice, or another input format.")
	BundleLint        = declare("BND-LINT", LevelWarning, "The bundle breaks a rule that bundles keep.", "Follow the message; docs/bundle-format.md §10 has the reason.")
	BundleFixture     = declare("BND-FIXTURE", LevelError, "A fixture's output is not what is expected.", "If the change is meant, run `sluice bundle test --update` and review the difference.")
	BundleOverlay     = declare("BND-OVERLAY", LevelError, "A tenant's table does not fit the bundle, or may not be overlaid.", "Give it the columns of the bundle's table; only tables under `descriptors.shared` or with `overlay: true` may be overlaid.")
)

// Codes of configuration and usage.
var (
	ConfigUsage     = declare("CFG-USAGE", LevelError, "The command was called wrongly.", "See `sluice COMMAND --help`.")
	ConfigFile      = declare("CFG-FILE", LevelError, "A file or folder cannot be used as named.", "Check the path; it must be a readable file.")
	ConfigKey       = declare("CFG-KEY", LevelError, "sluice.yaml holds an unknown, repeated or wrong key.", "Correct the line named; `sluice help settings` lists every key.")
	ConfigLater     = declare("CFG-LATER", LevelError, "sluice.yaml uses a key that this version does not have.", "Remove the key; it would be ignored otherwise.")
	ConfigSecret    = declare("CFG-SECRET", LevelError, "A secret's source is unset or unreadable.", "Set the variable, or correct the file or command that client_secret names.")
	ConfigTenant    = declare("CFG-TENANT", LevelError, "No such tenant, or a tenant that is not complete.", "Name a tenant of sluice.yaml, or `sandbox`.")
	ConfigParam     = declare("CFG-PARAM", LevelError, "A parameter is missing, unknown, or of the wrong type.", "Give it as --param NAME=VALUE; `sluice bundle show BUNDLE` lists them.")
	ConfigInput     = declare("CFG-INPUT", LevelError, "An input is missing or unknown.", "Give it as --input NAME=FILE; `sluice bundle show BUNDLE` lists them.")
	ConfigRun       = declare("CFG-RUN", LevelError, "The run directory cannot be used.", "Name an empty or new folder, or a run whose send has not begun.")
	ConfigPlainHTTP = declare("CFG-PLAIN-HTTP", LevelWarning, "The target is reached without TLS.", "Use https; `allow_http: true` is for closed networks only.")
)

// Codes of vendor files and their rows.
var (
	FileEmpty        = declare("VAL-FILE-EMPTY", LevelFormat, "The file is empty.", "Export it again.")
	FileFormat       = declare("VAL-FILE-FORMAT", LevelFormat, "The file is not a text with rows: it is a workbook, a web page, an archive or the like.", "Export it as CSV.")
	FileEncoding     = declare("VAL-FILE-ENCODING", LevelFormat, "The file is not in the encoding that is expected.", "Export it as UTF-8, or name its encoding with --encoding INPUT=NAME.")
	FileNUL          = declare("VAL-FILE-NUL", LevelFormat, "The file holds NUL bytes: it is not text, or UTF-16 without its mark.", "Export as CSV in UTF-8.")
	FileQuote        = declare("VAL-FILE-QUOTE", LevelFormat, "A quote is never closed.", "Correct the line named, where the quoted cell begins.")
	FileLineEnds     = declare("VAL-FILE-LINE-ENDS", LevelFormat, "The lines end with carriage returns alone.", "Export with Windows (CRLF) or Unix (LF) line ends.")
	FileDrift        = declare("VAL-FILE-DRIFT", LevelFormat, "The header does not match the bundle's contract.", "Compare the columns listed with an earlier file, or ask the vendor what has changed.")
	FileNewColumn    = declare("VAL-FILE-NEW-COLUMN", LevelWarning, "The file has a column that the contract does not know.", "Check that it is not a column that is read under another name. If it is not, there is nothing to do; a bundle of your own can ignore it.")
	FileHeaderOnly   = declare("VAL-FILE-HEADER-ONLY", LevelWarning, "The file has a header and no rows.", "If rows were expected, export again.")
	FileAlternatives = declare("VAL-FILE-ALTERNATIVES", LevelWarning, "Two columns of the file are alternatives of one name.", "Check which one holds the values; the first that the bundle names was read.")
	FileElements     = declare("VAL-FILE-ELEMENTS", LevelWarning, "Elements of a list have no column in the file.", "If the layout never has them, there is nothing to do; otherwise ask the vendor.")
	FilePassedOver   = declare("VAL-FILE-PASSED-OVER", LevelInfo, "A file or folder among records of another tool was not read, or has no records.", "If it holds records, name it like their resource: studentAssessments.jsonl.")
	FileChanged      = declare("VAL-FILE-CHANGED", LevelFormat, "A file changed while it was read.", "Wait until the tool that writes it has ended, then run the same command again.")
	AckExpired       = declare("CFG-ACKNOWLEDGE-EXPIRED", LevelWarning, "A warning was acknowledged until a day that has passed.", "Look at it again: correct what it warns of, or set a new `until` in the tenant's `acknowledge`.")
	AckUnused        = declare("CFG-ACKNOWLEDGE-UNUSED", LevelInfo, "An acknowledgement of the tenant covers nothing in this run.", "If what it was for is settled, remove it.")
	RulesFile        = declare("BND-RULES", LevelError, "A rules.yaml has a mistake.", "Correct the line named; docs/rules.md has the format.")
	RowQuote         = declare("VAL-ROW-QUOTE", LevelError, "The quotes of a row do not match.", "Correct the row: take the quote out, or double one that stands in a quoted cell. A bundle for files that do not quote says `quotes: none`.")
	RowShortened     = declare("VAL-ROW-SHORTENED", LevelInfo, "Rows end before columns that may be missing.", "Nothing to do; the columns were read as empty.")
	RowBlank         = declare("VAL-ROW-BLANK", LevelInfo, "Lines without any text were passed over.", "Nothing to do.")
	RowShort         = declare("VAL-ROW-SHORT", LevelError, "A row ends before its last needed column.", "Correct the row: a delimiter or a quote is missing.")
	RowLong          = declare("VAL-ROW-LONG", LevelError, "A row has more cells than the header.", "Correct the row: a cell holds an unquoted delimiter.")
	RowDuplicate     = declare("VAL-ROW-DUPLICATE", LevelInfo, "A row repeats an earlier one and was left out.", "Nothing to do.")
	RowKeyConflict   = declare("VAL-ROW-KEY-CONFLICT", LevelError, "Rows with the same key say different things.", "Find out which is right, and remove the other from the file. A bundle can say with `duplicates` which one stays.")
	RowExpectation   = declare("VAL-ROW-EXPECTATION", LevelError, "A row does not meet an expectation of the bundle.", "Correct the row; the message says what is expected.")
	RowFiltered      = declare("VAL-ROW-FILTERED", LevelInfo, "Rows were left out by a condition of the bundle, such as the school year.", "Check the parameter if more rows were expected.")
	CellRequired     = declare("VAL-CELL-REQUIRED", LevelError, "A cell that must be filled is blank.", "Fill it and run the reject file again.")
	CellType         = declare("VAL-CELL-TYPE", LevelError, "A cell does not fit its type.", "Correct it, then run the reject file again.")
	CellScore        = declare("VAL-CELL-SCORE", LevelError, "A score does not fit its datatype, or is too long.", "Correct the cell, then run the reject file.")
	CellScoreDerived = declare("VAL-CELL-SCORE-DERIVED", LevelInfo, "A score is computed by the bundle; the vendor does not give it.", "Nothing to do, if the assessment's owner agrees.")
	CellScoreRange   = declare("VAL-CELL-SCORE-RANGE", LevelWarning, "A score lies outside the range of its table.", "Check it with the vendor; it was staged.")
	Unmapped         = declare("VAL-UNMAPPED", LevelError, "A vendor's value is not in the table that maps it.", "Paste the row of unmapped.csv into the file that it names, check or fill in the cells beside the value, and run again.")
	StudentMissing   = declare("VAL-STUDENT-MISSING", LevelError, "No student id is on the row.", "Fill in the id; blanks are never matched.")
	StudentUnknown   = declare("VAL-STUDENT-UNKNOWN", LevelError, "No student of the roster has the id of the row.", "Read the roster again with `sluice roster pull`, and try the rows again with --only-rejects-of. `sluice roster candidates` lists who they may be.")
	StudentAmbiguous = declare("VAL-STUDENT-AMBIGUOUS", LevelError, "Several students of the roster have the id of the row.", "Correct the students' ids at the target, or say whose it is in the file that `sluice roster candidates` writes.")
	StudentDisagree  = declare("VAL-STUDENT-DISAGREE", LevelError, "The ids of the row belong to different students.", "Correct the id that is wrong. If one column or system is not to be asked, leave it out of roster.student_ids, or name the column with --student.")
	StudentRepaired  = declare("VAL-STUDENT-REPAIRED", LevelInfo, "Ids matched after zeros in front or a `.0` at the end were repaired.", "Nothing to do; a spreadsheet may have changed other columns of the file, too.")
	ExpressionNull   = declare("VAL-EXPRESSION-NULL", LevelError, "An expression met an empty value where it needs one.", "Fill the cell named. A bundle says with (x ?? y) what an empty one means.")
	ExpressionFails  = declare("VAL-EXPRESSION", LevelError, "An expression failed on this row.", "Correct the cell; the message names the rule.")
	RecordRequired   = declare("VAL-RECORD-REQUIRED", LevelError, "A record lacks a property that the API requires.", "Fill the cell that it comes from. A bundle can leave such records out with `when`.")
	RecordDuplicate  = declare("VAL-RECORD-DUPLICATE", LevelInfo, "A record equals an earlier one and was left out.", "Nothing to do.")
	RecordConflict   = declare("VAL-RECORD-KEY-CONFLICT", LevelError, "Records with the same natural key differ; none was staged.", "Find out which is right and remove the other; if both are right, the bundle's key must hold what tells them apart.")
	DescriptorCase   = declare("VAL-DESCRIPTOR-CASE", LevelWarning, "Two codes differ only in upper and lower case.", "Targets treat them as one; ask the vendor which is meant.")
	DescriptorSame   = declare("VAL-DESCRIPTOR-SAME", LevelWarning, "Two values of the vendor become one descriptor code.", "Give one of them another `code` in the bundle's table, if they do not mean the same.")
	DescriptorLong   = declare("VAL-DESCRIPTOR-LONG", LevelError, "A descriptor code is longer than 50 characters.",
		"Give the value a `code`, or a descriptor, in a table; nothing is cut.")
	DescriptorCode = declare("VAL-DESCRIPTOR-CODE", LevelError, "A value cannot be the code of a descriptor.",
		"Correct the cell; or give the value a `code`, or a descriptor, in a table.")
	LevelUndeclared = declare("VAL-LEVEL-UNDECLARED", LevelWarning, "A performance level is in no table of the bundle.", "Add it to the table of levels: the tenant's own, or the bundle's.")
)

// Codes of staged records under validation.
var (
	RecordJSON         = declare("VAL-JSON", LevelError, "A line of a staged file is not one JSON object.", "Run transform again; do not edit staged files by hand.")
	RecordSchema       = declare("VAL-SCHEMA", LevelError, "A value breaks the schema of its resource.", "Correct the source cell or the bundle's rule.")
	RecordUnknown      = declare("VAL-UNKNOWN-PROPERTY", LevelError, "The resource has no such property; the target would drop it in silence.", "Correct the name in the bundle.")
	RecordServerField  = declare("VAL-SERVER-FIELD", LevelError, "The target alone may set this property.", "Remove it from the record.")
	RecordItemTwice    = declare("VAL-ITEM-TWICE", LevelError, "A collection holds two items with the same identity.", "Remove one; the target refuses both.")
	RecordPartsDiffer  = declare("VAL-PARTS-DIFFER", LevelError, "Parts of the key that must be equal differ.", "Make the references of the record point at the same thing.")
	RecordDescriptor   = declare("VAL-DESCRIPTOR", LevelError, "The target does not know this descriptor value.", "Load it, or point the mapping at a value the target has.")
	RecordDate         = declare("VAL-DATE-AS-DATETIME", LevelInfo, "A plain date is given where the API expects a date and time; targets read it as midnight.", "Nothing to do.")
	RecordKeyCase      = declare("VAL-KEY-CASE", LevelWarning, "Two natural keys differ only in upper and lower case, or in how a character is composed; on some targets they are one record.", "Find out which is meant; on targets that do not tell them apart, the second overwrites the first.")
	RecordPortable     = declare("VAL-PORTABLE", LevelWarning, "The data standard allows this value; some targets refuse or change it.", "Nothing to do if the target takes it; otherwise correct the source or the bundle's rule.")
	ModelDate          = declare("VAL-RESULT-DATE", LevelWarning, "A result has no date of the test, or not a plausible one. No target refuses it.", "Correct the date, or give the reason why the student was not tested.")
	ModelMethod        = declare("VAL-RESULT-METHOD", LevelWarning, "A result uses a reporting method that neither its objective nor its assessment declares. No target refuses it.", "Add the method to the scores of the assessment or the objective.")
	ModelLevel         = declare("VAL-RESULT-LEVEL", LevelWarning, "A result reaches a performance level that neither its objective nor its assessment declares. No target refuses it.", "Add the level, with its reporting method, to the assessment or the objective.")
	ModelResult        = declare("VAL-RESULT-DATATYPE", LevelWarning, "A result does not fit the datatype that it names. No target refuses it.", "Correct the result, or name the datatype that the vendor means.")
	RecordUnchecked    = declare("VAL-UNCHECKED", LevelWarning, "The target did not let us check this record.", "Grant the credential the right to read what the message names.")
	RecordEdited       = declare("VAL-STAGED-EDITED", LevelWarning, "The staged files are not those that transform wrote.", "If that was not meant, run transform again.")
	ReferenceMissing   = declare("REF-MISSING", LevelError, "The record refers to something that is neither staged nor at the target.", "Load what is missing, or correct the reference.")
	ReferenceInvalid   = declare("REF-INVALID-PARENT", LevelWarning, "The record refers to a staged record that is invalid; send will block it.", "Correct the record that it refers to.")
	ReferenceBlocked   = declare("REF-BLOCKED", LevelError, "The record was not sent because what it refers to was not accepted.", "Correct the record that it refers to, and send again.")
	ReferenceRefused   = declare("REF-UNRESOLVED", LevelError, "The target does not have what the record refers to.", "Add it at the target, such as a student who is not enrolled there yet, then send the run again: only what was not taken is sent. Or correct the rows in rejects/ and run these.")
	ReferenceUnknown   = declare("REF-UNCHECKED", LevelWarning, "A reference could not be checked at the target.", "Grant the credential the right to read it, or set accept_unchecked for the tenant.")
	ReferenceCycle     = declare("REF-CYCLE", LevelError, "Records of one resource refer to each other in a circle.", "Correct the cells through which they refer to each other.")
	ResourceUnknown    = declare("VAL-RESOURCE", LevelError, "The data standard has no such resource.", "Correct the resource's name, or the data standard.")
	StandardMismatch   = declare("BUS-DATA-STANDARD", LevelFormat, "The run was shaped for another major data standard than the target's.", "Set `data_standard` of the tenant to an embedded one of the target's major version (`sluice version`) and transform again. Where there is none, this sluice cannot load the target.")
	GuardNoPass        = declare("BUS-NO-PASS", LevelFormat, "The run has no pass: it was not validated against the target, or changed since.", "Run `sluice validate` for this tenant.")
	GuardForeignPass   = declare("BUS-FOREIGN-PASS", LevelFormat, "The pass is for another tenant, target or bundle, or was given offline.", "Run `sluice validate` for this tenant, online.")
	GuardOldPass       = declare("BUS-OLD-PASS", LevelFormat, "The pass is too old, or the run or its target was changed since it was given.", "Run `sluice validate` again.")
	GuardLocked        = declare("BUS-LOCKED", LevelFormat, "Another command is at work for this tenant, or in this run.", "Wait for it, or stop it.")
	GuardLedger        = declare("BUS-LEDGER", LevelFormat, "The target is not what the ledger says (emptied, restored, another one), or the ledger is damaged.", "Run `sluice ledger rebuild` for the tenant.")
	GuardExisting      = declare("BUS-EXISTING", LevelFormat, "The target seems to hold too many of the staged results under other identifiers; they would be there twice.", "Look at problems/same-events.csv. If they are the same events, run `sluice target adopt` for the run; if not, validate with --accept-new.")
	SameEvent          = declare("BUS-SAME-EVENT", LevelError, "The target seems to hold the event under another identifier; the record is not loaded.", "If it is the same event, run `sluice target adopt` for the run, then transform again; if not, validate with --accept-new.")
	GuardNothing       = declare("BUS-NOTHING-LEFT", LevelFormat, "Every row was filtered or belongs to others; nothing would be loaded.", "Check the parameters against the values seen.")
	GuardRejected      = declare("BUS-REJECTED", LevelFormat, "Too many rows were rejected for the run to send the rest by itself.", "Look at problems/transform.csv. If the rest is right, load it with `sluice send`.")
	RuleBroken         = declare("BUS-RULE", LevelError, "A record or a total breaks a rule of the bundle or the tenant.", "The message has the rule's own words, and its place. Correct the source, or the rule.")
	GuardWhole         = declare("BUS-ALL-OR-NOTHING", LevelFormat, "Something stayed behind, and --all-or-nothing was asked for: the run got no pass.", "Correct what stayed behind and run it again, or validate the run without --all-or-nothing to load the rest.")
	EnrollmentDay      = declare("BUS-ENROLLMENT-DAY", LevelWarning, "Students were not enrolled on the day of their result.", "Compare the day with the student's enrollments (`sluice roster show ID`). If the roster is old, read it again with `sluice roster pull`.")
	EnrollmentSchool   = declare("BUS-ENROLLMENT-SCHOOL", LevelWarning, "Students were enrolled on the day of their result, but not at the school that it reports.", "Compare the school with the student's enrollments (`sluice roster show ID`).")
	EnrollmentYear     = declare("BUS-ENROLLMENT-YEAR", LevelInfo, "Results are of a school year for which the roster has no enrollments of their students.", "Nothing to do, if they are meant to be loaded into this target.")
	EnrollmentNone     = declare("BUS-ENROLLMENT-NONE", LevelInfo, "The roster has no enrollments, so results were not compared with them.", "Read them with `sluice roster pull`; `sluice target check` says what the credential may read.")
	GuardMatch         = declare("BUS-STUDENT-MATCH", LevelFormat, "Too few of the students are known to the roster, or far fewer than before.", "Read the roster again with `sluice roster pull`. If the file is right, choose column and system anew with --rematch.")
	GuardEquation      = declare("BUS-EQUATION", LevelFormat, "The counts of the stage do not add up; something was lost or doubled.", "Keep the run directory and report it: this is a defect of sluice.")
	GuardDistrict      = declare("BUS-DISTRICT", LevelFormat, "The credential is for another district than the tenant's lea_codes.", "Use the credential and the address of the tenant's own district, or correct `lea_codes`.")
	GuardRoster        = declare("BUS-ROSTER", LevelFormat, "There are no students, or far fewer than the roster had before.", "Check the credential and the target, or the file. If it is right, add --accept-fewer.")
	GuardTargetChanged = declare("BUS-TARGET-CHANGED", LevelFormat, "The target has another major data standard than before.", "Check it, then run `sluice target accept`.")
)

// Codes of the target and the machine.
var (
	AuthRefused      = declare("AUTH-REFUSED", LevelFormat, "The target refused the credential.", "Check key and secret of the tenant; ask the host whether it is active.")
	AuthForbidden    = declare("AUTH-FORBIDDEN", LevelError, "The credential may not do this.", "Ask the host for a claim set that allows it.")
	AuthNamespace    = declare("AUTH-NAMESPACE", LevelError, "The credential's namespaces do not cover the record's.", "Ask the host to add the namespace prefix to the credential.")
	AuthTooMany      = declare("AUTH-TOO-MANY-TOKENS", LevelError, "The target has too many live tokens for this credential.", "Wait half an hour for them to expire; do not share one credential between programs.")
	TargetUnreached  = declare("INT-UNREACHABLE", LevelError, "The target did not answer.", "Check the address and the network; run again, it goes on where it stopped.")
	TargetTLS        = declare("INT-TLS", LevelFormat, "No TLS connection: a certificate, the target's or the client's, or the version of TLS is not accepted.", "Follow the message; sluice never goes on without a verified connection.")
	TargetRefused    = declare("INT-REFUSED", LevelError, "The target refused the record.", "Read the target's own message; correct the record or the target.")
	TargetConflict   = declare("INT-CONFLICT", LevelError, "The target found that the record collides with another one.", "Read the target's own message in errors/; correct the rows in rejects/ and run these.")
	TargetBusy       = declare("INT-BUSY", LevelError, "The target asked to slow down for longer than sluice waits.", "Run again later; it goes on where it stopped.")
	RecordNotSent    = declare("INT-NOT-SENT", LevelWarning, "The record was not sent: the run stopped, or the target refused all others of the resource.", "Send the run again with `sluice send`; it goes on where it stopped.")
	TargetServer     = declare("INT-SERVER", LevelError, "The target failed while taking the record.", "Run again; if it persists, give the correlation id to the host.")
	TargetOdd        = declare("INT-ODD-ANSWER", LevelError, "The target gave an answer that an Ed-Fi API does not give.", "Check the address: a proxy or login page may stand before it.")
	MachineDisk      = declare("INT-DISK", LevelFormat, "A file could not be written.", "Free space, or choose another folder.")
	MachineInterrupt = declare("INT-INTERRUPTED", LevelError, "The command was interrupted; what was done is saved.", "Run the same command again.")
	Internal         = declare("INT-BUG", LevelFormat, "sluice met a state that should not exist.", "Report it, with the log of the run (log.jsonl).")
)
