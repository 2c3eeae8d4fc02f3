package target

import (
	"math"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// RetryPolicy says how often and after which delays a call is repeated. The zero value is
// 5 retries, 1 s first, doubling up to 60 s, 0–10 % jitter on top.
type RetryPolicy struct {
	Max           int           // retries after the first attempt; 0: 5, negative: none
	First         time.Duration // delay before the first retry; 0: 1 s
	Ceiling       time.Duration // of a delay that we choose; 0: 60 s
	Jitter        float64       // largest share added at random; 0: 0.1, negative: none
	MaxRetryAfter time.Duration // of a delay that the target asks for, which ends the call if it is longer; 0: 5 min
	MaxOutage     time.Duration // how long calls wait for a target that is down; 0: 5 min
}

func (p RetryPolicy) withDefaults() RetryPolicy {
	orDefault := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	switch {
	case p.Max == 0:
		p.Max = 5
	case p.Max < 0:
		p.Max = 0
	}
	orDefault(&p.First, time.Second)
	orDefault(&p.Ceiling, 60*time.Second)
	orDefault(&p.MaxRetryAfter, 5*time.Minute)
	orDefault(&p.MaxOutage, 5*time.Minute)
	switch {
	case p.Jitter == 0:
		p.Jitter = 0.1
	case p.Jitter < 0:
		p.Jitter = 0
	}
	return p
}

// delay is the wait after the n-th failure, n from 0, without jitter.
func (p RetryPolicy) delay(n int) time.Duration {
	return retryablehttp.DefaultBackoff(p.First, p.Ceiling, n, nil)
}

// jittered lengthens a delay at random, so that workers that failed together do not come back
// together.
func (p RetryPolicy) jittered(d time.Duration) time.Duration {
	return d + time.Duration(rand.Float64()*p.Jitter*float64(d))
}

// retryAfter reads how long the target asks us to wait; 0: it does not say. A date is compared with
// the answer's own date, because clocks differ.
func retryAfter(header http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(header.Get("Retry-After"))
	if value == "" {
		return 0
	}
	if seconds, err := strconv.ParseFloat(value, 64); err == nil {
		switch {
		case !(seconds > 0):
			return 0
		case seconds >= time.Duration(math.MaxInt64).Seconds():
			return math.MaxInt64
		}
		return time.Duration(seconds * float64(time.Second))
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	if date, err := http.ParseTime(header.Get("Date")); err == nil {
		now = date
	}
	return max(at.Sub(now), 0)
}

// grants reports whether the target may have the delay it asks for. The header counts in whole
// seconds, so that one is never too many: a shorter MaxRetryAfter only cuts it.
func (p RetryPolicy) grants(asked time.Duration) bool {
	return asked <= max(p.MaxRetryAfter, time.Second)
}

// tooLong words the end of a call whose target asks for more patience than the policy grants: to come
// back earlier than asked is of no use.
func (p RetryPolicy) tooLong(f *Failure, asked time.Duration) {
	text := asked.Round(time.Second).String()
	switch days := int(asked.Hours() / 24); {
	case asked == math.MaxInt64:
		text = "forever" // it is more than can be counted here
	case days >= 2:
		text = strconv.Itoa(days) + " days"
	}
	f.Kind, f.Fields, f.Messages, f.Body = TooMany, nil, nil, ""
	f.Detail = "the target asks to wait " + text + " (Retry-After), and sluice waits no more than " + p.MaxRetryAfter.String()
	f.Fix = "Run the same command again when that time is over, or ask the target's administrator what it is for."
}
