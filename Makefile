# rt: one static binary. `make help` lists the targets.

SHELL      := /bin/bash
GO         ?= go
VERSION    ?= 0.1.0-dev
COMMIT     ?= $(shell git describe --dirty --long --always 2>/dev/null)
# urfave_cli_no_docs leaves out a manual page generator that costs 0.5 ms a start.
TAGS       := urfave_cli_no_docs
LDFLAGS    := -s -w -E rt/libct/seal.entry -X main.version=$(VERSION) -X main.commit=$(COMMIT)
BUILD      := CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -tags $(TAGS) -ldflags '$(LDFLAGS)'
FUZZTIME   ?= 10s

.PHONY: all build run test setup lint unit bats test-managers test-vm differ fuzz soak bench clean help

all: build ## same as build

build: ## build bin/rt for this machine, and check that the other architecture builds
	$(BUILD) -o bin/rt .
	@for arch in amd64 arm64; do GOARCH=$$arch $(BUILD) -o /dev/null . || exit; done

run: build ## run a container with rt and tell what happened (needs root)
	tests/demo

test: setup build ## install what is missing, then lint, Go tests and bats; ends with one summary line
	$(GO) run ./tests/tally

setup: ## install the packages the tests need (Debian, root); otherwise name them
	tests/setup

lint: ## gofmt, go vet for both architectures, staticcheck
	tests/lint

unit: build ## Go tests alone: unit, golden, fuzz seeds, kernel, house rules
	$(GO) run ./tests/tally go

bats: build ## command line tests alone
	$(GO) run ./tests/tally bats

test-vm: build ## bats on cgroup v2 and systemd, in virtual machines (root); PART=ci or PART=limits for less
	CGO_ENABLED=0 $(GO) build -o bin/payload ./tests/payload
	PART='$(PART)' $(GO) run ./tests/tally vm

test-managers: build ## Docker, Podman, containerd and Buildah on rt, in virtual machines (root; an hour and more)
	tests/managers/run

differ: build ## the same bundles under rt and the runc and crun found on PATH
	$(GO) run ./tests/differ

fuzz: ## every fuzz target for FUZZTIME (10s)
	tests/fuzz $(FUZZTIME)

soak: build ## 10,000 lives of containers, eight at a time, rt killed in many of them
	RT_SOAK=10000 $(GO) test ./tests/faults -count=1 -run '^TestSoak$$' -v -timeout 5h

bench: build ## rt beside runc and crun; prints ratios, fails never
	$(GO) run ./tests/bench

clean: ## remove what was built
	rm -rf bin

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
