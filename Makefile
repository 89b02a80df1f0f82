# Everything one does with kvd. `make` alone lists it.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.NOTPARALLEL:

ARGS ?=
SEED ?= 1
SECONDS ?= 60
ROUNDS ?= 100
IMAGES ?= 100

kvd := .build/release/kvd
# Faster by a sixth, and not possible in Package.swift, whose packages then could not be depended on:
# optimization across modules, and no run-time checks for overlapping access (tests keep them).
release := -c release -Xswiftc -cross-module-optimization -Xswiftc -enforce-exclusivity=unchecked
python := .build/venv/bin/python
formatted := $(wildcard Package.swift Sources Tests fuzz bench)

.PHONY: help
help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup:  ## Install what the build needs (liblmdb-dev, liblua5.1-0-dev, pkg-config); does nothing when all is there
	@scripts/ensure lmdb lua

.PHONY: serve
serve: build  ## Build and run the daemon; ARGS="--data DIR --port N …" go to `kvd serve`
	@scripts/serve $(kvd) $(ARGS)

.PHONY: build
build: setup  ## Build in release mode
	swift build $(release)

.PHONY: test
test: test-clients test-differential test-swift  ## Run every test, after setting up all that they need

.PHONY: test-swift
test-swift: setup  ## Run the tests written in Swift, the house rules (TidyTests) among them
	swift test --disable-xctest

.PHONY: test-clients
test-clients: build  ## Drive the daemon with redis-py and redis-cli
	@scripts/ensure python redis
	@scripts/venv; status=$$?; \
	if [ $$status -eq 75 ]; then echo "test-clients: skipped: PyPI cannot be reached"; \
	elif [ $$status -ne 0 ]; then exit $$status; \
	else $(python) Tests/client/run $(ARGS); fi

.PHONY: test-differential
test-differential: build  ## The same random commands to kvd and to Redis; ARGS="--seed N --strict …"
	@scripts/ensure python redis
	Tests/differential/run --cases 220 $(ARGS)

.PHONY: check
check: setup lint check-build test fuzz-short  ## Strict lint, build without warnings, all tests, a little crashing: what CI runs

# Warnings are errors for every target (Package.swift says so).
.PHONY: check-build
check-build: setup
	swift build --build-tests

.PHONY: demo
demo: build  ## Load the Unicode database while killing the daemon, then compare every entry
	@scripts/ensure python unicode
	@scripts/venv
	@$(python) demo/unicode $(ARGS)

.PHONY: bench
bench: build bench-build  ## Compare with Redis, RocksDB and LMDB, write docs/benchmarks*.md (hours)
	@scripts/ensure python redis
	bench/redis-compare $(ARGS)
	bench/engines-compare
	bench/engines-shape

.PHONY: bench-quick
bench-quick: build bench-build  ## The same in less than 10 minutes; prints the tables and leaves docs/ alone
	@scripts/ensure python redis
	bench/redis-compare --quick $(ARGS)
	bench/engines-compare --quick
	bench/engines-shape --quick

.PHONY: bench-library
bench-library: bench-build  ## Compare kvd as a library with RocksDB and LMDB; ARGS=--quick, --only WORDS
	bench/engines-compare $(ARGS)

.PHONY: bench-shape
bench-shape: bench-build  ## How cost grows with data, partitions, values and batches; ARGS=--quick
	bench/engines-shape $(ARGS)

.PHONY: bench-stalls
bench-stalls: build  ## How long each command can make others wait (10 minutes); ARGS=--report writes docs/stalls.md
	bench/stalls $(ARGS)

# A package of its own, so that kvd is built without RocksDB; its products stay out of bench/.
.PHONY: bench-build
bench-build: setup
	@scripts/ensure rocksdb
	swift build $(release) --package-path bench/library --scratch-path .build/library

.PHONY: bench-load
bench-load: build  ## 3 million SETs, kill -9, restart: PASS or FAIL for each promise
	@scripts/ensure python redis
	bench/load-3m $(ARGS)

.PHONY: fuzz
fuzz: fuzz-build  ## Crash and input fuzzing, and comparison with Redis; SEED=… replays a run, SECONDS=… bounds it
	.build/release/kvd-simulate --seed $(SEED) --seconds $(SECONDS)
	.build/release/kvd-drive --seed $(SEED) --seconds $(SECONDS)
	fuzz/powerloss/images --seed $(SEED) --images $(IMAGES)
	Tests/differential/run --seed $(SEED) --seconds $(SECONDS) --coverage

.PHONY: fuzz-kill
fuzz-kill: fuzz-build  ## Kill the daemon ROUNDS=… times under load and judge from outside; SEED=…
	.build/release/kvd-drive --seed $(SEED) --rounds $(ROUNDS)

.PHONY: fuzz-power
fuzz-power: fuzz-build  ## Open IMAGES=… of what a power loss may leave; SEED=…
	fuzz/powerloss/images --seed $(SEED) --images $(IMAGES)

.PHONY: fuzz-power-proof
fuzz-power-proof: fuzz-build  ## Leave out one kind of sync after the other; each must be found
	swift build $(release) -Xswiftc -DKVD_DELIBERATE_BUGS --scratch-path .build/bugs --product kvd
	fuzz/powerloss/prove --bugs .build/bugs/release/kvd --seed $(SEED)

.PHONY: fuzz-scripts
fuzz-scripts: setup .build/fuzz-scripts  ## Scripts that call all of Lua that they can reach with extreme values; SEED=…, SECONDS=…
	.build/fuzz-scripts --seed $(SEED) --seconds $(SECONDS)

.PHONY: fuzz-scripts-proof
fuzz-scripts-proof: setup .build/fuzz-scripts  ## Lua's own functions in place of the guarded ones; each must be found
	.build/fuzz-scripts --prove --seed $(SEED) --scripts 100000 --seconds 600

.build/fuzz-scripts: fuzz/scripts/fuzz.c fuzz/scripts/generator.h $(wildcard Sources/CLua/*.h)
	@mkdir -p .build
	$(CC) -g -O1 -Wall -Wextra -Wno-unused-function -fsanitize=address,undefined -fno-sanitize-recover=undefined \
	  $$(pkg-config --cflags lua5.1) -ISources/CLua -o $@ $< $$(pkg-config --libs lua5.1) -lm

.PHONY: fuzz-build
fuzz-build: build .build/libkvdrecorder.so .build/libkvdclock.so

.build/libkvdrecorder.so: fuzz/powerloss/recorder.c
	@mkdir -p .build
	$(CC) -O2 -Wall -Wextra -Wno-nonnull-compare -shared -fPIC -o $@ $< -ldl -lpthread

.build/libkvdclock.so: fuzz/clock/clock.c
	@mkdir -p .build
	$(CC) -O2 -Wall -Wextra -shared -fPIC -o $@ $< -ldl

# Under a minute: 800 simulated seeds, 20 rounds of kills, 40 images and 20,000 scripts.
.PHONY: fuzz-short
fuzz-short: fuzz-build .build/fuzz-scripts
	.build/fuzz-scripts --seed 1 --scripts 20000 --seconds 15
	.build/release/kvd-simulate --seed 1 --seeds 800 --seconds 60
	.build/release/kvd-drive --seed $(SEED) --rounds 20 --seconds 20
	fuzz/powerloss/images --seed $(SEED) --images 40 --per-trace 20

# A build of its own: the bugs are in no other.
.PHONY: fuzz-bugs
fuzz-bugs: setup  ## Show that the harness finds every deliberate bug, and in how many seeds
	swift run $(release) -Xswiftc -DKVD_DELIBERATE_BUGS --scratch-path .build/bugs \
	  kvd-simulate --bugs yes --seed $(SEED)

.PHONY: fuzz-decoders
fuzz-decoders: setup  ## Coverage-guided fuzzing of each decoder for SECONDS, with libFuzzer
	scripts/fuzz-decoders $(SECONDS)

.PHONY: test-address
test-address: setup  ## The tests with the address sanitizer, leaks included; SUITES="KVStoreTests"
	scripts/test-sanitized address $(SUITES)

.PHONY: test-thread
test-thread: setup  ## The tests with the thread sanitizer; SUITES="KVStoreTests"
	scripts/test-sanitized thread $(SUITES)

.PHONY: format
format:  ## Rewrite the Swift files in the house format
	swift format -i -r $(formatted)

.PHONY: lint
lint:  ## Check the format strictly
	swift format lint --strict -r $(formatted)

.PHONY: clean
clean:  ## Remove what was built; stores are left alone
	rm -rf .build
