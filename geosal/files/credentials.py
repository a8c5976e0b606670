"""What the environment says about object stores, for GDAL and for `obstore`: each of them knows half of the names.

Users set variables for one program, and expect all of geosal to follow them. Nothing is kept, and nothing of it is
ever told.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

_OF_GDAL = {
    "gs": {"GS_NO_SIGN_REQUEST": "skip_signature"},
    "az": {
        "AZURE_STORAGE_ACCOUNT": "account_name",
        "AZURE_STORAGE_ACCESS_KEY": "account_key",
        "AZURE_STORAGE_SAS_TOKEN": "sas_key",
        "AZURE_NO_SIGN_REQUEST": "skip_signature",
    },
}
"""Names that GDAL has and `obstore` does not -> its option."""
_YES = {"YES", "TRUE", "ON", "1"}


def options_of(scheme: str) -> tuple[tuple[str, Any], ...]:
    """Return the options of the client for a scheme, without what `obstore` finds in the environment itself."""
    if scheme == "s3":
        return tuple(_of_s3(os.environ))
    found = ((option, os.environ.get(name, "")) for name, option in _OF_GDAL.get(scheme, {}).items())
    return tuple(
        (option, value.upper() in _YES if option == "skip_signature" else value) for option, value in found if value
    )


def _of_s3(told: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    endpoint = _endpoint(told)
    if endpoint:
        yield "endpoint", endpoint
        yield "virtual_hosted_style_request", told.get("AWS_VIRTUAL_HOSTING", "FALSE").upper() in _YES
    profile = _profile(told)
    region = told.get("AWS_REGION") or told.get("AWS_DEFAULT_REGION") or profile.get("region")
    yield "region", region or "us-east-1"
    if told.get("AWS_NO_SIGN_REQUEST", "").upper() in _YES:
        yield "skip_signature", True
        return
    if told.get("AWS_ACCESS_KEY_ID") and not told.get("AWS_PROFILE"):
        return
    for option in ("aws_access_key_id", "aws_secret_access_key", "aws_session_token"):
        if option in profile:
            yield option, profile[option]


def _endpoint(told: Mapping[str, str]) -> str:
    """Return the URL of another server than Amazon's; empty without one."""
    if given := told.get("AWS_S3_ENDPOINT", ""):
        secure = told.get("AWS_HTTPS", "YES").upper() in _YES
        return given if "://" in given else f"{'https' if secure else 'http'}://{given}"
    return told.get("AWS_ENDPOINT_URL_S3") or told.get("AWS_ENDPOINT_URL") or told.get("AWS_ENDPOINT") or ""


def _profile(told: Mapping[str, str]) -> dict[str, str]:
    """Read the keys of the profile in the files that AWS's own tools keep; without one, those of ``default``."""
    import configparser  # noqa: PLC0415  only who reads from S3 pays for it

    name = told.get("AWS_PROFILE") or told.get("AWS_DEFAULT_PROFILE") or "default"
    home = Path(told.get("HOME", "/")) / ".aws"
    found: dict[str, str] = {}
    for variable, usual, section in (
        ("AWS_CONFIG_FILE", "config", name if name == "default" else f"profile {name}"),
        ("AWS_SHARED_CREDENTIALS_FILE", "credentials", name),
    ):
        parser = configparser.RawConfigParser()
        try:
            parser.read(told.get(variable) or home / usual, encoding="utf-8")
        except (configparser.Error, OSError, UnicodeDecodeError):
            continue
        if parser.has_section(section):
            found |= dict(parser.items(section))
    return found


def for_gdal() -> dict[str, str]:
    """Return GDAL's options for a server that other tools' variables name, where the user has given GDAL none."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""
    if not endpoint or "AWS_S3_ENDPOINT" in os.environ:
        return {}
    scheme, _, rest = endpoint.rpartition("://")
    return {
        "AWS_S3_ENDPOINT": rest.rstrip("/"),
        "AWS_HTTPS": "NO" if scheme == "http" else "YES",
        "AWS_VIRTUAL_HOSTING": os.environ.get("AWS_VIRTUAL_HOSTING", "FALSE"),
    }
