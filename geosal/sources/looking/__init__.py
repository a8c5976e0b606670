"""Sources that look at the scene's own pixels: local detail, and spectral indices of the ground."""
