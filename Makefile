# The two commands of the README, and what contributors need. All work is done by CMake presets.

.PHONY: run test setup setup-dev release asan tsan bench validate lint format fuzz install clean
.DEFAULT_GOAL := run

JOBS ?= $(shell nproc)

run: release  ## build, and simulate the quickstart
	build/release/terrace run workloads/quickstart.yaml

test: release  ## build, and run all tests
	ctest --preset release -j $(JOBS)

release asan tsan: setup
	cmake --preset $@
	cmake --build --preset $@ -j $(JOBS)

# Long tests try more of the same: what they do to memory the others do, too.
test-asan: asan
	ctest --preset asan -j $(JOBS) -E Slow

test-tsan: tsan
	ctest --preset tsan -j $(JOBS)

bench: release  ## the speed budgets, measured on this machine
	build/release/terrace_bench

validate:  ## errors of step times and of two serving runs, measured ones being below TERRACE_DATA
	@: "$${TERRACE_DATA:?is not set: make validate TERRACE_DATA=DIR, see reports/validation/README.md}"
	$(MAKE) release
	reports/validation/validate.sh

lint: setup setup-dev  ## formatting, clang's warnings, clang-tidy
	git ls-files '*.?pp' '*.cu*' | xargs clang-format --dry-run -Werror
	cmake --preset lint
	cmake --build --preset lint -j $(JOBS)

format: setup-dev
	git ls-files '*.?pp' '*.cu*' | xargs clang-format -i

FUZZ_SECONDS ?= 60
fuzz: setup setup-dev  ## every parser against random input, FUZZ_SECONDS each
	cmake --preset fuzz
	cmake --build --preset fuzz -j $(JOBS)
	for target in build/fuzz/fuzz_*; do \
	  corpus=tests/fuzz/corpus/$${target##*/fuzz_}; \
	  mkdir -p build/fuzz/found/$${target##*/} && \
	  $$target -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
	    -artifact_prefix=build/fuzz/ build/fuzz/found/$${target##*/} $$corpus || exit 1; \
	done

setup:
	@cmake/setup.sh cmake/packages.txt
setup-dev:
	@cmake/setup.sh cmake/packages-dev.txt

PREFIX ?= /usr/local
install: release  ## the program, the library and the catalogue below PREFIX
	cmake --install build/release --prefix $(PREFIX)

clean:
	rm -rf build
