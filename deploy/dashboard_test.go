package deploy_test

// panel is one graph of the dashboard.
type panel struct {
	title   string
	about   string
	unit    string // of Grafana
	stat    bool   // one number instead of a graph
	queries []query
}

type query struct{ expr, legend string }

const of = `{job=~"$job",instance=~"$instance"}`

// panels are the dashboard, in rows of three.
var panels = []panel{
	{title: "Nodes", about: "Nodes that answer their scraper.", unit: "short", stat: true, queries: []query{{`count(dragoman_build_info` + of + `)`, ""}}},
	{title: "Live connections", unit: "short", stat: true, queries: []query{{`sum(dragoman_sockets` + of + `)`, ""}}},
	{title: "Messages stored a second", unit: "ops", stat: true, queries: []query{{`sum(rate(dragoman_store_seconds_count{call="append",job=~"$job",instance=~"$instance"}[$__rate_interval]))`, ""}}},
	{title: "Requests by dialect", unit: "reqps", queries: []query{{`sum by (dialect) (rate(dragoman_http_requests_total` + of + `[$__rate_interval]))`, "{{dialect}}"}}},
	{title: "Answers by class", unit: "reqps", queries: []query{{`sum by (status_class) (rate(dragoman_http_requests_total` + of + `[$__rate_interval]))`, "{{status_class}}"}}},
	{title: "Time of an answer", about: "From the request head to the answer.", unit: "s", queries: []query{
		{`histogram_quantile(0.5, sum by (dialect, le) (rate(dragoman_http_request_seconds_bucket` + of + `[$__rate_interval])))`, "{{dialect}} p50"},
		{`histogram_quantile(0.99, sum by (dialect, le) (rate(dragoman_http_request_seconds_bucket` + of + `[$__rate_interval])))`, "{{dialect}} p99"},
	}},
	{title: "Errors by canonical reason", about: "The ten most frequent; the vendor's own codes are in the label vendor_code.", unit: "ops", queries: []query{{`topk(10, sum by (dialect, reason) (rate(dragoman_problems_total` + of + `[$__rate_interval])))`, "{{dialect}} {{reason}}"}}},
	{title: "Connections by dialect", unit: "short", queries: []query{{`sum by (dialect) (dragoman_sockets` + of + `)`, "{{dialect}}"}}},
	{title: "Frames", unit: "ops", queries: []query{{`sum by (dialect, dir) (rate(dragoman_socket_frames_total` + of + `[$__rate_interval]))`, "{{dialect}} {{dir}}"}}},
	{title: "Time of a call to the database", about: "The wait for the commit included.", unit: "s", queries: []query{
		{`histogram_quantile(0.5, sum by (call, le) (rate(dragoman_store_seconds_bucket` + of + `[$__rate_interval])))`, "{{call}} p50"},
		{`histogram_quantile(0.99, sum by (call, le) (rate(dragoman_store_seconds_bucket` + of + `[$__rate_interval])))`, "{{call}} p99"},
	}},
	{title: "Database calls without an answer", unit: "ops", queries: []query{{`sum by (instance, call) (rate(dragoman_store_failures_total` + of + `[$__rate_interval]))`, "{{instance}} {{call}}"}}},
	{title: "Breakers", about: "0 closed, 1 half-open, 2 open.", unit: "short", queries: []query{{`max by (instance) (dragoman_store_breaker_state` + of + `)`, "store {{instance}}"}, {`max by (app, host) (dragoman_breaker_state` + of + `)`, "{{app}} {{host}}"}, {`max by (instance, node) (dragoman_remote_breaker_state` + of + `)`, "{{instance}} to {{node}}"}}},
	{title: "Bus and lease", about: "Each node's view.", unit: "short", queries: []query{{`dragoman_core_bus_up` + of, "bus {{instance}}"}, {`dragoman_core_lease_held` + of, "lease {{instance}}"}, {`dragoman_core_nodes` + of, "nodes {{instance}}"}}},
	{title: "Events waiting to be handed on", unit: "short", queries: []query{{`dragoman_core_dispatch_queue` + of, "{{instance}}"}}},
	{title: "Slow clients ended", unit: "ops", queries: []query{{`sum by (instance) (rate(dragoman_slow_consumers_total` + of + `[$__rate_interval]))`, "{{instance}}"}}},
	{title: "Webhook calls", unit: "ops", queries: []query{
		{`sum(rate(dragoman_core_webhooks_sent_total` + of + `[$__rate_interval]))`, "sent"}, {`sum(rate(dragoman_core_webhooks_failed_total` + of + `[$__rate_interval]))`, "failed"},
		{`sum(rate(dragoman_core_webhooks_lost_total` + of + `[$__rate_interval]))`, "given up"},
	}},
	{title: "Webhooks waiting", unit: "s", queries: []query{{`max(dragoman_core_webhooks_behind_seconds` + of + `)`, "age of the oldest"}}},
	{title: "Channels whose webhooks wait", unit: "short", queries: []query{{`sum(dragoman_core_webhooks_held_channels` + of + `)`, "channels"}}},
	{title: "Processor", unit: "short", queries: []query{{`rate(process_cpu_seconds_total` + of + `[$__rate_interval])`, "{{instance}}"}}},
	{title: "Memory", unit: "bytes", queries: []query{{`process_resident_memory_bytes` + of, "{{instance}}"}}},
	{title: "Goroutines", unit: "short", queries: []query{{`go_goroutines` + of, "{{instance}}"}}},
}

// The parts of Grafana's model that the dashboard uses.
type (
	dashboard struct {
		UID           string     `json:"uid"`
		Title         string     `json:"title"`
		Tags          []string   `json:"tags"`
		SchemaVersion int        `json:"schemaVersion"`
		Refresh       string     `json:"refresh"`
		Time          timeRange  `json:"time"`
		Templating    templating `json:"templating"`
		Panels        []graph    `json:"panels"`
	}
	timeRange struct {
		From string `json:"from"`
		To   string `json:"to"`
	}
	templating struct {
		List []variable `json:"list"`
	}
	variable struct {
		Name       string      `json:"name"`
		Label      string      `json:"label"`
		Type       string      `json:"type"`
		Query      string      `json:"query"`
		Datasource *datasource `json:"datasource,omitempty"`
		Multi      bool        `json:"multi,omitempty"`
		IncludeAll bool        `json:"includeAll,omitempty"`
		AllValue   string      `json:"allValue,omitempty"`
		Refresh    int         `json:"refresh,omitempty"`
	}
	datasource struct {
		Type string `json:"type"`
		UID  string `json:"uid"`
	}
	graph struct {
		ID          int        `json:"id"`
		Type        string     `json:"type"`
		Title       string     `json:"title"`
		Description string     `json:"description,omitempty"`
		Datasource  datasource `json:"datasource"`
		GridPos     position   `json:"gridPos"`
		FieldConfig fields     `json:"fieldConfig"`
		Targets     []target   `json:"targets"`
	}
	position struct {
		H int `json:"h"`
		W int `json:"w"`
		X int `json:"x"`
		Y int `json:"y"`
	}
	fields struct {
		Defaults struct {
			Unit string `json:"unit"`
			Min  int    `json:"min"`
		} `json:"defaults"`
	}
	target struct {
		RefID        string `json:"refId"`
		Expr         string `json:"expr"`
		LegendFormat string `json:"legendFormat"`
	}
)

// newDashboard lays the panels out.
func newDashboard() dashboard {
	source := datasource{"prometheus", "${source}"}
	d := dashboard{UID: "dragoman", Title: "Dragoman", Tags: []string{"dragoman"}, SchemaVersion: 39, Refresh: "30s", Time: timeRange{"now-3h", "now"}}
	d.Templating.List = []variable{
		{Name: "source", Label: "Source", Type: "datasource", Query: "prometheus"},
		{Name: "job", Label: "Job", Type: "query", Query: "label_values(dragoman_build_info, job)", Datasource: &source, Multi: true, IncludeAll: true, AllValue: ".*", Refresh: 2},
		{Name: "instance", Label: "Node", Type: "query", Query: `label_values(dragoman_build_info{job=~"$job"}, instance)`, Datasource: &source, Multi: true, IncludeAll: true, AllValue: ".*", Refresh: 2},
	}
	for i, p := range panels {
		g := graph{ID: i + 1, Type: "timeseries", Title: p.title, Description: p.about, Datasource: source, GridPos: position{8, 8, i % 3 * 8, i / 3 * 8}}
		if p.stat {
			g.Type = "stat"
		}
		g.FieldConfig.Defaults.Unit = p.unit
		for n, q := range p.queries {
			g.Targets = append(g.Targets, target{string(rune('A' + n)), q.expr, q.legend})
		}
		d.Panels = append(d.Panels, g)
	}
	return d
}
