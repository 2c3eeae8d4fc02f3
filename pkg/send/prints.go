package send

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash/maphash"
	"io"
	"sync"

	"github.com/sluice-edfi/sluice/pkg/jsonl"
)

// prints are fingerprints of the blocks of a staged file, taken while the pass is checked against the
// whole file. What is read again to be sent is held against them block by block, before any of it
// leaves: that is a tenth of the work of the file's digest. The seed is this process's own.
type prints []uint64

var printSeed = maphash.MakeSeed()

func printOf(data []byte) uint64 { return maphash.Bytes(printSeed, data) }

// takePrints reads a staged file for its digest and its prints. Nothing is sent meanwhile, so reading
// and the digest, which is one long chain, go side by side.
func takePrints(path string) (d jsonl.Digest, p prints, err error) {
	r, err := jsonl.OpenPlain(path)
	if err != nil {
		return d, nil, err
	}
	defer r.Close()
	const ahead = 3
	read, free := make(chan *jsonl.Block, ahead), make(chan *jsonl.Block, ahead)
	for range ahead {
		free <- &jsonl.Block{}
	}
	sum := sha256.New()
	var digesting sync.WaitGroup
	digesting.Go(func() {
		for b := range read {
			sum.Write(b.Data)
			free <- b
		}
	})
	for err == nil {
		b := <-free
		if err = r.Next(b, blockSize); err == nil {
			p = append(p, printOf(b.Data))
			read <- b
		}
	}
	close(read)
	digesting.Wait()
	if !errors.Is(err, io.EOF) {
		return d, nil, err
	}
	d = r.Digest()
	d.SHA256 = hex.EncodeToString(sum.Sum(nil))
	return d, p, nil
}
