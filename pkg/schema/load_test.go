package schema_test

import (
	"testing"

	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/schemas"
)

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		if _, err := schema.Load(schemas.FS, "5.1"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkStandardDescriptors(b *testing.B) {
	for b.Loop() {
		if _, err := schema.StandardDescriptors(schemas.FS, "5.1"); err != nil {
			b.Fatal(err)
		}
	}
}
