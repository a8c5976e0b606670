"""The version, for the package metadata and for the provenance tags."""

__version__ = "0.1.0"
