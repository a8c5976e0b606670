"""Beside the main job: a demonstration on a scene made up for it, experiments on folders of images, and training."""
