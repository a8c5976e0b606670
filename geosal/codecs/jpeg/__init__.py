"""Baseline JPEG whose blocks may each be treated by what they hold."""
