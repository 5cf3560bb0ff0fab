"""Numbers side by side in the registers of the processor: what the fast kernels are written in."""
