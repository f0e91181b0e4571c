# Two commands: `make demo` shows the product on real input, `make test` runs every check.
# Without make (Windows): see "Without make" in README.md.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test setup vscode docs clean

demo: setup
	@$(BIN)/zi demo

test: setup
	@$(BIN)/python tests/run.py

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Zi Coder needs Python 3.11 or newer; set PYTHON=...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --upgrade "pip==26.3"
	@echo "Installing Zi Coder (the first time, llama.cpp is compiled: about 5 minutes) ..."
	@$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[local,index,embeddings,chat,anthropic,google,mistral,acp,dev]"
	@touch $(STAMP)

vscode: setup
	@cd client-vscode && npm ci --silent && npm run --silent package

docs: setup
	@$(BIN)/python docs/generate.py

clean:
	rm -rf $(VENV) artifacts client-vscode/node_modules client-vscode/dist
