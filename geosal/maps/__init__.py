"""Saliency to look at: a map as a file, and as a picture over its scene."""
