"""Atoms, the SVD basis, exact matching and the dictionary on disk."""

from .dictionary import Dictionary

__all__ = ["Dictionary"]
