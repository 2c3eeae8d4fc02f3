package schema

// Checker judges one record over its bytes in one pass. It is immutable, one per resource, and
// safe for concurrent use.
type Checker struct {
	resource *Resource
}

// Checker is the check of a resource's records.
func (s *Standard) Checker(resource string) (*Checker, bool) {
	r, ok := s.Resources[resource]
	return &Checker{resource: r}, ok
}

// Check judges the record in data and fills rec.
func (c *Checker) Check(data []byte, rec *Record) { *rec = Record{} }

// HashFor is the Key.Hash of the record the reference points at, if that is one of target: for an
// abstract target such as EducationOrganization, which may be schools or localEducationAgencies.
func (u *ReferenceUse) HashFor(target string) [16]byte { return [16]byte{} }
