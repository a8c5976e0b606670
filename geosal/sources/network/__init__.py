"""Saliency by a trained network: where the classes that matter are seen.

`model` runs an ONNX file that says by its `card` what it knows; `ground` shows it the scene; `activation` makes
saliency of what it saw; `cnn` is the source. Nothing here learns: that is `geosal.lab.training`.
"""
