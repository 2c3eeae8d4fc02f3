package runs

import (
	"encoding/json"
	"time"

	"github.com/sluice-edfi/sluice/pkg/jsonl"
)

// The stages of a run, in their order.
const (
	Transform = "transform"
	Validate  = "validate"
	Send      = "send"
)

// Manifest is run.json. Fields may be added, none renamed.
type Manifest struct {
	Format       int                     `json:"format"`
	ID           string                  `json:"id"`
	Tool         string                  `json:"tool"` // "sluice 0.1.0 (abcdef)"
	Created      time.Time               `json:"created"`
	Bundle       Bundle                  `json:"bundle"`
	DataStandard string                  `json:"dataStandard"`
	Tenant       string                  `json:"tenant,omitempty"` // empty: no tenant, the run can be validated offline only
	Student      string                  `json:"student,omitempty"`
	Target       *Target                 `json:"target,omitempty"`
	Params       map[string]string       `json:"params"`
	Inputs       []Input                 `json:"inputs"`
	Overlays     []FileDigest            `json:"overlays,omitempty"` // tenant tables that took part
	Stages       map[string]*Stage       `json:"stages"`
	Staged       map[string]jsonl.Digest `json:"staged"`
	Verdicts     map[string]jsonl.Digest `json:"verdicts,omitempty"`
	Pass         *Pass                   `json:"pass,omitempty"`
}

// Bundle says which mapping shaped the run.
type Bundle struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Digest  string `json:"digest"`
	Origin  string `json:"origin"` // a folder, or "embedded"
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
}

// FileDigest names a file and what it held.
type FileDigest struct {
	Path   string `json:"path"`
	SHA256 string `json:"sha256"`
}

// Stage is one execution of a stage; the newest one stands in the manifest, all of them in summaries/.
type Stage struct {
	Start  time.Time       `json:"start"`
	End    *time.Time      `json:"end,omitempty"`
	Exit   *int            `json:"exit,omitempty"`
	Counts json.RawMessage `json:"counts,omitempty"` // TransformCounts, ValidateCounts or SendCounts
}

// Pass is what validate writes and send asks for (design §1.3).
type Pass struct {
	Tenant       string            `json:"tenant"`
	Target       string            `json:"target"` // Target.Identity
	Bundle       string            `json:"bundle"` // Bundle.Digest
	DataStandard string            `json:"dataStandard"`
	Online       bool              `json:"online"`
	At           time.Time         `json:"at"`
	Staged       map[string]string `json:"staged"`   // resource → sha256
	Verdicts     map[string]string `json:"verdicts"` // resource → sha256
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

// InputCounts is transform's equation for one input.
type InputCounts struct {
	Read      int64 `json:"read"`
	Used      int64 `json:"used"`
	Filtered  int64 `json:"filtered"`
	Duplicate int64 `json:"duplicate"`
	Other     int64 `json:"other"`
	Unmatched int64 `json:"unmatched"`
	Rejected  int64 `json:"rejected"`
}

// Holds reports whether every row read is accounted for.
func (c InputCounts) Holds() bool {
	return c.Read == c.Used+c.Filtered+c.Duplicate+c.Other+c.Unmatched+c.Rejected
}

// StagedCounts is what transform wrote for one resource.
type StagedCounts struct {
	Staged    int64 `json:"staged"`
	Duplicate int64 `json:"duplicate"` // records that equalled an earlier one and were not staged again
	Rejected  int64 `json:"rejected"`  // records that were not staged
}

// TransformCounts is the counts of transform.
type TransformCounts struct {
	Inputs    map[string]InputCounts  `json:"inputs"`
	Resources map[string]StagedCounts `json:"resources"`
}

// Verdicts is validate's equation for one resource.
type Verdicts struct {
	Staged    int64 `json:"staged"`
	Valid     int64 `json:"valid"` // Valid, Marked and Duplicate lines
	Invalid   int64 `json:"invalid"`
	Unchecked int64 `json:"unchecked"`
	Marked    int64 `json:"marked"`    // of the valid: depend on one that is not
	Duplicate int64 `json:"duplicate"` // of the valid: equal to an earlier line
}

// Holds reports whether every staged record is accounted for.
func (v Verdicts) Holds() bool { return v.Staged == v.Valid+v.Invalid+v.Unchecked }

// ValidateCounts is the counts of validate.
type ValidateCounts struct {
	Online bool `json:"online"`
	// OpenForTarget: asked offline, some records were left unchecked, all of them only because the
	// target alone can answer. That is no fault of the records.
	OpenForTarget bool                `json:"openForTarget,omitempty"`
	Resources     map[string]Verdicts `json:"resources"`
}

// Loaded is send's equation for one resource.
type Loaded struct {
	Staged    int64 `json:"staged"`
	Created   int64 `json:"created"`
	Updated   int64 `json:"updated"`
	Unchanged int64 `json:"unchanged"`
	Duplicate int64 `json:"duplicate"`
	Invalid   int64 `json:"invalid"`
	Blocked   int64 `json:"blocked"`
	Rejected  int64 `json:"rejected"`
	Pending   int64 `json:"pending"`
}

// Holds reports whether every staged record is accounted for.
func (l Loaded) Holds() bool {
	return l.Staged == l.Created+l.Updated+l.Unchanged+l.Duplicate+l.Invalid+l.Blocked+l.Rejected+l.Pending
}

// SendCounts is the counts of send.
type SendCounts struct {
	DryRun     bool                        `json:"dryRun,omitempty"`
	Resources  map[string]Loaded           `json:"resources"`
	Categories map[string]map[string]int64 `json:"categories,omitempty"` // of what did not load, by resource (NI-O6)
}
