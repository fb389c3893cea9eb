package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
)

// crossRounds is how many texts each of the four sends.
const crossRounds = 60

// benchCross measures, in one run, how long a text takes between people with the four vendors' own SDKs
// under Node, from the sender's call to the receiver's callback, for all sixteen pairs of dialects.
func benchCross(r *report, o options) error {
	p, err := startServer()
	if err != nil {
		return err
	}
	defer p.stop()
	cmd := exec.Command("node", filepath.Join("integration", "interop", "latency.mjs"), strconv.Itoa(crossRounds*max(o.rounds, 1)/3))
	at := func(offset int) string { return strconv.Itoa(p.port + offset) }
	cmd.Env = append(os.Environ(), "NODE_EXTRA_CA_CERTS="+filepath.Join(p.dir, "dev-ca.pem"),
		"STREAM_URL=http://127.0.0.1:"+at(1), "STREAM_KEY="+apiKey, "STREAM_SECRET="+apiSecret,
		"COMET_HOST=localhost:"+at(2), "COMET_APP=demo-comet", "COMET_AUTH_KEY=demo-comet-authonly", "COMET_API_KEY=demo-comet-fullaccess",
		"AGORA_URL=http://127.0.0.1:"+at(3), "AGORA_ORG=demo-org", "AGORA_APP=demo-app", "AGORA_CLIENT_ID=demo-client-id", "AGORA_CLIENT_SECRET=demo-client-secret",
		"NEXCONN_URL=http://127.0.0.1:"+at(4), "NEXCONN_KEY=demo-nexconn-key", "NEXCONN_SECRET=demo-nexconn-secret",
	)
	var log bytes.Buffer
	cmd.Stderr = &log
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("the SDKs under Node (npm ci in integration/ installs them): %w\n%s", err, log.Bytes())
	}
	var taken map[string][]float64
	if err := json.Unmarshal(out, &taken); err != nil {
		return err
	}
	pairs := make([]string, 0, len(taken))
	fastest := 0.0
	for pair, ms := range taken {
		slices.Sort(ms)
		pairs = append(pairs, pair)
		if m := share(ms, 0.5); fastest == 0 || m < fastest {
			fastest = m
		}
	}
	slices.Sort(pairs)
	for _, pair := range pairs {
		ms := taken[pair]
		mid := share(ms, 0.5)
		r.row(pair, fmt.Sprintf("p50 %.2f ms", mid), fmt.Sprintf("p99 %.2f ms", share(ms, 0.99)), fmt.Sprintf("%.2f times the fastest", mid/fastest))
	}
	return nil
}

// share is the value below which that share of a sorted list lies.
func share(sorted []float64, part float64) float64 {
	return sorted[min(int(float64(len(sorted))*part), len(sorted)-1)]
}
