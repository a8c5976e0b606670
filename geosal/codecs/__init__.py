"""BYTES: the codecs, by the names that `--profile` takes."""

from geosal.codecs.profiles import PROFILES, Profile, resolve_profile

__all__ = ["PROFILES", "Profile", "resolve_profile"]
