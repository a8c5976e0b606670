"""Saliency by a trained network: where the classes that matter are seen."""
