package runs

import (
	"encoding/json"
	"time"

	"github.com/sluice-edfi/sluice/pkg/jsonl"
)

// Manifest is run.json. Fields may be added, none renamed.
type Manifest struct {
	Format       int                     `json:"format"`
	ID           string                  `json:"id"`
	Tool         string                  `json:"tool"` // "sluice 0.1.0 (abcdef)"
	Created      time.Time               `json:"created"`
	Bundle       Bundle                  `json:"bundle"`
	DataStandard string                  `json:"dataStandard"`
	StandardFrom string                  `json:"dataStandardFrom,omitempty"` // why it was this one
	LeftOut      []string                `json:"leftOut,omitempty"`          // properties of the bundle's records that data standard and parameters leave out
	Tenant       string                  `json:"tenant,omitempty"`           // empty: no tenant, the run can be validated offline only
	Student      string                  `json:"student,omitempty"`
	StudentAsked bool                    `json:"studentAsked,omitempty"` // a person named the column of students' ids for this run
	Roster       *Roster                 `json:"roster,omitempty"`       // nil: students were not looked up
	Target       *Target                 `json:"target,omitempty"`
	Params       map[string]string       `json:"params"`
	Folder       string                  `json:"folder,omitempty"`  // where transform was started: relative paths of inputs begin there
	Records      string                  `json:"records,omitempty"` // folder of the records of another tool that the run was made of, without a bundle
	ReadAs       map[string]string       `json:"readAs,omitempty"`  // inputs whose files are not written as the bundle says
	Inputs       []Input                 `json:"inputs"`
	Overlays     []Overlay               `json:"overlays,omitempty"` // tenant tables that took part
	Adopted      *Adopted                `json:"adopted,omitempty"`  // identifiers of the target that took part
	Stages       map[string]*Execution   `json:"stages"`
	Stopped      *Stop                   `json:"stopped,omitempty"` // nil: the last command ended by itself, or was killed
	Next         *Next                   `json:"next,omitempty"`    // the command to go on with; nil: there is none
	Rules        []RuleFile              `json:"rules,omitempty"`   // files of rules that staged records are judged by
	Totals       map[string]string       `json:"totals,omitempty"`  // what rules counted, by file and name
	Staged       map[string]jsonl.Digest `json:"staged"`
	Verdicts     map[string]jsonl.Digest `json:"verdicts,omitempty"`
	Pass         *Pass                   `json:"pass,omitempty"`

	// ToCorrect is, by file, what the newest stage and transform left behind.
	ToCorrect []Reject `json:"toCorrect,omitempty"`
}

// OfRecords stands for the bundle's name in a run that was made of another tool's records.
const OfRecords = "records"

// Next is the command to go on with.
type Next struct {
	Why     string   `json:"why,omitempty"` // what it is for, or what comes before it
	Command []string `json:"command"`       // word by word, the program first
	Folder  string   `json:"folder"`        // where its relative paths begin
	Or      *Next    `json:"or,omitempty"`  // what may be done in place of it
}

// Bundle says which mapping shaped the run.
type Bundle struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Digest  string `json:"digest"`
	Origin  string `json:"origin"` // a folder, or "embedded"

	Assessment string `json:"assessment,omitempty"` // family and version, as "MAP Growth 2024"
}

// Target is the identity of a tenant's target and what it said of itself.
type Target struct {
	Identity     string `json:"identity"` // tenant + environment + base URL + instance/year, as the ledger knows it
	BaseURL      string `json:"baseUrl"`
	Environment  string `json:"environment,omitempty"`
	ClientID     string `json:"clientId,omitempty"`
	APIVersion   string `json:"apiVersion,omitempty"`
	DataStandard string `json:"dataStandard,omitempty"`
}

// Input is one file that transform read.
type Input struct {
	Name   string `json:"name"`
	Path   string `json:"path"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
	Layout string `json:"layout,omitempty"`
	Rows   int64  `json:"rows"`
	Lines  int64  `json:"lines"` // below the header; more than the rows where cells have lines of their own

	Student *StudentColumn `json:"student,omitempty"` // that students' ids were read from

	Optional bool     `json:"optional,omitempty"` // the bundle runs without it
	Written  *Written `json:"written,omitempty"`  // nil: an earlier build made the run

	// Personal are patterns of the headers whose values are never shown on the screen or in a report. nil:
	// it is not known, so none is.
	Personal []string `json:"personal"`
}

// Written says how a file is written, so that its rows can be read once more.
type Written struct {
	Format     string `json:"format,omitempty"`
	Delimiter  string `json:"delimiter,omitempty"`
	Encoding   string `json:"encoding,omitempty"`
	HeaderRows []int  `json:"headerRows,omitempty"`
	NoQuotes   bool   `json:"noQuotes,omitempty"`
	JoinTitles bool   `json:"joinTitles,omitempty"`
}

// Reject is what somebody has to correct, or to run again, of one file: rows that transform rejected, and
// those whose records validate or the target refused. A row counts once, whatever is wrong with it.
type Reject struct {
	Input  string `json:"input"`
	From   string `json:"from"`   // path of the vendor's file
	File   string `json:"file"`   // in the run, with slashes; not there if there are no rows
	Rows   int64  `json:"rows"`   // in File
	SHA256 string `json:"sha256"` // of File as it was written

	Because map[Fate]int64 `json:"because"` // rows, Lost ones too, by the gravest that befell them

	// Lost rows are known by their lines only, which stand in LostFile, and Why says why.
	Lost     int64  `json:"lost,omitempty"`
	LostFile string `json:"lostFile,omitempty"`
	Why      string `json:"why,omitempty"`
}

// Fate is what befell a row, or a record of it, that did not get through.
type Fate string

// The fates; of several the first is the gravest.
const (
	RowRejected     Fate = "rejected"  // by transform
	RecordInvalid   Fate = "invalid"   // as validate says
	RecordRefused   Fate = "refused"   // by the target
	RecordUnchecked Fate = "unchecked" // the target did not let it be checked
	RecordBlocked   Fate = "blocked"   // something that it refers to did not get through
)

// Fates are all of them, the gravest first.
func Fates() []Fate {
	return []Fate{RowRejected, RecordInvalid, RecordRefused, RecordUnchecked, RecordBlocked}
}

// StudentColumn is a column of a file: the bundle's name, and the file's header.
type StudentColumn struct {
	Name   string `json:"name"`
	Header string `json:"header"`
}

// InputFile is the path of the file that an origin names; "" if transform read no such file.
func (m *Manifest) InputFile(o jsonl.Origin) string {
	nth := max(o.File, 1)
	for _, in := range m.Inputs {
		if in.Name == o.Input {
			if nth--; nth == 0 {
				return in.Path
			}
		}
	}
	return ""
}

// Overlay is a table of the tenant: its file, and how many rows it added to the bundle's table and replaced there.
type Overlay struct {
	Table    string `json:"table"`
	Path     string `json:"path"`
	SHA256   string `json:"sha256"`
	Added    int    `json:"added"`
	Replaced int    `json:"replaced"`
}

// Adopted is the tenant's table of identifiers that the target already had.
type Adopted struct {
	Table  string `json:"table"` // in the tenant's folder of state
	SHA256 string `json:"sha256"`
	Rows   int    `json:"rows"`
	Used   int64  `json:"used"` // records that have one of them
}

// RuleFile is a rules.yaml: the bundle's as it was when the run was made, or the tenant's when it was last validated.
type RuleFile struct {
	Path     string `json:"path"`
	SHA256   string `json:"sha256"`
	OfBundle bool   `json:"ofBundle,omitempty"` // the run has a copy
}

// Execution is one execution of a stage; the newest one stands in the manifest, all of them in summaries/.
type Execution struct {
	Start  time.Time       `json:"start"`
	End    *time.Time      `json:"end,omitempty"`
	Exit   *Outcome        `json:"exit,omitempty"`   // nil: it has not ended, or was killed
	Counts json.RawMessage `json:"counts,omitempty"` // those of the stage, see Run.Counts
}

// Pass is what validate writes and send asks for.
type Pass struct {
	Tenant       string            `json:"tenant"`
	Target       string            `json:"target"`          // Target.Identity
	Bundle       string            `json:"bundle"`          // Bundle.Digest
	Rules        string            `json:"rules,omitempty"` // digest of the rules that were asked; empty: none
	DataStandard string            `json:"dataStandard"`
	Online       bool              `json:"online"`
	Against      string            `json:"against,omitempty"` // offline: what it was judged by
	At           time.Time         `json:"at"`
	Staged       map[string]string `json:"staged"`   // resource → sha256
	Verdicts     map[string]string `json:"verdicts"` // resource → sha256

	Events *PassEvents `json:"events,omitempty"` // nil: no results are staged, or they were not looked for
}

// PassEvents says that the results which the ledger did not know were looked for at the target.
type PassEvents struct {
	Ledger   string `json:"ledger,omitempty"`   // which ledger that was; empty: none, so that all were looked for
	Accepted bool   `json:"accepted,omitempty"` // a person had looked at them, and they were not
}

// Verdict is validate's word on one staged line, one byte in verdicts/<resource>.
type Verdict byte

// The verdicts. Marked is valid, but depends on an invalid or unchecked record: send blocks it.
// Duplicate is valid and equal to an earlier line: send counts it and does not send it.
const (
	Valid     Verdict = 'v'
	Marked    Verdict = 'm'
	Duplicate Verdict = 'd'
	Invalid   Verdict = 'i'
	Unchecked Verdict = 'u'
)
