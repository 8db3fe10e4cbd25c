# Two commands set everything up on a fresh machine with Go: make run, make test.

GO ?= go
BIN := bin/signpost
SOURCES := $(shell find cmd intake mail sla store -name '*.go' -o -name '*.toml' -o -name '*.html' -o -name '*.css' -o -name '*.js' -o -name '*.txt') go.mod go.sum

.PHONY: run build test race e2e bench fuzz check clean

run: build ## the demo: the whole service and a sandbox mail server
	$(BIN) demo

build: $(BIN)

$(BIN): $(SOURCES)
	$(GO) build -trimpath -o $@ ./cmd/signpost

test: ## everything that passes with Go alone
	$(GO) test -shuffle=on ./...

race: ## the same under the race detector (needs a C compiler)
	$(GO) test -race -shuffle=on ./...

e2e: build ## against Dovecot, Postfix and Chromium, installed where missing
	.ci/e2e

bench: build ## the figures of the README
	.ci/bench

FUZZTIME ?= 30s
fuzz: ## every fuzz target for FUZZTIME
	.ci/fuzz $(FUZZTIME)

check: ## vet, format, static checks
	.ci/check

clean:
	rm -rf bin data
