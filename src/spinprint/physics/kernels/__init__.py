"""The fast kernels: same arguments as the reference, same answer in float32."""
