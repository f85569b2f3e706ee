"""``python -m kullback``: the command line."""

from kullback.cli import main

main()
