"""The fast kernels: the same signal as from the references, in float32."""
