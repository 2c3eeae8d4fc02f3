package target

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// Post beside a bare client with the same concurrency against the same server: the target is
// 80 % of its rate.
func BenchmarkPost(b *testing.B) {
	body := []byte(`{"x":"` + strings.Repeat("a", 7500) + `"}`)
	var s *httptest.Server
	var posts atomic.Int64
	s = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			_, _ = io.WriteString(w, `{"version":"7.2","dataModels":[{"name":"Ed-Fi","version":"5.1.0"}],"urls":{"dataManagementApi":"`+s.URL+`/data/v3/","oauth":"`+s.URL+`/oauth/token"}}`)
		case "/oauth/token":
			grant(w, 1)
		default:
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("Location", fmt.Sprintf("%s%s/%032x", s.URL, r.URL.Path, posts.Add(1)))
			w.Header().Set("ETag", `"1"`)
			w.WriteHeader(http.StatusCreated)
		}
	}))
	defer s.Close()
	const concurrency = 8
	run := func(b *testing.B, post func() error) {
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		b.SetParallelism(concurrency / 2) // of two processors
		b.RunParallel(func(p *testing.PB) {
			for p.Next() {
				if err := post(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	b.Run("bare", func(b *testing.B) {
		transport := &http.Transport{MaxIdleConnsPerHost: concurrency}
		defer transport.CloseIdleConnections()
		client := &http.Client{Transport: transport}
		run(b, func() error {
			request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, s.URL+"/data/v3/ed-fi/students", bytes.NewReader(body))
			if err != nil {
				return err
			}
			request.Header.Set("Authorization", "Bearer token-1")
			request.Header.Set("Content-Type", "application/json")
			response, err := client.Do(request)
			if err != nil {
				return err
			}
			_, _ = io.Copy(io.Discard, response.Body)
			return response.Body.Close()
		})
	})
	b.Run("client", func(b *testing.B) {
		c := mustNew(b, Config{BaseURL: s.URL, ClientID: "k", ClientSecret: "s", Concurrency: concurrency})
		run(b, func() error {
			_, err := c.Post(context.Background(), "students", body)
			return err
		})
	})
}
