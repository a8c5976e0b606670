"""Features of vector files and detections: check and read them, put them on the scene's grid, fill and soften them."""
