# make demo         a sample gallery, parsed, and the search page (GALLERY=folder: your own photographs; PORT=N)
# make demo-photos  the same on the public Clothing Co-Parsing photographs
# make test         everything CI runs: format, lint, types, tests

PYTHON ?= python3
STORE ?= data
SAMPLE := data/sample-gallery
GALLERY ?= $(SAMPLE)
CCP := data/clothing-co-parsing
CCP_URL ?= https://github.com/bearpaw/clothing-co-parsing
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo demo-photos env test clean
.DELETE_ON_ERROR:

demo: $(VENV)/.requirements $(if $(filter $(SAMPLE),$(GALLERY)),$(SAMPLE).stamp)
	$(BIN)/python -m app ingest "$(GALLERY)" --home "$(STORE)"
	$(BIN)/python -m app ui --home "$(STORE)" --open $(if $(PORT),--port $(PORT))

demo-photos: $(CCP)/photos
	$(MAKE) demo GALLERY=$(CCP)/photos STORE=data/photos

env: $(VENV)/.requirements-dev

test: $(VENV)/.requirements-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest

clean:
	rm -rf $(VENV) $(SAMPLE) .mypy_cache .ruff_cache .pytest_cache .hypothesis

# Stamp files: a step runs again only when what it reads has changed.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else f"Error: expected Python 3.11 or newer as $(PYTHON), got {v[0]}.{v[1]}; name another with make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.requirements: requirements.txt $(BIN)/python
	$(BIN)/python -m pip install --quiet -r requirements.txt
	@touch $@

$(VENV)/.requirements-dev: requirements-dev.txt $(VENV)/.requirements
	$(BIN)/python -m pip install --quiet -r requirements-dev.txt
	@touch $@

$(SAMPLE).stamp: $(VENV)/.requirements $(wildcard training/synthetic*.py training/sample_gallery.py)
	$(BIN)/python -m training.sample_gallery --output $(SAMPLE)
	@mv $(SAMPLE)/truth.json $(SAMPLE).truth.json
	@touch $@

$(CCP)/photos:
	@mkdir -p data
	@git clone --depth 1 $(CCP_URL) $(CCP) || { rm -rf $(CCP); echo "Error: expected to clone $(CCP_URL), but the network refused; fetch it elsewhere and run make demo GALLERY=its/photos" >&2; exit 1; }
