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
	type summed struct {
		jsonl.Block
		sum uint64
	}
	blocks := sync.Pool{New: func() any { return &summed{} }}
	whole := sha256.New()
	read := func() (*summed, error) {
		b := blocks.Get().(*summed)
		return b, r.Next(&b.Block, blockSize)
	}
	sum := func(b *summed) error {
		b.sum = checksum(b.Data)
		return nil
	}
	digest := func(b *summed) error {
		whole.Write(b.Data)
		sums = append(sums, b.sum)
		blocks.Put(b)
		return nil
	}
	if err := ordered.Run(ctx, 1, read, func() func(*summed) error { return sum }, digest); err != nil {
		return d, nil, err
	}
	d = r.Digest()
	d.SHA256 = hex.EncodeToString(whole.Sum(nil))
	return d, sums, nil
}
