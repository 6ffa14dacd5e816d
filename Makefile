# make demo: build, and run the main job in ./demo.   make test: the tests, with Go alone.   make check: all that CI checks.

GO      ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X github.com/mqttpki/mqttpki/cmd/internal/cli.version=$(VERSION)
export CGO_ENABLED ?= 0

# Versions that build with the Go in go.mod.
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.8.0

# Packages in testdata, which ./... leaves out.
TESTDATA := $(patsubst %/,./%,$(sort $(dir $(wildcard testdata/*/*.go))))

# Each system and each architecture once, beside those of the machine that runs the tests.
PLATFORMS := linux/arm64 darwin/arm64 windows/amd64

.PHONY: all build demo test check fmt vet staticcheck vulncheck race fuzz cross bench interop man clean

all: build

build:
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/mqttpki ./cmd/mqttpki

demo: build
	bin/mqttpki quickstart --dir demo

test:
	$(GO) test ./... $(TESTDATA)

check: fmt vet staticcheck vulncheck cross race fuzz

fmt:
	@out=$$(gofmt -l .); test -z "$$out" || { echo "gofmt would change: $$out"; exit 1; }
	$(GO) mod tidy -diff

vet:
	$(GO) vet ./... $(TESTDATA)

staticcheck:
	$(GO) run $(STATICCHECK) ./... $(TESTDATA)

# The database is on the network; where it cannot be reached that is said, and nothing else is excused.
vulncheck:
	@.ci/vulncheck $(GO) run $(GOVULNCHECK) ./... $(TESTDATA)

# The race detector needs a C compiler. The real programs have had their turn in make test.
race:
	CGO_ENABLED=1 $(GO) test -race -short ./... $(TESTDATA)

# Each fuzzer for a few seconds: enough to find what a change has just broken. By a number of tries, since a time makes one
# run in some hundred fail with "context deadline exceeded" and no finding (go.dev/issue/75804, until Go 1.27).
FUZZTIME ?= 10000x
fuzz:
	@$(GO) list -f '{{.Dir}}' ./... | while read -r dir; do \
	  grep -hoE '^func Fuzz[A-Za-z0-9_]+' "$$dir"/*_test.go 2>/dev/null | sed 's/^func //' | while read -r name; do \
	    echo "fuzz $$name in $${dir#$(CURDIR)/}"; \
	    out=$$(cd "$$dir" && $(GO) test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) . 2>&1) || { echo "$$out"; exit 1; }; \
	  done || exit 1; \
	done

cross:
	@for p in $(PLATFORMS); do echo "build for $$p"; \
	  CGO_ENABLED=0 GOOS=$${p%/*} GOARCH=$${p#*/} $(GO) build -o /dev/null ./cmd/mqttpki || exit 1; done

bench: build
	$(GO) run ./testdata/bench -mqttpki bin/mqttpki

# Tries every program that writes stores with every one that reads them, and publishes what was found.
interop:
	MQTTPKI_INTEROP=required $(GO) test ./testdata/matrix -count=1 -update

man: build
	bin/mqttpki man bin/man

# Only what make made.
clean:
	rm -rf bin
