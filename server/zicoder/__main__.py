"""`zi`, and `python -m zicoder`.

Editors run `zi lsp`, and wait for it: that one command goes round the command line's parser, whose import takes a
quarter of the time that the server needs to answer.
"""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run `zi` and exit."""
    if sys.argv[1:] == ["lsp"]:
        from zicoder.lsp.server import serve

        serve()
        sys.exit(0)
    from zicoder.cli import main as command_line

    command_line()


if __name__ == "__main__":
    main()
