# All of it needs Go alone, except lint (golangci-lint), race (a C compiler) and what says so below.
export CGO_ENABLED = 0
BINARY := sluice$(if $(filter windows,$(shell go env GOOS)),.exe)
GO_BUILD := go build -trimpath -ldflags "-s -w"
FUZZTIME ?= 20s
BENCH_ROWS ?= 100000
BENCH_STUDENTS ?= 2000000

.PHONY: build test race lint bench bench-peers bench-roster fuzz demo docs cross vet axe

build:
	$(GO_BUILD) -o $(BINARY) ./cmd/sluice

test:
	go test $(TESTFLAGS) ./...

race:
	CGO_ENABLED=1 go test -race $(RACEFLAGS) ./pkg/...

lint:
	golangci-lint run ./...

# Prints each target of speed and size as reached or missed; it is never part of the tests.
bench: build
	./testdata/bench.sh $(BENCH_ROWS)

# The same rows and records through Earthmover and Lightbeam, and through sluice. Needs Python 3.11 to 3.13 and,
# once, a package index; BENCH_FULL=1 adds 100,000 rows. The rest is said in the script.
bench-peers: build
	./testdata/bench-peers.sh

# Writes and reads an index of two million students, and fails if that takes more than 300 MB of memory.
bench-roster:
	BENCH_STUDENTS=$(BENCH_STUDENTS) go test ./pkg/roster -run TestManyStudents -count=1 -v | grep -v '^=== '

fuzz:
	./testdata/fuzz.sh $(FUZZTIME)

demo: build
	./$(BINARY) demo

# Rewrites what is generated, and runs the README's shell blocks.
docs: build
	go test ./cmd/sluice -run 'TestGeneratedDocs|TestLinterRules' -update
	./testdata/readme.sh

# Opens the pages of eight kinds of runs in Chromium and checks them with axe-core. Needs chromium and npm.
axe: build
	./testdata/axe.sh

vet:
	for os in linux darwin windows; do GOOS=$$os go vet ./... && GOOS=$$os go build -o /dev/null ./cmd/sluice || exit 1; done

cross:
	for os in linux darwin windows; do for arch in amd64 arm64; do \
	  echo $$os/$$arch; GOOS=$$os GOARCH=$$arch $(GO_BUILD) -o dist/sluice-$$os-$$arch$$([ $$os = windows ] && echo .exe) ./cmd/sluice || exit 1; done; done
