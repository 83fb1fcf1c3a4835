# Every target sets up what it needs: ffmpeg and a C compiler are installed if they are missing.
# CARGO_TARGET_DIR is respected, as by cargo itself.

.PHONY: help demo cluster-demo test python notebooks readers transcripts faces bench lint features dist setup clean-demo report-check

help:
	@echo 'make demo        build, make a video, cut clips from it, show why these clips'
	@echo 'make cluster-demo  a scheduler and two executors here; one is killed in the middle of a run'
	@echo 'make test        all tests, all features'
	@echo 'make python      build the wheel of the Python package and run its tests (PROFILE=release: what users install)'
	@echo 'make notebooks   run the notebooks over what make demo wrote, and keep their outputs'
	@echo 'make readers     read the tables with DuckDB, pandas, Polars and pyarrow'
	@echo 'make transcripts  transcribe speech with a real model and compare'
	@echo 'make faces       frame faces with a real detector and compare'
	@echo 'make report-check  open reports in headless Chromium and use them'
	@echo 'make bench       all benchmarks'
	@echo 'make lint        formatting, clippy and rustdoc, warnings are errors'
	@echo 'make features    clippy on the library with each set of features that users build'
	@echo 'make dist        the release: program, completions, man pages, licences, Debian package (dist/)'
	@echo 'make clean-demo  remove what make demo has made'

setup:
	@sh scripts/setup.sh

demo: setup
	@sh scripts/demo.sh

cluster-demo: setup
	@sh scripts/cluster_demo.sh

test: setup
	cargo test --all-features --locked

# clippy here, where Python is at hand; clipflow itself is checked by `make lint`.
python: setup
	@sh scripts/setup.sh python
	cargo clippy -p clipflow-python --features dev --lib --locked -- -D warnings
	@sh python/run.sh

notebooks:
	@sh scripts/setup.sh python
	@sh notebooks/run.sh

readers:
	@sh scripts/setup.sh python
	@sh tests/readers/run.sh

transcripts:
	@sh scripts/setup.sh python
	@sh tests/transcripts/run.sh

faces:
	@sh scripts/setup.sh python
	@sh tests/faces/run.sh

# Skipped, with a message, where Chromium cannot be installed.
report-check:
	@sh scripts/setup.sh python
	@sh scripts/setup.sh browser || true
	@sh tests/report/run.sh

bench: setup
	cargo bench --all-features --locked
	cargo run --release --all-features --locked -- bench --quick

lint: setup
	cargo fmt --all --check
	cargo clippy --all-features --all-targets --locked -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --all-features --no-deps --locked

# The first two sets are built as users build them. For the others the feature `dev` asks for all crates, so that each
# builds clipflow alone.
FEATURES := datafusion cli bench cloud http mcp otlp youtube statistics polars distributed
features: setup
	cargo clippy --lib --bins --examples --locked -- -D warnings
	cargo clippy --no-default-features --lib --examples --locked -- -D warnings
	for feature in $(FEATURES); do \
		echo "== feature $$feature"; \
		cargo clippy --no-default-features --features dev,$$feature --lib --bins --locked -- -D warnings || exit 1; \
	done

# CLIPFLOW_DIST_BINARY names a program that is built already.
dist:
	@sh scripts/dist.sh

clean-demo:
	rm -rf demo
