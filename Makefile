# A thin front of meson and of the scripts in tools/, so that nobody has to remember them. CC is honoured when build/ is first made.
BUILD ?= build
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 60

ifneq ($(origin CC),default)
export CC
endif
export BUILD FUZZ_SECONDS ONLY

examples = $(patsubst %.c,%,$(wildcard examples/*.c))

all: $(BUILD)/build.ninja
	ninja -C $(BUILD) programs $(examples)

$(BUILD)/build.ninja:
	@command -v meson >/dev/null || { echo 'meson is missing: "make deps" installs what is needed' >&2; exit 1; }
	meson setup --prefix=$(PREFIX) $(BUILD)

help:
	@echo 'make            build earshotd, earshotctl, earshot and libearshot under $(BUILD)/'
	@echo 'make run        install what is missing, build, serve on 127.0.0.1:4000; at a terminal also open a client'
	@echo 'make test       install what is missing, build, run all tests'
	@echo 'make lint       style, layers, sizes, warnings as errors'
	@echo 'make tidy       clang-tidy'
	@echo 'make analyze    the analysers of gcc and clang over src/'
	@echo 'make coverage   lines and branches of src/ that the tests run; fuzz-coverage: that the corpora run, per parser'
	@echo 'make bench      what a message costs, beside the least that is possible; ten minutes'
	@echo 'make bench-growth  the same with ever more accounts and stored messages; bench-micro: single operations'
	@echo 'make bench-smoke   whether all that works; no figures'
	@echo 'make torture    the long tests, and every deliberate defect; ONLY=WORD chooses among them'
	@echo 'make defects    whether the tests notice deliberate defects; ONLY=NAME chooses one'
	@echo 'make test-nat   private channels across NATs of every kind, in network namespaces (needs root)'
	@echo 'make fuzz       every fuzzer for FUZZ_SECONDS=$(FUZZ_SECONDS)'
	@echo 'make deps       install what is missing (Debian packages)'
	@echo 'make deps-browser  install Chromium, for the tests with a browser'
	@echo 'make install    into PREFIX=$(PREFIX), below DESTDIR if that is set'
	@echo 'make clean'

deps:
	tools/deps build test lint

deps-browser:
	tools/deps browser

run:
	tools/deps build
	$(MAKE) --no-print-directory all
	tools/run $(BUILD)

test:
	tools/deps build test
	tools/run-tests

lint:
	tools/deps build test lint
	tools/lint

tidy:
	tools/deps build test lint
	tools/tidy

analyze:
	tools/deps build test lint analysis
	tools/analyze

coverage:
	tools/deps build test lint analysis
	tools/coverage --gaps

fuzz-coverage:
	tools/deps build test lint analysis
	tools/coverage fuzz

bench: $(BUILD)/build.ninja
	tools/deps build bench
	bench/run --report docs

bench-growth: $(BUILD)/build.ninja
	tools/deps build bench
	bench/run --report docs growth loops

bench-micro: $(BUILD)/build.ninja
	bench/micro

bench-smoke: $(BUILD)/build.ninja
	bench/run --smoke

torture:
	tools/deps build test
	tools/run-tests torture

defects:
	tools/deps build test
	tools/run-tests defects

test-nat:
	tests/nat/run $(BUILD)

fuzz:
	tools/deps build test lint
	tools/fuzz

install: $(BUILD)/build.ninja
	meson configure --prefix=$(PREFIX) $(BUILD)
	ninja -C $(BUILD) programs
	meson install -C $(BUILD) --no-rebuild $(if $(DESTDIR),--destdir $(abspath $(DESTDIR)))

clean:
	rm -rf $(BUILD) build-asan build-tsan build-fuzz build-lint-gcc build-lint-clang build-defects build-coverage build-analyze

.PHONY: all help deps deps-browser run test lint tidy analyze coverage fuzz-coverage bench bench-growth bench-micro bench-smoke torture defects test-nat fuzz install clean
