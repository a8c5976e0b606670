"""Masks: read rasters of saliency on any grid at the pixels of the scene."""
