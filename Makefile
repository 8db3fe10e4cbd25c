# Two commands set everything up on a fresh machine with Go: make run, make test.

GO ?= go
BIN := bin/signpost

.PHONY: run build test e2e bench soak fuzz check clean

run: build ## the demo: the whole service and a sandbox mail server
	$(BIN) demo

build:
	$(GO) build -trimpath -o $(BIN) ./cmd/signpost

# The race detector needs a C compiler; a machine with Go alone runs without it.
RACE := $(shell command -v gcc >/dev/null 2>&1 && echo -race)

test: ## everything that passes with Go alone
	$(GO) test $(RACE) -shuffle=on ./...

e2e: build ## against Dovecot, Postfix and Chromium, installed where missing
	.ci/e2e

bench: build ## the figures of the README
	.ci/bench

SOAK ?= 20000
soak: ## the long proofs: SOAK runs of random verbs, in memory, against the model
	$(GO) test ./store/verbs -run '^TestContractInMemory$$/^Model$$' -rapid.checks=$(SOAK) -timeout 60m

FUZZTIME ?= 30s
fuzz: ## every fuzz target for FUZZTIME
	.ci/fuzz $(FUZZTIME)

check: ## format, line lengths, vet, static checks
	.ci/check

clean:
	rm -rf bin data
