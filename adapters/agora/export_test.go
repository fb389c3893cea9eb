package agora

import "time"

// CheckToken judges an AccessToken2: whose it is, and when it ends.
func CheckToken(s, appID, certificate string) (user string, ends time.Time, ok bool) {
	t, err := parseToken(s)
	if err != nil {
		return "", ends, false
	}
	ends, ok = t.ends()
	return string(t.user), ends, ok && t.genuine(appID, certificate)
}
