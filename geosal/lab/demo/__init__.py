"""The demonstration: a scene and a mask made from nothing, the main job on them, and a picture of the outcome."""
