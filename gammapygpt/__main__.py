"""`python -m gammapygpt` is `gammapygpt`."""

from gammapygpt.cli import main

main()
