"""`python -m zicoder` is `zi`."""

from zicoder.cli import main

main()
