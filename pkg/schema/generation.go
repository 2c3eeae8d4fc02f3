package schema

import "strings"

// Generations is a set of generations of the Ed-Fi API. They refuse values beyond what their documents say, and
// not all the same ones.
type Generations uint8

// The generations.
const (
	API5 Generations = 1 << iota // ODS/API 5.x
	API6                         // ODS/API 6.x
	API7                         // ODS/API 7.x
	DMS                          // Data Management Service

	allGenerations = API5 | API6 | API7 | DMS
)

// What generations refuse beyond the schema; what is not here all of them do. docs/validation.md explains each.
const (
	refuseBlanksInKeys  = API7 | DMS         // around a part of a key
	refuseMarkup        = API7               // a text that looks like HTML
	refuseOtherBooleans = API5 | API6        // "true", 1
	refuseZonesOfTimes  = API5 | API6 | API7 // 08:05:00Z
	refuseSlashedDates  = API5 | API6 | API7 // 3/4/2025
	refuseOddNamespaces = API7 | DMS         // of descriptors
)

// GenerationOf is the generation of a target that names this version and has its data at this address; none if
// that does not tell.
func GenerationOf(version, dataURL string) Generations {
	major, _, _ := strings.Cut(version, ".")
	switch known := map[string]Generations{"5": API5, "6": API6, "7": API7, "8": DMS}[major]; {
	case known != 0:
		return known
	case dataURL != "" && !strings.Contains(strings.ToLower(dataURL), "/data/v3"):
		return DMS
	}
	return 0
}

// served are the generations that come with a data standard.
var served = map[string]Generations{"3.3": API5, "4.0": API6 | API7, "5.0": API7, "5.1": API7, "5.2": API7 | DMS, "6.0": API7, "6.1": API7 | DMS}

// generations are those that judge records of the standard: the target's, or all that may be meant.
func (s *Standard) generations() Generations {
	if s.Generation != 0 {
		return s.Generation
	}
	if g := served[s.Version]; g != 0 {
		return g
	}
	return allGenerations
}
