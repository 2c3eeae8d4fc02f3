package sandbox_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sluice-edfi/sluice/pkg/sandbox"
)

// objectives is how many objective assessments a benchmark's record holds: it makes 7.5 KB.
const objectives = 13

// postObjectives prepares a sandbox for wide records.
func postObjectives(a *api) {
	for i := range objectives {
		a.post("objectiveAssessments", fmt.Sprintf(`{"identificationCode":"Goal %d","assessmentReference":{"assessmentIdentifier":"RD-3","namespace":"uri://acme.org/Assessment"}}`, i))
	}
}

// wideAssessment is a studentAssessment as a wide vendor row makes it.
func wideAssessment(id, student string) string {
	var b strings.Builder
	whole := studentAssessment(id, student)
	b.WriteString(whole[:len(whole)-1])
	b.WriteString(`,"studentObjectiveAssessments":[`)
	for i := range objectives {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"objectiveAssessmentReference":{"assessmentIdentifier":"RD-3","identificationCode":"Goal %d","namespace":"uri://acme.org/Assessment"},"scoreResults":[`, i)
		for j, standardMethod := range []string{"Percentile", "Raw score"} {
			if j > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, `{"assessmentReportingMethodDescriptor":"uri://ed-fi.org/AssessmentReportingMethodDescriptor#%s","resultDatatypeTypeDescriptor":"uri://ed-fi.org/ResultDatatypeTypeDescriptor#Integer","result":"%d"}`, standardMethod, 100+i)
		}
		b.WriteString("]}")
	}
	b.WriteString("]}")
	return b.String()
}

// BenchmarkPost is what a bare client with eight connections reaches.
func BenchmarkPost(b *testing.B) {
	for name, dir := range map[string]bool{"memory": false, "disk": true} {
		b.Run(name, func(b *testing.B) {
			o := options(b)
			if dir {
				o.Dir = b.TempDir()
			}
			benchmarkPost(b, startWithAssessment(b, o))
		})
	}
}

func benchmarkPost(b *testing.B, a *api) {
	postObjectives(a)
	body := wideAssessment("ID-00000000", "STUDENT")
	id, student := strings.Index(body, "00000000"), strings.Index(body, "STUDENT")
	b.SetBytes(int64(len(body)))
	transport := &http.Transport{MaxIdleConnsPerHost: 8, DisableCompression: true}
	defer transport.CloseIdleConnections()
	client := http.Client{Transport: transport}
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	for range 8 {
		wg.Go(func() {
			for {
				n := int(next.Add(1))
				if n > b.N {
					return
				}
				text := body[:id] + fmt.Sprintf("%08d", n) + body[id+8:student] + fmt.Sprintf("6%05d ", n%100000)[:6] + body[student+7:]
				req, err := http.NewRequest(http.MethodPost, a.url+"/data/v3/ed-fi/studentAssessments", bytes.NewReader([]byte(text)))
				if err != nil {
					b.Error(err)
					return
				}
				req.Header.Set("Authorization", "Bearer "+a.token)
				req.Header.Set("Content-Type", "application/json")
				res, err := client.Do(req)
				if err != nil {
					b.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, res.Body)
				res.Body.Close()
				if res.StatusCode != http.StatusCreated {
					b.Errorf("status %d", res.StatusCode)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "POST/s")
}

// BenchmarkOpen is what every command pays that uses the built-in tenant.
func BenchmarkOpen(b *testing.B) {
	o := options(b)
	for b.Loop() {
		s, err := sandbox.Open(o)
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
