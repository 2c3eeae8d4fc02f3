package pipeline

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluice-edfi/sluice/pkg/roster"
	"github.com/sluice-edfi/sluice/pkg/sandbox"
	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/pkg/target"
	"github.com/sluice-edfi/sluice/schemas"
)

// rosterTarget is an emulator and a client of it.
type rosterTarget struct {
	t      *testing.T
	url    string
	client *target.Client
	std    *schema.Standard
}

func newRosterTarget(t *testing.T, version string, o sandbox.Options) *rosterTarget {
	t.Helper()
	std, err := schema.Load(schemas.FS, version)
	if err != nil {
		t.Fatal(err)
	}
	if o.Standard = std; o.Descriptors == nil {
		if o.Descriptors, err = schema.StandardDescriptors(schemas.FS, version); err != nil {
			t.Fatal(err)
		}
	}
	server, err := sandbox.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(server.Handler())
	client, err := target.New(target.Config{BaseURL: web.URL, ClientID: sandbox.Key, ClientSecret: sandbox.Secret, Concurrency: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); web.Close(); _ = server.Close() })
	return &rosterTarget{t, web.URL, client, std}
}

func (r *rosterTarget) pull(path string) *roster.Pull {
	r.t.Helper()
	done, err := roster.PullFrom(r.t.Context(), r.client, path, roster.PullOptions{Codes: codesOf(r.std), Target: "t", Now: time.Now()})
	if err != nil {
		r.t.Fatal(err)
	}
	return done
}

// remove deletes a record as any other client would.
func (r *rosterTarget) remove(resource, id string) {
	r.t.Helper()
	answer, err := http.Post(r.url+"/oauth/token", "application/x-www-form-urlencoded",
		strings.NewReader("grant_type=client_credentials&client_id="+sandbox.Key+"&client_secret="+sandbox.Secret))
	if err != nil {
		r.t.Fatal(err)
	}
	text, _ := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	_, rest, _ := strings.Cut(string(text), `"access_token":"`)
	token, _, _ := strings.Cut(rest, `"`)
	call, err := http.NewRequestWithContext(r.t.Context(), http.MethodDelete, r.url+"/data/v3/ed-fi/"+resource+"/"+id, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	call.Header.Set("Authorization", "Bearer "+token)
	if answer, err = http.DefaultClient.Do(call); err != nil || answer.StatusCode != http.StatusNoContent {
		r.t.Fatal(answer, err)
	}
	_ = answer.Body.Close()
}

// The students of both kinds of standards with their ids; then what others create and delete, by changes alone.
func TestRosterOfTheStandards(t *testing.T) {
	for version, code := range map[string]string{"4.0": roster.Associations, "6.0": roster.Codes} {
		t.Run(version, func(t *testing.T) {
			r := newRosterTarget(t, version, sandbox.Options{})
			if got := codesOf(r.std); got != code {
				t.Fatalf("codes are read from %q", got)
			}
			path := filepath.Join(t.TempDir(), "index")
			first := r.pull(path)
			if first.Students != sandbox.Students || first.Named != sandbox.Students || first.Enrollments != sandbox.Students || first.Schools != sandbox.Schools || first.Whole == "" {
				t.Fatalf("%+v", first.About)
			}
			body := `{"studentUniqueId":"N1","firstName":"New","lastSurname":"Student","birthDate":"2015-05-06"}`
			if _, err := r.client.Post(t.Context(), "students", []byte(body)); err != nil {
				t.Fatal(err)
			}
			x := openRoster(t, path)
			found, err := x.Find("state", "48600123")
			if err != nil || !slices.Equal(found, []string{"600123"}) {
				t.Error(found, err)
			}
			got, err := r.client.Get(t.Context(), "studentSchoolAssociations", map[string][]string{"studentUniqueId": {"600123"}})
			if err != nil {
				t.Fatal(err)
			}
			enrollment := target.IDOf([]byte(strings.Trim(string(got.Body), "[]")))
			r.remove("studentSchoolAssociations", enrollment)
			second := r.pull(path)
			if second.Whole != "" || second.Students != sandbox.Students+1 || second.Enrollments != sandbox.Students-1 || second.Deleted != 1 || second.Changes != 1 {
				t.Errorf("%q %d %d %+v", second.Whole, second.Changes, second.Deleted, second.About)
			}
			for id, enrollments := range map[string]int{"N1": 0, "600123": 0, "600124": 1} {
				s, known, err := openRoster(t, path).Student(id)
				if !known || err != nil || len(s.Enrollments) != enrollments || s.LastName == "" {
					t.Error(id, s, err)
				}
			}
		})
	}
}

func openRoster(t *testing.T, path string) *roster.Index {
	t.Helper()
	x, err := roster.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = x.Close() })
	return x
}

// What a bad line and a narrow claim set do: nothing is missing, and what may not be read is named.
func TestRosterOfABadTarget(t *testing.T) {
	faults, err := sandbox.ParseFaults("reset-before:0.01,reset-after:0.01,truncated:0.01")
	if err != nil {
		t.Fatal(err)
	}
	narrow := sandbox.Client{Key: sandbox.Key, Secret: sandbox.Secret, Deny: []sandbox.Denial{{Resource: roster.Associations}}}
	r := newRosterTarget(t, "5.1", sandbox.Options{Faults: faults, Clients: []sandbox.Client{narrow}})
	done := r.pull(filepath.Join(t.TempDir(), "index"))
	if done.Students != sandbox.Students || done.Enrollments != sandbox.Students || fmt.Sprint(done.Origin.Unread) != "["+roster.Associations+"]" || len(done.Systems) != 1 {
		t.Errorf("%+v", done.About)
	}
}
