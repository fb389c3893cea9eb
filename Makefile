# The pure Go build: no C compiler, one static binary.
export CGO_ENABLED := 0

VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
FUZZTIME ?= 10s
# What takes part in "race" and "fuzz": everything but the tests that drive real SDKs.
UNIT      = $(shell go list ./... | grep -v /integration)

.DEFAULT_GOAL := build
.PHONY: build test unit integration deps panes bench bench-scale bench-cross test-remote chaos sim bench-import import-million chart race fuzz lint generate clean

build: ## bin/dragoman
	go build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o bin/dragoman ./cmd/dragoman

test: deps ## everything: vet, unit, architecture, the vendors' SDKs against the real process
	go vet ./...
	cd integration/gosdk && go vet ./...
	go test -timeout 14m ./...

unit: ## what needs neither Node nor a browser
	go vet ./...
	go test $(UNIT)

integration: deps
	go test -count 1 -timeout 14m ./integration

# The npm packages of the SDKs, at the locked versions; again only when the lock file changes.
deps: integration/node_modules/.package-lock.json
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || \
		echo "chromium is not installed: the browser tests cannot run"

integration/node_modules/.package-lock.json: integration/package-lock.json
	cd integration && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

panes: deps ## the console's live panes, each with its vendor's SDK, in .cache/panes
	node web/panes/build.mjs .cache/panes

bench: ## throughput, latency, fan-out, memory and start, measured on this machine
	go run ./bench

bench-scale: ## PostgreSQL, by one node and by three
	go run ./bench -only p

test-remote: ## all tests of the dialects with their core behind the network, as in a sidecar
	DRAGOMAN_TEST_CORE=remote go test -count 1 ./adapters/...

chaos: deps ## five minutes of three nodes with all vendors' SDKs, while parts of them are killed, paused and cut off; CHAOS=1m CHAOS_SEED=7 for others
	CHAOS=$${CHAOS:-5m} go test -count 1 -timeout 20m -v -run 'TestChaos$$' ./integration

SEEDS ?= 10000
FROM  ?= 1
sim: ## several nodes in virtual time over a store and a bus that fail: SEEDS stories from FROM on
	go test -count 1 -timeout 0 -run 'TestSeeds$$' ./core/sim -seeds $(SEEDS) -from $(FROM)

bench-cross: deps ## a text between the four SDKs, all sixteen pairs
	go run ./bench -only x

bench-import: ## a million messages into a fresh database
	go test -run '^$$' -bench 'Import$$' -benchtime 1000000x ./core/transfer

import-million: ## a million messages by the command, killed, resumed, exported and imported again
	go test -count 1 -timeout 30m -run 'TestImportAndBack$$' -v ./integration -args -import.messages 1000000

chart: ## lints and renders the Helm chart, by Helm itself, built from its module
	GOBIN=$(CURDIR)/.cache/bin go install helm.sh/helm/v3/cmd/helm@v3.21.4
	PATH="$(CURDIR)/.cache/bin:$$PATH" go test -count 1 -v -run TestChart ./deploy

race: ## needs a C compiler
	CGO_ENABLED=1 go test -race -shuffle=on $(UNIT)

fuzz: ## every fuzz target, FUZZTIME each
	@set -e; for dir in $$(grep -rl --include='*_test.go' '^func Fuzz' --exclude-dir=node_modules . | xargs -n1 dirname | sort -u); do \
		for f in $$(cat $$dir/*_test.go | sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\).*/\1/p'); do \
			echo "$$dir $$f"; go test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) $$dir; \
		done; \
	done

lint: ## gofmt and golangci-lint
	@out=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$out" || { echo "gofmt would change: $$out"; exit 1; }
	golangci-lint run

generate: ## files made from tables and tags: config.example.toml, docs/config.md, errors.md, compat/
	go test ./config ./normalize/explain ./adapters/stream ./adapters/native -update

clean:
	rm -rf bin integration/.out
