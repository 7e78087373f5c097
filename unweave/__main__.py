"""`python -m unweave` is the command line."""

from unweave.cli import main

main()
