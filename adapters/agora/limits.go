package agora

import (
	"context"
	"sync"
	"time"

	"dragoman/adapters"
	"dragoman/core"
	"dragoman/core/fault"
)

// presenceRate is how many calls about presence an app may make in a second; see
// https://docs.agora.io/en/agora-chat/reference/limitations.
const presenceRate = 50

// presenceRoutes are the calls that have a limit, and a text for it, of their own.
var presenceRoutes = map[string]bool{
	"publishPresence": true, "subscribePresence": true, "unsubscribePresence": true, "getPresence": true,
	"listPresenceSubscriptions": true, "countOnline": true,
}

// rate counts calls in the second at hand.
type rate struct {
	most int

	mu     sync.Mutex
	second int64
	n      int
}

// take counts a call and tells whether it is still within the limit.
func (r *rate) take(now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := now.Unix(); s != r.second {
		r.second, r.n = s, 0
	}
	r.n++
	return r.n <= r.most
}

// within refuses a call about presence beyond the app's rate.
func (d *Dialect) within(t *tenant, rt *adapters.Route) error {
	if t.presence == nil || !presenceRoutes[rt.Name] || t.presence.take(d.now()) {
		return nil
	}
	return fault.RateLimited.Error("too many queries").With("presence_queries").After(time.Second)
}

// roomFor refuses new accounts beyond the app's allowance.
func (d *Dialect) roomFor(ctx context.Context, t *tenant, more int) error {
	if t.userLimit <= 0 {
		return nil
	}
	n, after := more, ""
	for {
		f := core.Cond("id", core.OpNe, core.Text(string(core.SystemUser)))
		if after != "" {
			f = core.And(f, core.Cond("id", core.OpGt, core.Text(after)))
		}
		us, err := d.core.Users.Query(ctx, server(t.id), core.QueryUsers{
			Filter: f, Sort: []core.Sort{{Field: "id"}}, Page: core.Page{Limit: maxUsers}, IncludeDeactivated: true,
		})
		if err != nil {
			return err
		}
		if n += len(us); n > t.userLimit {
			return fault.PlanQuotaExceeded.Error("The app has all the users it may have.").Param("pricing_plan", "configured")
		}
		if len(us) < maxUsers {
			return nil
		}
		after = string(us[len(us)-1].ID)
	}
}
