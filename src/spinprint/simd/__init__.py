"""Vectors in the registers of the processor, in which the fast kernels are written."""
