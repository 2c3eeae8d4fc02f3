package target

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func FuzzItems(f *testing.F) {
	for _, s := range []string{`[]`, ` [ ] `, `null`, `{}`, `"[1]"`, `[1,"a,b",{"x":[1,2]},null]`, "[ {\"a\\\"]\":\"\\\\\"} ,\n 2 ]", `[`, `[1,]`, ``, `[""]`, `[1] 2`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var want []json.RawMessage
		err := json.Unmarshal(body, &want)
		got, ok := itemsOf(body)
		if ok != (err == nil) {
			t.Fatalf("%q: %v, decoded: %v", body, ok, err)
		}
		if ok && len(got)+len(want) > 0 {
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		}
	})
}
