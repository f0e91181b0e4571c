# Two commands: `make demo` shows the product on real input, `make test` runs every check.
# Without make (Windows): see "Without make" in README.md.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test setup lint unit e2e vscode bench docs clean
demo: setup
	@$(BIN)/zi demo

test: setup
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python tests/run.py

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --upgrade "pip==26.3"
	@echo "Installing Zi Coder (the first time, llama.cpp is compiled: 4 to 6 minutes) ..."
	@$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[local,dev]"
	@touch $(STAMP)

docs: setup
	@$(BIN)/python docs/generate.py

clean:
	rm -rf $(VENV) artifacts client-vscode/node_modules client-vscode/dist
