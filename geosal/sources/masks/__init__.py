"""Masks: rasters of saliency on any grid, laid under the scene and read at its pixels."""
