"""Beside the main job: networks to learn from pictures."""
