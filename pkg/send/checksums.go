package send

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"hash/maphash"
	"sync"

	"github.com/sluice-edfi/sluice/pkg/jsonl"
	"github.com/sluice-edfi/sluice/pkg/ordered"
)

// checksums are those of the blocks of a staged file, taken while the pass is checked against the
// whole file. What is read again to be sent is held against them block by block, before any of it
// leaves: that is a tenth of the work of the file's digest. They hold in this process only.
type checksums []uint64

var checksumSeed = maphash.MakeSeed()

func checksum(data []byte) uint64 { return maphash.Bytes(checksumSeed, data) }

// takeChecksums reads a staged file for its digest and the checksums of its blocks. Nothing is sent
// meanwhile, so reading, the checksums and the digest, which is one long chain, go side by side.
func takeChecksums(ctx context.Context, path string) (d jsonl.Digest, sums checksums, err error) {
	r, err := jsonl.OpenPlain(path)
	if err != nil {
		return d, nil, err
	}
	defer r.Close()
	type piece struct {
		block jsonl.Block
		sum   uint64
	}
	pieces := sync.Pool{New: func() any { return &piece{} }}
	whole := sha256.New()
	read := func() (*piece, error) {
		p := pieces.Get().(*piece)
		return p, r.Next(&p.block, blockSize)
	}
	sum := func(p *piece) error {
		p.sum = checksum(p.block.Data)
		return nil
	}
	digest := func(p *piece) error {
		whole.Write(p.block.Data)
		sums = append(sums, p.sum)
		pieces.Put(p)
		return nil
	}
	if err := ordered.Run(ctx, 1, read, func() func(*piece) error { return sum }, digest); err != nil {
		return d, nil, err
	}
	d = r.Digest()
	d.SHA256 = hex.EncodeToString(whole.Sum(nil))
	return d, sums, nil
}
