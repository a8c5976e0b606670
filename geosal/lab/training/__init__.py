"""MS-ROI: networks learn from pictures to show where the things they name are, by class activation maps.

Torch is imported in `networks`, `augment`, `learning`, `vgg16` and `export` only. Who uses a trained model needs
none of this: `geosal.sources.network` runs it by onnxruntime.
"""
