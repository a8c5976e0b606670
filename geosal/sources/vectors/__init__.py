"""Features of vector files and detections: read with suspicion, laid on the scene's grid, filled, softened."""
