package schema

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// partEnd ends each part of a key's canonical form; no UTF-8 text holds it. A key's hash is the first
// half of SHA-256 over that form: the resource's name and the values of the key's parts in the order
// of Identity, descriptor values folded and numbers canonical, as targets compare them.
const partEnd = 0xff

func sum(canonical []byte) (h [16]byte) {
	full := sha256.Sum256(canonical)
	copy(h[:], full[:])
	return h
}

func appendPart(dst, value []byte, fold bool) []byte {
	if fold {
		dst = FoldDescriptor(dst, value)
	} else {
		dst = append(dst, value...)
	}
	return append(dst, partEnd)
}

// HashFor is the Key.Hash of the record that the reference points at, if that is a record of target.
// An abstract target such as EducationOrganization may be schools or localEducationAgencies.
func (u *ReferenceUse) HashFor(target string) [16]byte {
	if len(u.Reference.Targets) == 1 {
		return u.Hash
	}
	return sum(u.appendKey(make([]byte, 0, 256), target))
}

func (u *ReferenceUse) appendKey(dst []byte, target string) []byte {
	dst = append(dst, target...)
	dst = append(dst, partEnd)
	for _, key := range u.plan.orders[target] {
		dst = appendPart(dst, u.Parts[key].Value, u.plan.fold[key])
	}
	return dst
}

// FoldDescriptor appends value in the form in which targets compare descriptor values: ordinal,
// without regard to case.
func FoldDescriptor(dst, value []byte) []byte {
	for i := 0; i < len(value); {
		c := value[i]
		if c < utf8.RuneSelf {
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			dst = append(dst, c)
			i++
			continue
		}
		r, size := utf8.DecodeRune(value[i:])
		i += size
		// Letters that would fold into ASCII (ſ, ı, K) are letters of their own to a target.
		if f := unicode.ToLower(unicode.ToUpper(r)); f >= utf8.RuneSelf {
			r = f
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst
}

// Folded is a quick hash of the key without regard to case and to how characters are composed: keys that differ
// in nothing else have the same.
func (k *Key) Folded() uint64 {
	h := uint64(hashSeed)
	for i := range k.Parts {
		h = quickHash(h, composed(k.Parts[i].Value), true)
	}
	return h
}

// AppendFolded appends the key as Folded sees it.
func (k *Key) AppendFolded(dst []byte) []byte {
	for i := range k.Parts {
		dst = append(FoldDescriptor(dst, composed(k.Parts[i].Value)), partEnd)
	}
	return dst
}

// composed is a text in the form in which each character is one where it can be: é, not e with an accent behind.
func composed(text []byte) []byte {
	for _, c := range text {
		if c >= utf8.RuneSelf {
			return norm.NFC.Bytes(text)
		}
	}
	return text
}

// equalValues compares two canonical values, as descriptors if fold is set.
func equalValues(a, b []byte, fold bool) bool {
	if string(a) == string(b) {
		return true
	}
	return fold && string(FoldDescriptor(nil, a)) == string(FoldDescriptor(nil, b))
}

const (
	hashSeed  = 0x9e3779b97f4a7c15
	hashPrime = 0xff51afd7ed558ccd
	foldBits  = 0x2020202020202020
	highBits  = 0x8080808080808080
)

// quickHash tells the items of one collection apart; where hashes are equal, values are compared in
// full. fold sets the bit in which a lower-case letter differs from its upper-case one.
func quickHash(h uint64, value []byte, fold bool) uint64 {
	var mask, high uint64
	if fold {
		mask = foldBits
	}
	start, rest := h, value
	for len(rest) >= 8 {
		x := binary.LittleEndian.Uint64(rest)
		high |= x
		h = bits.RotateLeft64(h^(x|mask), 29) * hashPrime
		rest = rest[8:]
	}
	var tail uint64
	for _, c := range rest {
		tail = tail<<8 | uint64(c)
	}
	high |= tail
	if fold && high&highBits != 0 {
		return quickHash(start^hashSeed, FoldDescriptor(nil, value), false)
	}
	h = bits.RotateLeft64(h^(tail|mask), 29) * hashPrime
	return h ^ h>>32 ^ uint64(len(value))
}
