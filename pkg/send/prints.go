package send

import (
	"errors"
	"hash/maphash"
	"io"

	"github.com/sluice-edfi/sluice/pkg/jsonl"
)

// prints are fingerprints of the blocks of a staged file, taken while the pass is checked against the
// whole file. What is read again to be sent is held against them block by block, before any of it
// leaves: that is a tenth of the work of the file's digest. The seed is this process's own.
type prints []uint64

var printSeed = maphash.MakeSeed()

func printOf(data []byte) uint64 { return maphash.Bytes(printSeed, data) }

// takePrints reads a staged file for its digest and its prints.
func takePrints(path string) (jsonl.Digest, prints, error) {
	r, err := jsonl.Open(path)
	if err != nil {
		return jsonl.Digest{}, nil, err
	}
	defer r.Close()
	var b jsonl.Block
	var p prints
	for {
		if err := r.Next(&b, blockSize); errors.Is(err, io.EOF) {
			return r.Digest(), p, nil
		} else if err != nil {
			return jsonl.Digest{}, nil, err
		}
		p = append(p, printOf(b.Data))
	}
}
