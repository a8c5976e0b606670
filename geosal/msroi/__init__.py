"""MS-ROI: networks that show where the things they were trained to name are, by class activation maps.

Torch is imported in `networks`, `augment`, `learning` and `export` only; who uses a trained model needs none of them.
"""
