"""How signal arises: the reference, the fast kernels, noise and closed forms."""
