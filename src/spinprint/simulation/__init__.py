"""Objects with known truth, and what a scan makes of them."""
