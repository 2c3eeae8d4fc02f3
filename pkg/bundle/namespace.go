package bundle

import "regexp"

// The characters are those that the API takes in the namespace of a descriptor; a namespace may have any number of
// segments, but none of a descriptor type: that stands between the namespace and the code.
var (
	namespaceForm     = regexp.MustCompile(`^uri://[A-Za-z0-9$_.+!*'(),-]+(/[A-Za-z0-9$_.+!*'(),~-]+)*$`)
	descriptorSegment = regexp.MustCompile(`/[A-Za-z0-9]*Descriptor(/|$)`)
)

// IsNamespace reports whether a text is a namespace: uri://host or uri://host/path.
func IsNamespace(s string) bool {
	return namespaceForm.MatchString(s) && !descriptorSegment.MatchString(s)
}

// NamespaceFix says what a namespace looks like.
const NamespaceFix = "Write uri://host or uri://host/path, without a blank, `#`, a descriptor type, or `/` at its end."
