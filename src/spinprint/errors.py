"""The errors a user can cause, as one family.

::

    SpinprintError
    └── InputError            what was given is wrong; the command line exits with status 2
        ├── SequenceError     a block, a sequence file or a preset name
        ├── TissueError       tissue parameters, a parameter grid or a prior
        ├── SeriesError       an image series, a mask or a field map
        ├── DictionaryError   a dictionary or dictionary file
        ├── ModelError        a network, its configuration or its files
        ├── OutputError       a place that cannot be written
        └── MissingExtraError an optional package that is not installed

Every message is one line: what is wrong, where, the rule, and the way out.
"""


class SpinprintError(Exception):
    """Base of every error raised on purpose."""


class InputError(SpinprintError, ValueError):
    """What the user gave cannot be used; the message says what, where and which rule."""


class SequenceError(InputError):
    """A sequence, one of its blocks, or its file is impossible."""


class TissueError(InputError):
    """Tissue parameters, a grid or a prior are impossible or incomplete for the sequence."""


class SeriesError(InputError):
    """An image series, mask or field map cannot be used."""


class DictionaryError(InputError):
    """A dictionary or its file is damaged, of another kind, or of another sequence."""


class ModelError(InputError):
    """A network, its training or its files are impossible, damaged, or of another sequence."""


class OutputError(InputError):
    """The result cannot be written where it was asked for."""


class MissingExtraError(InputError):
    """An optional package is needed and absent; the message holds the install line."""
