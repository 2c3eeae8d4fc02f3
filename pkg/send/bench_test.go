package send_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/sandbox"
	"github.com/sluice-edfi/sluice/pkg/send"
)

const (
	benchRecords = 20_000
	benchScores  = 40 // makes a record of 7.5 KB, as MAP Growth has them
)

// BenchmarkSend compares the stage with bare clients of the same concurrency on the same server: one
// of net/http alone, and the target's client. The stage should reach 80 % of the first. Each round
// sends every record with another payload, so that the server has the same to do for each of them.
func BenchmarkSend(b *testing.B) {
	lines := make([]string, benchRecords)
	prepared := func(b *testing.B) *world {
		w := newWorld(b)
		var methods []string
		for i := range benchScores {
			methods = append(methods, descriptor("AssessmentReportingMethodDescriptor", fmt.Sprintf("M%d", i)))
		}
		w.send(w.run(records{"assessments": {assessment("A")}, "assessmentReportingMethodDescriptors": methods}))
		return w
	}
	// rounds times what work returns; what work does before that is not timed.
	rounds := func(b *testing.B, work func() func()) {
		var took time.Duration
		for round := 0; b.Loop(); round++ {
			b.StopTimer()
			for i := range lines {
				lines[i] = scored(i, round)
			}
			timed := work()
			runtime.GC()
			b.StartTimer()
			start := time.Now()
			timed()
			took += time.Since(start)
		}
		n := float64(b.N) * benchRecords
		b.ReportMetric(n/took.Seconds(), "records/s")
		b.ReportMetric(float64(len(lines[0]))*n/1e6/took.Seconds(), "MB/s")
	}
	b.Run("bare", func(b *testing.B) {
		post := bare(b, prepared(b))
		rounds(b, func() func() {
			return func() {
				spread(lines, func(text string) {
					if err := post(text); err != nil {
						b.Error(err)
					}
				})
			}
		})
	})
	b.Run("client", func(b *testing.B) {
		w := prepared(b)
		rounds(b, func() func() {
			return func() {
				spread(lines, func(text string) {
					if _, err := w.client.Post(context.Background(), "studentAssessments", []byte(text)); err != nil {
						b.Error(err)
					}
				})
			}
		})
	})
	b.Run("send", func(b *testing.B) {
		w := prepared(b)
		rounds(b, func() func() {
			r := w.run(records{"studentAssessments": lines})
			settle(b, r.StagedFile("studentAssessments"))
			return func() {
				if got := w.send(r)["studentAssessments"]; got.Created+got.Updated != benchRecords {
					b.Fatalf("%+v", got)
				}
			}
		})
	})
	b.Run("unchanged", func(b *testing.B) {
		w := prepared(b)
		rounds(b, func() func() {
			r := w.run(records{"studentAssessments": lines})
			w.send(r)
			settle(b, r.StagedFile("studentAssessments"))
			return func() {
				counts, err := send.Run(b.Context(), w.sendOptions(r))
				if err != nil || counts.Resources["studentAssessments"] != (runs.Loaded{Staged: benchRecords, Unchanged: benchRecords}) {
					b.Fatalf("%+v, %v", counts, err)
				}
			}
		})
	})
}

// settle brings a file to the disk, as transform leaves it.
func settle(b *testing.B, path string) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err == nil {
		err = errors.Join(f.Sync(), f.Close())
	}
	if err != nil {
		b.Fatal(err)
	}
}

// scored is a result with many scores.
func scored(n, payload int) string {
	var t strings.Builder
	t.WriteString(strings.TrimSuffix(result("A", n, payload), "}") + `,"scoreResults":[`)
	for i := range benchScores {
		if i > 0 {
			t.WriteByte(',')
		}
		fmt.Fprintf(&t, `{"assessmentReportingMethodDescriptor":"%s/AssessmentReportingMethodDescriptor#M%d","result":"%d","resultDatatypeTypeDescriptor":"uri://ed-fi.org/ResultDatatypeTypeDescriptor#Integer"}`, vendor, i, n+i)
	}
	return t.String() + "]}"
}

// spread works on lines with the stage's concurrency.
func spread(lines []string, work func(string)) {
	todo := make(chan string, 8)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for text := range todo {
				work(text)
			}
		})
	}
	for _, text := range lines {
		todo <- text
	}
	close(todo)
	wg.Wait()
}

// bare is a client of net/http alone.
func bare(b *testing.B, w *world) func(string) error {
	transport := &http.Transport{MaxIdleConnsPerHost: 8}
	b.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Transport: transport}
	request, err := http.NewRequest(http.MethodPost, w.http.URL+"/oauth/token", strings.NewReader(url.Values{"grant_type": {"client_credentials"}}.Encode()))
	if err != nil {
		b.Fatal(err)
	}
	request.SetBasicAuth(sandbox.Key, sandbox.Secret)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := client.Do(request)
	if err != nil {
		b.Fatal(err)
	}
	defer answer.Body.Close()
	var token struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&token); err != nil {
		b.Fatal(err)
	}
	return func(text string) error {
		request, err := http.NewRequest(http.MethodPost, w.http.URL+"/data/v3/ed-fi/studentAssessments", bytes.NewReader([]byte(text)))
		if err != nil {
			return err
		}
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Authorization", "Bearer "+token.AccessToken)
		answer, err := client.Do(request)
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err == nil && answer.StatusCode >= 300 {
			err = fmt.Errorf("%s: %s", answer.Status, body)
		}
		return err
	}
}
