"""Saliency by a trained network: where the classes that matter are seen.

`model` runs an ONNX file, whose `card` describes it; `ground` prepares the scene for it; `activation` makes saliency of
its output; `cnn` is the source. Nothing here learns: that is `geosal.lab.training`.
"""
