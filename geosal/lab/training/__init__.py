"""MS-ROI: train networks on pictures, so that class activation maps show where the classes are.

Torch is imported in `networks`, `augment`, `learning`, `vgg16` and `export` only. Users of a trained
model need none of this: `geosal.sources.network` runs it by onnxruntime.
"""
