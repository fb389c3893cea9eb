package normalize

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"dragoman/core/fault"
)

// maxRetry caps what a client is asked to wait.
const maxRetry = time.Hour

// ParseRetryAfter reads a Retry-After value: whole seconds or an HTTP date. The result lies
// between zero and one hour; zero means that the value says nothing usable.
func ParseRetryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	if value == "" {
		return 0
	}
	if n, err := strconv.ParseInt(value, 10, 64); err == nil {
		switch {
		case n <= 0:
			return 0
		case n > int64(maxRetry/time.Second):
			return maxRetry
		}
		return time.Duration(n) * time.Second
	}
	if digits(value) { // more digits than an int64 holds
		return maxRetry
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return clampRetry(at.Sub(now))
}

// ParseReset reads a moment in unix seconds, as Stream's X-RateLimit-Reset gives it.
func ParseReset(value string, now time.Time) time.Duration {
	n, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
	if err != nil || n <= 0 {
		return 0
	}
	return clampRetry(time.Unix(n, 0).Sub(now))
}

// clampRetry keeps a delay between zero and one hour.
func clampRetry(d time.Duration) time.Duration { return min(max(d, 0), maxRetry) }

// seconds rounds up, so that nobody comes back too early.
func seconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }

// RetryHeader is the value of Retry-After for this problem, or empty. A used-up plan allowance
// never gets one, whatever its status: waiting does not help there.
func (p *Problem) RetryHeader() string {
	if p.RetryAfter <= 0 || p.Retryable == fault.RetryNo {
		return ""
	}
	return strconv.FormatInt(seconds(p.RetryAfter), 10)
}

// digits reports whether s is made of decimal digits only.
func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
