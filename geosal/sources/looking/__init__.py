"""Sources that look at the scene's own pixels: where it varies, and what its ground is made of."""
