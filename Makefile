# Every target does its own set-up: tools/deps.sh installs what is missing (DEPS=skip only prints the apt line).
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

JOBS ?= $(shell nproc)
BUILD ?= build
PREFIX ?= /usr/local
CMAKE := cmake -G Ninja -DCMAKE_BUILD_TYPE=Release

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build the tool: build/hallmark
	@tools/deps.sh build
	$(CMAKE) -S . -B $(BUILD) -DHALLMARK_TESTS=OFF > $(BUILD).log 2>&1 || { cat $(BUILD).log; exit 1; }
	@rm -f $(BUILD).log
	cmake --build $(BUILD) -j $(JOBS)

.PHONY: test
test: ## Run every test: proofs and gates, what is printed and extracted, C++
	@tools/deps.sh build test text solvers proofs extraction
	$(MAKE) -j 2 check-proofs check-contracts checker test-programs  # what Coq does leaves half of two cores idle, for minutes
	$(MAKE) -j 2 -o build -o checker -o test-programs check-checker test-cpp  # which the line above has made

.PHONY: test-programs test-cpp
test-programs: ## Build the C++ tests
	@tools/deps.sh build test text solvers
	$(CMAKE) -S . -B $(BUILD) -DHALLMARK_TESTS=ON
	cmake --build $(BUILD) -j $(JOBS)
test-cpp: test-programs ## Build and run the C++ tests
	OMP_WAIT_POLICY=passive ctest --test-dir $(BUILD) --output-on-failure --no-tests=error -j $$(($(JOBS) + 1))  # one waits for a disk; none spins

.PHONY: ablation ablation-all ablation-smoke
ablation: build ## The main job: 3 seeds x {0,16,32} calibration batches to GF16; appends ten lines, writes docs/ablation.md
	@tools/deps.sh text
	$(BUILD)/hallmark ablate --grid gf16
ablation-all: ablation ## The same for the symmetric integers of 8, 6 and 4 bits too, and for the best codes of 4, 3 and 2
	for grid in int8s int6s int4s; do $(BUILD)/hallmark ablate --grid $$grid; done
	for bits in 4 3 2; do $(BUILD)/hallmark ablate --bits $$bits; done
ablation-smoke: build ## One seed, little text, all three N, into a temporary file
	@tools/deps.sh text
	dir=$$(mktemp -d); trap 'rm -rf "$$dir"' EXIT; \
	$(BUILD)/hallmark ablate --grid gf16 --seeds 47 --eval-bytes 8192 --output "$$dir/smoke.jsonl"

.PHONY: league league-smoke
league: build ## Methods x bits x the three checkpoints (6 s of a core for each line): appends to assertions/league.jsonl, writes docs/league.md; RESUME=1 goes on
	@tools/deps.sh text
	$(BUILD)/hallmark league $(if $(RESUME),--resume)
league-smoke: build ## Two entries, one checkpoint, little text, into a temporary file, and its report
	@tools/deps.sh text
	dir=$$(mktemp -d); trap 'rm -rf "$$dir"' EXIT; \
	$(BUILD)/hallmark league --entries '^(rtn|gptq)$$' --bits 4 --seeds 47 --eval-bytes 8192 --output "$$dir/smoke.jsonl"; \
	$(BUILD)/hallmark league --report --output "$$dir/smoke.jsonl"

.PHONY: study study-smoke
study: build ## Measure STUDY=damage (see `hallmark study --help`) in full: appends to assertions/studies.jsonl, writes docs/studies/; RESUME=1 goes on
	@tools/deps.sh text
	$(BUILD)/hallmark study $(STUDY) --state $(BUILD)/study-$(STUDY) $(if $(RESUME),--resume)
study-smoke: build ## A few arms of every study on one checkpoint, little text, into temporary files, and their pages
	@tools/deps.sh text
	dir=$$(mktemp -d); trap 'rm -rf "$$dir"' EXIT; \
	smoke() { $(BUILD)/hallmark study $$1 --arms "$$2" --seeds 47 --eval-bytes 1024 --output "$$dir/$$1.jsonl"; \
	  $(BUILD)/hallmark study $$1 --report --output "$$dir/$$1.jsonl"; }; \
	smoke damage '^int4 gptq'; smoke calibration-source '^(self-generated|random bytes), 4 batches'; smoke rescue '^(nothing|low rank 2|n-gram cache)$$'; smoke repeat-2135 '^draw 1$$'; smoke learned-tables '^2'

.PHONY: proofs check-proofs clean-proofs
proofs: ## Compile the Coq development
	@tools/deps.sh proofs
	$(MAKE) -C coq JOBS=$(JOBS) all
check-proofs: proofs ## Audit the proofs: assumptions, coqchk, theorem list, text gates and their self-tests
	$(MAKE) -C coq check
clean-proofs: ## Remove everything that Coq compiled
	$(MAKE) -C coq clean

.PHONY: contracts check-contracts checker check-checker
contracts: proofs ## Print contracts/generated/ and the manifest from Coq, and what the example of docs/extending.md adds
	extract/contracts generate
check-contracts: proofs ## Print them again and compare; the printed C++ against the extracted evaluator
	extract/contracts check
	@tools/deps.sh build extraction
	$(MAKE) -C extract/evaluator BUILD=$(abspath $(BUILD))/evaluator test
checker: proofs ## Extract the checker from Coq: build/checker/hallmark-check
	@tools/deps.sh extraction
	$(MAKE) -C extract/checker BUILD=$(abspath $(BUILD))/checker
check-checker: checker build ## Bundles, forged files and layers of a shipped model against hallmark-check
	$(MAKE) -C extract/checker BUILD=$(abspath $(BUILD))/checker test
	@tools/deps.sh text
	tools/check_verify.sh $(BUILD)
	tools/check_audit.sh $(BUILD)

.PHONY: fixtures
fixtures: ## Make tests/fixtures/ again with the oracle, and tests/quantize/digests.txt (tests compare them byte for byte)
	@tools/deps.sh build test
	$(CMAKE) -S . -B $(BUILD) -DHALLMARK_TESTS=ON
	cmake --build $(BUILD) -j $(JOBS) --target make_fixtures make_digests
	$(BUILD)/tests/fixtures/make_fixtures tests/fixtures
	$(BUILD)/tests/quantize/make_digests > tests/quantize/digests.txt

.PHONY: check-exhaustive check-fuzz fuzz-hours check-kills check-sanitizers check-tsan check-neon check-trainer check-python check-interop check-cuda check-mpi check-install
check-exhaustive: ## All 2^32 binary32 inputs of the codec against MPFR, then on every SIMD target (minutes); docs/check-exhaustive.txt
	@tools/deps.sh build test
	$(CMAKE) -S . -B $(BUILD) -DHALLMARK_TESTS=ON
	cmake --build $(BUILD) -j $(JOBS) --target exhaustive_gf16
	{ echo "make check-exhaustive, $$(date -u +%F), commit $$(git rev-parse HEAD)"; $(BUILD)/tests/format/exhaustive_gf16; } \
	  | tee $(BUILD)/check-exhaustive.txt
	mv $(BUILD)/check-exhaustive.txt docs/check-exhaustive.txt
check-fuzz: ## libFuzzer on the readers, the codec and the tool with sets of files, SECONDS_EACH=60 each
	@tools/deps.sh build fuzz sanitizers
	tools/check_fuzz.sh $(or $(SECONDS_EACH),60)
fuzz-hours: ## The same for SECONDS_EACH=3600, of all or of TARGETS; appends their processor time to docs/check-fuzz.txt
	@tools/deps.sh build fuzz sanitizers
	tools/check_fuzz.sh $(or $(SECONDS_EACH),3600) docs/check-fuzz.txt $(TARGETS)
check-kills: ## COUNT=1000 kills of two writers at once (quantize --overwrite, ablate, witness append), and of five commands with --state --resume (make test: 40, 30)
	@tools/deps.sh build test
	$(CMAKE) -S . -B $(BUILD) -DHALLMARK_TESTS=ON
	cmake --build $(BUILD) -j $(JOBS) --target test_tool_kills test_tool_resume_kills
	HALLMARK_KILLS=$(or $(COUNT),1000) $(BUILD)/tests/cli/test_tool_kills
	HALLMARK_KILLS=$(or $(COUNT),1000) $(BUILD)/tests/cli/test_tool_resume_kills
check-sanitizers: ## The C++ tests under AddressSanitizer and UndefinedBehaviorSanitizer (clang)
	@tools/deps.sh build test text solvers sanitizers
	tools/check_sanitizers.sh
check-tsan: ## The tests that use threads under ThreadSanitizer (clang, libomp, Archer)
	@tools/deps.sh build test text sanitizers
	tools/check_tsan.sh
check-neon: ## The kernels and their tests for aarch64, run under qemu-user: the digests of every other machine
	@tools/deps.sh neon
	tools/check_neon.sh
check-trainer: build ## Build the trainer, train a tiny preset with each switch of the model, see the loss fall and the replay agree
	@tools/deps.sh text trainer
	tools/check_trainer.sh $(BUILD)
.PHONY: trainer train train-study
trainer: build ## Build the trainer: build-trainer/hallmark-train
	@tools/deps.sh text trainer
	cmake --install $(BUILD) --prefix build-trainer/hallmark > /dev/null
	$(CMAKE) -S trainer -B build-trainer -DCMAKE_PREFIX_PATH=$(abspath build-trainer/hallmark)
	cmake --build build-trainer --target hallmark-train -j $(JOBS)
train-study: trainer ## Train what the study `training` compares, into build-trainer/study/ (an hour on two cores; it goes on where it was stopped)
	OPENBLAS_NUM_THREADS=1 tools/train_study.py build-trainer/hallmark-train build-trainer/study
train: trainer ## Train a checkpoint again, into build-trainer/: SEED=47 (hours with Debian's LibTorch; docs/replay.md)
	build-trainer/hallmark-train --recipe trainer/recipe.json --seed $(or $(SEED),47) --save-every 1000 \
	  --output build-trainer/seed-$(or $(SEED),47).safetensors
check-python: build ## Install the Python package into a fresh virtual environment, without network, and run its tests there
	@tools/deps.sh python
	tools/check_python.sh $(BUILD)
check-interop: build ## Read what we export with gguf, llama.cpp, safetensors and compressed-tensors, from PyPI
	@tools/deps.sh interop
	tools/check_interop.sh $(BUILD)
check-cuda: ## Compile the CUDA library with nvcc and run its tests on a GPU, where there are any
	tools/check_cuda.sh
check-mpi: ## Build the tool for several processes, compare what local ranks write and find with one, kill a rank KILLS=10 times
	@tools/deps.sh build mpi
	tools/check_mpi.sh $(or $(KILLS),10)
check-install: build ## Install into a temporary prefix and build examples/ against the installed package
	@tools/deps.sh solvers
	tools/check_install.sh $(BUILD)

.PHONY: format check-format
cxx_files = git ls-files '*.cpp' '*.hpp' '*.cu' '*.cuh' '*.hpp.in' | grep -v -e 'contracts/generated/' -e '^tests/generated/'
format: ## Lay out the C++ files (.clang-format)
	@tools/deps.sh format
	$(cxx_files) | xargs clang-format-14 -i
pages = git ls-files '*.md' | grep -v -x -E '(CHANGELOG|docs/(ablation|league|mutation|mutation-generated|studies|studies/.*))\.md'  # those written by hand
check-format: ## Compare their layout with it; no function is long without a reason, includes point one way, prose is wrapped
	@tools/deps.sh format
	$(cxx_files) | xargs clang-format-14 --dry-run -Werror
	$(cxx_files) | xargs tools/check_functions.pl
	$(cxx_files) | xargs tools/check_includes.pl
	$(pages) | xargs tools/check_pages.pl

.PHONY: mutants mutants-changed mutants-generated
mutants: checker ## Plant faults, each in a copy of its own, and see each caught, JOBS side by side (three quarters of an hour on two cores); writes docs/mutation.md
	@tools/deps.sh build test gate
	JOBS=$(JOBS) tests/mutants/run
mutants-changed: checker ## Those whose text or file is not what docs/mutation.md speaks of; the other rows stay
	@tools/deps.sh build test gate
	JOBS=$(JOBS) tests/mutants/run --changed
mutants-generated: ## COUNT=2 small faults in each of seven folders, drawn by each SEED="1 2 .. 12" (hours; it goes on where it was stopped); writes docs/mutation-generated.md
	@tools/deps.sh build test solvers gate
	JOBS=$(JOBS) tests/mutants/run-generated $(or $(COUNT),2) $(or $(SEED),1 2 3 4 5 6 7 8 9 10 11 12)

.PHONY: mutants-sample
mutants-sample: checker ## A few of them, chosen by the commit
	@tools/deps.sh build test gate
	JOBS=$(JOBS) tests/mutants/run --sample 4

# OpenBLAS 0.3.21 takes its kernels for AVX2 on processors that are younger than itself; a limit uses what the processor has.
BLAS := $(shell grep -qm 1 avx512vl /proc/cpuinfo 2> /dev/null && echo OPENBLAS_CORETYPE=SkylakeX)
.PHONY: bench check-bench
check-bench: ## Build the benchmarks and run the smallest GPTQ, whose results are compared with a plain twin (a minute)
	@tools/deps.sh build bench
	$(CMAKE) -S . -B $(BUILD) -DHALLMARK_BENCH=ON
	cmake --build $(BUILD) -j $(JOBS) --target hallmark_bench
	$(BUILD)/bench/hallmark_bench --benchmark_filter='GPTQ 2048 x 512' --benchmark_min_time=0.01
bench: ## Measure each figure beside its limit (minutes; LONG=1 adds 8192 x 8192 and a whole checkpoint): build/bench.json and docs/performance.md
	@tools/deps.sh build bench
	$(CMAKE) -S . -B $(BUILD) -DHALLMARK_BENCH=ON
	cmake --build $(BUILD) -j $(JOBS) --target hallmark_bench
	$(BLAS) $(BUILD)/bench/hallmark_bench $(if $(LONG),--long) --markdown=$(BUILD)/bench.md --benchmark_out=$(BUILD)/bench.json \
	  --benchmark_out_format=json --benchmark_enable_random_interleaving=true --benchmark_min_time=0.05
	sed -i -e '/^<!-- figures: make bench -->/,/^<!-- end of figures -->/{//!d' -e '}' -e '/^<!-- figures: make bench -->/r $(BUILD)/bench.md' \
	  docs/performance.md

.PHONY: install clean
install: build ## Install tool, library, headers, the CMake package Hallmark and, where it was built, hallmark-check under PREFIX
	cmake --install $(BUILD) --prefix $(PREFIX)
clean: ## Remove the build folders
	rm -rf $(BUILD) build-sanitize build-tsan build-neon build-trainer build-cuda build-mpi
