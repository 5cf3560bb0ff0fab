"""Readable references in plain numpy: extended phase graphs, Bloch isochromats, closed forms."""
