"""`zi`, and `python -m zicoder`.

Editors run `zi lsp`, and wait for it: that one command goes round the command line's parser, whose import takes a
quarter of the time that the server needs to answer.
"""

from __future__ import annotations

import gc
import sys

__all__ = ["main"]


def main() -> None:
    """Run `zi` and exit."""
    gc.disable()  # modules are not garbage, and looking for some takes a quarter of the time that they need
    if sys.argv[1:] == ["lsp"]:
        from zicoder.lsp.server import serve

        _collect()
        serve()
        sys.exit(0)
    from zicoder.cli import main as command_line

    _collect()
    command_line()


def _collect() -> None:
    """Collect garbage from now on, of what comes from now on."""
    gc.freeze()
    gc.enable()


if __name__ == "__main__":
    main()
