"""`python -m spinprint`."""

from .cli import main

main()
