package web_test

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"dragoman/adapters"
	"dragoman/core/fault"
	"dragoman/proxy"
	"dragoman/web"
)

// board is a switchboard of one app.
type board struct {
	setting proxy.Setting
	orders  []proxy.Order
}

func (b *board) Fronts() []proxy.FrontState {
	return []proxy.FrontState{{Setting: b.setting, URL: "https://vendor.test", Breaker: "closed", Links: 3}}
}

func (b *board) Switch(_ context.Context, o proxy.Order) error {
	if o.Note == "" {
		return fault.RequestConflict.Error("The modes stay as they are: <no reason>.")
	}
	b.orders, b.setting = append(b.orders, o), o.Setting
	return nil
}

func (b *board) Audit(context.Context, int) ([]proxy.AuditEntry, error) {
	return []proxy.AuditEntry{{At: time.Unix(0, 0), By: "<ann>", App: "demo", Dialect: "stream", From: "core", To: "vendor"}}, nil
}

func (b *board) Unrecognised() []proxy.Strange {
	return []proxy.Strange{{Provider: "stream", Code: "777", Status: 418, Count: 5}}
}

// The page is the operator's alone, switches as the form says, and shows why a switch was refused.
func TestVendorsPage(t *testing.T) {
	c, err := web.NewConsole(web.ConsoleOptions{Password: "open sesame", Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	b := &board{setting: proxy.Setting{App: "demo", Dialect: "stream", Mode: proxy.ModeVendor}}
	pages, err := c.VendorsPages(func() web.Switchboard { return b })
	if err != nil {
		t.Fatal(err)
	}
	ask := func(i int, cookie, body string) *adapters.Response {
		return pages[i].Serve(&adapters.Request{Method: pages[i].Method, Remote: "192.0.2.7", Body: []byte(body), Headers: adapters.Values{{Name: "Cookie", Value: cookie}}})
	}
	order := url.Values{"app": {"demo"}, "dialect": {"stream"}, "mode": {"shadow-vendor"}, "routes": {"QueryUsers=core\r\nGET /channels/*=vendor\r\n"}, "note": {"try it"}, "keep": {"1"}}
	for i := range pages {
		if rs := ask(i, "", order.Encode()); rs.Status != 303 || len(b.orders) != 0 {
			t.Errorf("a stranger is answered %d", rs.Status)
		}
	}
	cookie := signedIn(t, c)
	has := func(rs *adapters.Response, wants ...string) {
		t.Helper()
		for _, want := range wants {
			if !strings.Contains(string(rs.Body), want) {
				t.Errorf("no %q in %s", want, rs.Body)
			}
		}
	}
	has(ask(0, cookie, ""), "demo over stream", "https://vendor.test", "3 links", "&lt;ann&gt;", "777", "<option selected>vendor</option>")
	has(ask(1, cookie, order.Encode()), `role="status"`, "<option selected>shadow-vendor</option>", "QueryUsers=core\nGET /channels/*=vendor\n")
	if len(b.orders) != 1 || b.orders[0].By != "console 192.0.2.7" || !b.orders[0].Keep || b.orders[0].Force || len(b.orders[0].Routes) != 2 {
		t.Errorf("ordered %+v", b.orders)
	}
	order.Set("note", "")
	has(ask(1, cookie, order.Encode()), `role="alert"`, "&lt;no reason&gt;")
	order.Set("routes", "nonsense")
	has(ask(1, cookie, order.Encode()), "is not operation=mode")
	if len(b.orders) != 1 {
		t.Errorf("%d orders went through", len(b.orders))
	}
}
