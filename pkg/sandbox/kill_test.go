package sandbox_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluice-edfi/sluice/pkg/sandbox"
)

const storeOfChild = "SANDBOX_TEST_STORE"

// TestServeForKill is the process that TestKilled kills; by itself it does nothing.
func TestServeForKill(t *testing.T) {
	dir := os.Getenv(storeOfChild)
	if dir == "" {
		return // only as a child of TestKilled
	}
	o := options(t)
	o.Dir = dir
	s, err := sandbox.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("http://%s\n", l.Addr())
	t.Fatal(s.Serve(t.Context(), l))
}

// What was answered before the process was killed is there afterwards, and the lock is free.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	child := exec.Command(os.Args[0], "-test.run=^TestServeForKill$")
	child.Env = append(os.Environ(), storeOfChild+"="+dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	a := &api{tb: t, url: strings.TrimSpace(address), client: &http.Client{Transport: transport, Timeout: 10 * time.Second}}
	a.login(sandbox.Key, sandbox.Secret)
	a.post("assessmentReportingMethodDescriptors", methodDescriptor)
	a.post("assessments", assessment)

	var accepted sync.Map
	var sent atomic.Int64
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				id := fmt.Sprint(sent.Add(1))
				if a.try(http.MethodPost, "studentAssessments", studentAssessment(id, "604822")) != nil {
					return
				}
				accepted.Store(id, true)
			}
		})
	}
	time.Sleep(200 * time.Millisecond)
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	_ = child.Wait() // it was killed

	o := options(t)
	o.Dir = dir
	b := start(t, o)
	have := map[string]bool{}
	for offset := 0; ; offset += 500 {
		page := b.get(fmt.Sprintf("studentAssessments?limit=500&offset=%d", offset)).items(t)
		for _, id := range ids(page, "studentAssessmentIdentifier") {
			have[id] = true
		}
		if len(page) < 500 {
			break
		}
	}
	n := 0
	accepted.Range(func(id, _ any) bool {
		if n++; !have[id.(string)] {
			t.Errorf("%s was accepted and is lost", id)
		}
		return true
	})
	if n == 0 {
		t.Error("nothing was sent before the end")
	}
}
