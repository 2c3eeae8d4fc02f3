package sandbox

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Fault is one way in which a server, or what stands before it, fails.
type Fault string

// The faults.
const (
	TooManyRequests Fault = "429" // with Retry-After
	ServerError     Fault = "500"
	BadGateway      Fault = "502"
	Unavailable     Fault = "503" // with Retry-After
	GatewayTimeout  Fault = "504"
	ResetBefore     Fault = "reset-before" // the connection breaks before the call does anything
	ResetAfter      Fault = "reset-after"  // the call is done, the answer lost
	HTML            Fault = "html"         // a proxy's error page, status 502
	LogIn           Fault = "log-in"       // a proxy's log-in page, status 200; the call does nothing
	Truncated       Fault = "truncated"    // the call is done, its answer ends in the middle
	Slow            Fault = "slow"         // the answer comes late
	Expire          Fault = "expire"       // the call's token dies
	Conflict        Fault = "conflict"     // 409: someone else changes the same item; retry
	EmptyError      Fault = "empty"        // 500 without a body
)

var allFaults = []Fault{
	TooManyRequests, ServerError, BadGateway, Unavailable, GatewayTimeout, ResetBefore, ResetAfter,
	HTML, LogIn, Truncated, Slow, Expire, Conflict, EmptyError,
}

// Faults is what goes wrong, and how often. The zero value is a server without fault.
type Faults struct {
	Rates      []Rate
	Rules      []Rule        // looked at before the rates
	Seed       uint64        // of the rates' dice
	RetryAfter time.Duration // sent with 429 and 503; 0: one second
	Delay      time.Duration // of a slow answer; 0: two seconds
}

// Rate is a fault that hits data calls by chance.
type Rate struct {
	Fault       Fault
	Probability float64
}

// Rule is a fault that hits exact calls: the 3rd POST of studentAssessments.
type Rule struct {
	Method string // empty: any
	Call   string // endpoint, or token, token_info, root, metadata, dependencies, changeVersions; empty: any data call
	Nth    int    // from this matching call on, the first being 1; 0: the first
	Times  int    // how many calls; 0: one, below 0: all
	Fault  Fault
}

// ParseFaults reads rates: "429:0.01,503:0.005,reset-before:0.001".
func ParseFaults(text string) (Faults, error) {
	var f Faults
	sum := 0.0
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		name, number, ok := strings.Cut(part, ":")
		if !slices.Contains(allFaults, Fault(name)) {
			return Faults{}, fmt.Errorf("fault %q is not one of %s", name, faultNames())
		}
		p, err := strconv.ParseFloat(number, 64)
		if !ok || err != nil || !(p >= 0 && p <= 1) {
			return Faults{}, fmt.Errorf("fault %q needs a probability from 0 to 1, as in %s:0.01", part, name)
		}
		sum += p
		f.Rates = append(f.Rates, Rate{Fault: Fault(name), Probability: p})
	}
	if sum > 1 {
		return Faults{}, fmt.Errorf("the probabilities of the faults %q add up to more than 1", text)
	}
	return f, nil
}

func faultNames() string {
	names := make([]string, len(allFaults))
	for i, f := range allFaults {
		names[i] = string(f)
	}
	return strings.Join(names, ", ")
}

// fate decides what goes wrong. Safe for concurrent use.
type fate struct {
	mu     sync.Mutex
	faults Faults
	dice   *rand.Rand
	met    []int // by rule: how many calls matched
}

func (f *fate) set(faults Faults) {
	f.mu.Lock()
	defer f.mu.Unlock()
	faults.RetryAfter, faults.Delay = cmp.Or(faults.RetryAfter, time.Second), cmp.Or(faults.Delay, 2*time.Second)
	f.faults = faults
	f.dice = rand.New(rand.NewPCG(faults.Seed, 0))
	f.met = make([]int, len(faults.Rules))
}

// draw is the fault of one call, or none, and what all of them are.
func (f *fate) draw(method, call string, data bool) (hit Fault, faults Faults) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, rule := range f.faults.Rules {
		if rule.Method != "" && rule.Method != method || rule.Call != "" && rule.Call != call || rule.Call == "" && !data {
			continue
		}
		f.met[i]++
		n := f.met[i] - max(rule.Nth, 1)
		if hit == "" && n >= 0 && (rule.Times < 0 || n < max(rule.Times, 1)) {
			hit = rule.Fault
		}
	}
	if hit != "" || !data || len(f.faults.Rates) == 0 {
		return hit, f.faults
	}
	throw := f.dice.Float64()
	for _, r := range f.faults.Rates {
		if throw -= r.Probability; throw < 0 {
			return r.Fault, f.faults
		}
	}
	return "", f.faults
}

// spoil answers a call that a fault hit; next answers it as it should be.
func (s *Server) spoil(fault Fault, faults Faults, w http.ResponseWriter, r *http.Request, next http.HandlerFunc) {
	switch fault {
	case ResetBefore:
		reset(w)
	case ResetAfter:
		next(&swallow{header: http.Header{}}, r)
		reset(w)
	case Truncated:
		next(&swallow{header: http.Header{}}, r)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte(`[{"id":"`)) // net/http cuts the connection when less follows than was promised
	case Slow:
		timer := time.NewTimer(faults.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
			next(w, r)
		case <-r.Context().Done():
		}
	case Expire:
		token, _ := bearer(r)
		s.tokens.drop(token)
		next(w, r)
	case HTML:
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusBadGateway)
		_, _ = w.Write([]byte("<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center><hr><center>proxy</center></body></html>\n"))
	case LogIn:
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<html><head><title>Please log in</title></head></html>\n"))
	case EmptyError:
		w.WriteHeader(http.StatusInternalServerError)
	default:
		p := faultProblem(fault)
		if p.Status == http.StatusTooManyRequests || p.Status == http.StatusServiceUnavailable {
			p.retryAfter = faults.RetryAfter
		}
		p.write(w, r)
	}
}

func faultProblem(fault Fault) *problem {
	switch fault {
	case Conflict:
		return newProblem(http.StatusConflict, "data-conflict:multi-user-conflict", "Multi-User Conflict",
			"The item could not be modified because of a concurrent modification by another user. Retry the request.")
	case TooManyRequests:
		return newProblem(http.StatusTooManyRequests, "too-many-requests", "Too Many Requests", "The rate limit is exceeded. Try again later.")
	case BadGateway:
		return newProblem(http.StatusBadGateway, "bad-gateway", "Bad Gateway", "A service that the API needs failed.")
	case Unavailable:
		return newProblem(http.StatusServiceUnavailable, "service-unavailable", "Service Unavailable", "The service is not available. Try again later.")
	case GatewayTimeout:
		return newProblem(http.StatusGatewayTimeout, "gateway-timeout", "Gateway Timeout", "A service that the API needs did not answer in time.")
	}
	return systemError()
}

// reset breaks the connection so that the client sees a reset, not an orderly end.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // a plain close is nearly as good
	}
	_ = conn.Close()
}

// swallow takes an answer that nobody gets.
type swallow struct{ header http.Header }

// Header implements http.ResponseWriter.
func (s *swallow) Header() http.Header { return s.header }

// Write implements http.ResponseWriter.
func (s *swallow) Write(p []byte) (int, error) { return len(p), nil }

// WriteHeader implements http.ResponseWriter.
func (s *swallow) WriteHeader(int) {}
