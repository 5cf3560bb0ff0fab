"""The texts to read: extended phase graphs, Bloch isochromats and closed forms, in plain numpy."""
