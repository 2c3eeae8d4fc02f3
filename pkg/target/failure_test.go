package target

import (
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestErrorBodies(t *testing.T) {
	tests := map[string]struct {
		status int
		body   string
		want   Failure
		text   string
	}{
		"5.3 message, bad descriptor": {400, `{"message":"Unable to resolve value 'uri://x/GradeLevelDescriptor#Zz' to an existing 'GradeLevelDescriptor' resource."}`,
			Failure{Kind: Validation, Title: "Bad Request", Detail: "Unable to resolve value 'uri://x/GradeLevelDescriptor#Zz' to an existing 'GradeLevelDescriptor' resource."},
			"Unable to resolve value 'uri://x/GradeLevelDescriptor#Zz' to an existing 'GradeLevelDescriptor' resource."},
		"5.3 modelState": {400, `{"message":"The request is invalid.","modelState":{"request.BeginDate":["BeginDate is required."],"request.items[0].x":["bad","worse"]}}`,
			Failure{Kind: Validation, Title: "Bad Request", Detail: "The request is invalid.",
				Fields: map[string][]string{"$.BeginDate": {"BeginDate is required."}, "$.items[0].x": {"bad", "worse"}}},
			"$.BeginDate: BeginDate is required.; $.items[0].x: bad worse"},
		"6.2 missing reference": {409, `{"message":"The value supplied for the related 'student' resource does not exist."}`,
			Failure{Kind: Reference, Title: "Conflict", Detail: "The value supplied for the related 'student' resource does not exist."},
			"The value supplied for the related 'student' resource does not exist."},
		"6.2 duplicate": {409, `{"message":"A natural key conflict occurred when attempting to create a new resource."}`,
			Failure{Kind: Conflict, Title: "Conflict", Detail: "A natural key conflict occurred when attempting to create a new resource."},
			"A natural key conflict occurred when attempting to create a new resource."},
		"6.2 namespace": {403, `{"message":"Access to the resource item could not be authorized based on the caller's NamespacePrefix claims: 'uri://acme.org'."}`,
			Failure{Kind: Forbidden, Title: "Forbidden", Detail: "Access to the resource item could not be authorized based on the caller's NamespacePrefix claims: 'uri://acme.org'."},
			"Access to the resource item could not be authorized based on the caller's NamespacePrefix claims: 'uri://acme.org'."},
		"7.2 validation": {400, `{"detail":"Data validation failed. See 'validationErrors' for details.","type":"urn:ed-fi:api:bad-request:data-validation-failed","title":"Data Validation Failed","status":400,"correlationId":"5d1c","validationErrors":{"$.studentUniqueId":["StudentUniqueId is required."],"$.scoreResults[1].result":["Result must be at most 35 characters in length."]}}`,
			Failure{Kind: Validation, Type: "urn:ed-fi:api:bad-request:data-validation-failed", Title: "Data Validation Failed", CorrelationID: "5d1c",
				Detail: "Data validation failed. See 'validationErrors' for details.",
				Fields: map[string][]string{"$.studentUniqueId": {"StudentUniqueId is required."}, "$.scoreResults[1].result": {"Result must be at most 35 characters in length."}}},
			"$.scoreResults[1].result: Result must be at most 35 characters in length.; $.studentUniqueId: StudentUniqueId is required."},
		"7.2 reference": {409, `{"detail":"The referenced 'Student' item does not exist.","type":"urn:ed-fi:api:data-conflict:unresolved-reference","title":"Unresolved Reference","status":409,"correlationId":"9"}`,
			Failure{Kind: Reference, Type: "urn:ed-fi:api:data-conflict:unresolved-reference", Title: "Unresolved Reference", CorrelationID: "9", Detail: "The referenced 'Student' item does not exist."},
			"The referenced 'Student' item does not exist."},
		"7.2 errors": {400, `{"detail":"The request could not be processed. See 'errors' for details.","type":"urn:ed-fi:api:bad-request","title":"Bad Request","status":400,"correlationId":"9","errors":["A non-empty request body is required."]}`,
			Failure{Kind: Validation, Type: "urn:ed-fi:api:bad-request", Title: "Bad Request", CorrelationID: "9", Detail: "The request could not be processed. See 'errors' for details.", Messages: []string{"A non-empty request body is required."}},
			"A non-empty request body is required."},
		"7.3 claim set": {403, `{"detail":"Access to the resource could not be authorized.","type":"urn:ed-fi:api:security:authorization:access-denied:action","title":"Authorization Denied","status":403,"correlationId":"9","errors":["must grant permission"]}`,
			Failure{Kind: Forbidden, Type: "urn:ed-fi:api:security:authorization:access-denied:action", Title: "Authorization Denied", CorrelationID: "9", Detail: "Access to the resource could not be authorized.", Messages: []string{"must grant permission"}},
			"must grant permission"},
		"7.2 stale": {412, `{"type":"urn:ed-fi:api:optimistic-lock-failed","title":"Optimistic Lock Failed","status":412,"detail":"changed"}`,
			Failure{Kind: Conflict, Type: "urn:ed-fi:api:optimistic-lock-failed", Title: "Optimistic Lock Failed", Detail: "changed"}, "changed"},
		// DMS always writes both, empty: Lightbeam then reports nothing at all.
		"DMS empty members": {429, `{"detail":"Too many.","type":"urn:ed-fi:api:too-many-requests","title":"Too Many Requests","status":429,"correlationId":"9","validationErrors":{},"errors":[]}`,
			Failure{Kind: TooMany, Retryable: true, Type: "urn:ed-fi:api:too-many-requests", Title: "Too Many Requests", CorrelationID: "9", Detail: "Too many."}, "Too many."},
		"DMS identity conflict": {409, `{"detail":"The identifying value(s) are not unique.","type":"urn:ed-fi:api:identity-conflict","title":"Identifying Values Are Not Unique","status":409,"correlationId":"9","validationErrors":{},"errors":["A duplicate …"]}`,
			Failure{Kind: Conflict, Type: "urn:ed-fi:api:identity-conflict", Title: "Identifying Values Are Not Unique", CorrelationID: "9", Detail: "The identifying value(s) are not unique.", Messages: []string{"A duplicate …"}}, "A duplicate …"},
		"DMS preview": {409, `{"detail":"d","type":"urn:ed-fi:api:conflict:unresolved-reference","title":"T","status":409}`,
			Failure{Kind: Reference, Type: "urn:ed-fi:api:conflict:unresolved-reference", Title: "T", Detail: "d"}, "d"},
		"DMS outside the model": {500, `{"message":"The server encountered an unexpected condition","traceId":"0HN"}`,
			Failure{Kind: Server, Retryable: true, Title: "Internal Server Error", CorrelationID: "0HN", Detail: "The server encountered an unexpected condition"}, "The server encountered an unexpected condition"},
		"DMS 501": {501, `{"error":"Not implemented yet","correlationId":"0HN"}`,
			Failure{Kind: Server, Title: "Not Implemented", CorrelationID: "0HN", Detail: "Not implemented yet"}, "Not implemented yet"},
		"DMS tenant": {404, `{"type":"urn:ed-fi:api:route-resolution-error","title":"Route Resolution Error","status":404,"detail":"no such tenant"}`,
			Failure{Kind: NotFound, Type: "urn:ed-fi:api:route-resolution-error", Title: "Route Resolution Error", Detail: "no such tenant"}, "no such tenant"},
		"ASP.NET errors object": {400, `{"title":"One or more validation errors occurred.","errors":{"$.x":["bad"]}}`,
			Failure{Kind: Validation, Title: "One or more validation errors occurred.", Fields: map[string][]string{"$.x": {"bad"}}}, "$.x: bad"},
		"OAuth": {400, `{"error":"invalid_scope","error_description":"no such organization"}`,
			Failure{Kind: Validation, Type: "invalid_scope", Title: "Bad Request", Detail: "no such organization"}, "no such organization"},
		"empty 401": {401, "", Failure{Kind: Auth, Title: "Unauthorized"}, "401 Unauthorized, no reason given"},
		"empty 403": {403, "", Failure{Kind: Forbidden, Title: "Forbidden"}, "403 Forbidden, no reason given"},
		"empty 404": {404, "", Failure{Kind: NotFound, Title: "Not Found"}, "404 Not Found, no reason given"},
		"empty 413": {413, "", Failure{Kind: Validation, Title: "Request Entity Too Large"}, "413 Request Entity Too Large, no reason given"},
		"blank 502": {502, " \r\n", Failure{Kind: Server, Retryable: true, Title: "Bad Gateway"}, "502 Bad Gateway, no reason given"},
		"an error with a path": {400, `{"error":{"message":"too long","path":"$.scoreResults[0].result","code":17}}`,
			Failure{Kind: Validation, Title: "Bad Request", Fields: map[string][]string{"$.scoreResults[0].result": {"too long"}}}, "$.scoreResults[0].result: too long"},
		"errors with paths": {422, `{"errors":[{"path":"$.a","message":"bad"},{"field":"b","error":"worse"},{"message":"worst"}],"detail":"see errors"}`,
			Failure{Kind: Validation, Title: "Unprocessable Entity", Detail: "see errors", Messages: []string{"worst"}, Fields: map[string][]string{"$.a": {"bad"}, "b": {"worse"}}},
			"$.a: bad; b: worse"},
		"a message in a message": {409, `{"message":{"detail":["one","two"]},"error":"Conflict"}`,
			Failure{Kind: Conflict, Type: "Conflict", Title: "Conflict", Detail: "Conflict", Messages: []string{"one", "two"}}, "one; two"},
		"a list of details": {400, `{"detail":[{"path":"$.x","message":"required"}]}`,
			Failure{Kind: Validation, Title: "Bad Request", Fields: map[string][]string{"$.x": {"required"}}}, "$.x: required"},
		"a path beside a message": {400, `{"message":"required","path":"$.y"}`,
			Failure{Kind: Validation, Title: "Bad Request", Detail: "required", Fields: map[string][]string{"$.y": {"required"}}}, "$.y: required"},
		"an address beside a message": {404, `{"status":404,"error":"Not Found","path":"/data/v3/ed-fi/x"}`,
			Failure{Kind: NotFound, Title: "Not Found", Detail: "Not Found"}, "Not Found"},
		"truncated": {400, `{"detail":"Data validation failed. See 'valida`,
			Failure{Kind: Validation, Title: "Bad Request", Body: `{"detail":"Data validation failed. See 'valida`}, `{"detail":"Data validation failed. See 'valida`},
		"other JSON": {400, `{"code":17}`, Failure{Kind: Validation, Title: "Bad Request", Body: `{"code":17}`}, `{"code":17}`},
		"wrong types": {400, `{"detail":17,"errors":"one","validationErrors":["x"],"modelState":null}`,
			Failure{Kind: Validation, Title: "Bad Request", Messages: []string{"one"}}, "one"},
		"names in other case": {400, `{"Message":"M","ModelState":{"request.X":["bad"]}}`,
			Failure{Kind: Validation, Title: "Bad Request", Detail: "M", Fields: map[string][]string{"$.X": {"bad"}}}, "$.X: bad"},
		"BOM":      {400, "\ufeff" + `{"message":"M"}`, Failure{Kind: Validation, Title: "Bad Request", Detail: "M"}, "M"},
		"a string": {400, `"just text"`, Failure{Kind: Validation, Title: "Bad Request", Messages: []string{"just text"}}, "just text"},
		"plain text": {503, "upstream connect error\nor disconnect\x1b[31m", Failure{Kind: Server, Retryable: true, Title: "Service Unavailable", Body: "upstream connect error or disconnect [31m"},
			"upstream connect error or disconnect [31m"},
		"firewall page": {403, "<!DOCTYPE html><html><head><style>p {x}</style><script>var a='<p>';</script><title>Request blocked</title></head><body><p>Your&nbsp;IP</p></body></html>",
			Failure{Kind: Odd, Title: "Forbidden", Body: "Request blocked Your&nbsp;IP"}, "Request blocked Your&nbsp;IP"},
		"gateway page": {502, "<html><title>502 Bad Gateway</title><hr>nginx</html>",
			Failure{Kind: Server, Retryable: true, Title: "Bad Gateway", Body: "502 Bad Gateway nginx"}, "502 Bad Gateway nginx"},
		"page cut in a tag": {400, "<html><body>No<p", Failure{Kind: Odd, Title: "Bad Request", Body: "No"}, "No"},
		"unknown status":    {599, "?", Failure{Kind: Server, Title: "unknown status", Body: "?"}, "?"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := answerFailure(tt.status, http.Header{}, []byte(tt.body))
			tt.want.Status = tt.status
			if diff := cmp.Diff(tt.want, *got, cmpopts.IgnoreFields(Failure{}, "Fix")); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if got.Text() != tt.text {
				t.Errorf("text is %q, want %q", got.Text(), tt.text)
			}
			if got.Kind == Odd && got.Fix == "" {
				t.Error("does not say what to do")
			}
		})
	}
}

func TestCorrelationOfHeader(t *testing.T) {
	for _, name := range []string{"correlation-id", "X-Correlation-Id", "x-request-id"} {
		h := http.Header{}
		h.Set(name, "abc")
		if f := answerFailure(500, h, nil); f.CorrelationID != "abc" {
			t.Errorf("%s: %q", name, f.CorrelationID)
		}
	}
}

// What the API says about a record quotes its values: it may stand in the run's files, not in logs.
func TestErrorQuotesNoRecord(t *testing.T) {
	for status, body := range map[int]string{404: "Quimby not here", 418: "value 604822 not ok", 500: `{"title":"No 604822","detail":"teapot for '604822'"}`, 503: `"604822?"`} {
		f := answerFailure(status, http.Header{}, []byte(body))
		f.Method, f.Resource = "POST", "ed-fi/students"
		if strings.Contains(f.Error(), "604822") || strings.Contains(f.Error(), "Quimby") || !strings.Contains(f.Text(), "604822") && status != 404 {
			t.Errorf("%d: %s", status, f)
		}
	}
	for _, status := range []int{400, 403, 404, 409, 412} {
		f := answerFailure(status, http.Header{}, []byte(`{"detail":"Student 604822","errors":["604822"],"validationErrors":{"$.x":["604822"]}}`))
		if strings.Contains(f.Error(), "604822") || !strings.Contains(f.Text(), "604822") {
			t.Errorf("%d: %s", status, f)
		}
	}
	f := answerFailure(503, http.Header{}, []byte(`{"detail":"The database is being restored."}`))
	f.Method, f.Resource, f.Attempts, f.CorrelationID, f.Fix = "POST", "ed-fi/students", 6, "run-7-12", "Try again later."
	const want = "POST ed-fi/students: 503 Service Unavailable: The database is being restored. (6 attempts) [correlation id run-7-12]. Try again later."
	if f.Error() != want {
		t.Errorf("got  %s\nwant %s", f, want)
	}
}

// A hostile page costs no more than an honest one.
func TestHostilePage(t *testing.T) {
	for _, part := range []string{"<script", "<", "<style></script>", "<script></script>", "<>"} {
		begin := time.Now()
		answerFailure(403, http.Header{}, []byte("<"+strings.Repeat(part, maxErrorBody/len(part))))
		if d := time.Since(begin); d > 2*time.Second {
			t.Errorf("%q: %s", part, d)
		}
	}
}

func FuzzErrorBodies(f *testing.F) {
	for _, seed := range []string{"", "{}", `{"errors":[1,null,"x"]}`, `{"modelState":{"a":"b"}}`, "<html", "<script>", "\xff<p>\x00", `"x"`, "[1]"} {
		f.Add(400, []byte(seed))
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		got := answerFailure(status, http.Header{}, body)
		if got.Kind == "" || !utf8.ValidString(got.Body) || utf8.RuneCountInString(got.Body) > excerptLength+1 {
			t.Errorf("%+v", got)
		}
		if strings.ContainsAny(got.Body, "\n\r\x00\x1b") {
			t.Errorf("control characters in %q", got.Body)
		}
	})
}
