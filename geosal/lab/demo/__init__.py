"""The demonstration: a synthetic scene and mask, the main job on them, and a picture of the outcome."""
