"""Sources that need neither files nor pixels: the patterns of the seed paper, and one value everywhere."""
