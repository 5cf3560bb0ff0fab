"""`python -m spinprint`."""

import os

from .cli import INTERRUPTED_STATUS, main

try:
    main()
except SystemExit as stop:
    if stop.code == INTERRUPTED_STATUS:
        # Where an interrupt has met code that was made from text, as that of dataclasses is, Python
        # would forget the status and end by the signal.
        os._exit(INTERRUPTED_STATUS)
    raise
