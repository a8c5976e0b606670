"""The client for objects on servers, `obstore`: S3, Google, Azure and whatever answers range requests over HTTP.

Its errors become `OSError` as of files, in short words and without addresses: callers name the file. What a server
answers with 429 or 5xx, and what breaks off, is asked again, later each time, for `_PATIENCE` seconds at most.
"""

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from geosal.errors import GeosalError, UsageError
from geosal.files.addresses import Address
from geosal.files.credentials import options_of

if TYPE_CHECKING:
    from obstore.store import ObjectStore

_PATIENCE, _ANSWER = 60, 30
"""Seconds after which a request is not repeated, and that one may take."""
_RETRIES = 5
PIECE = 8 * 2**20
"""Bytes that go over the network at once."""


def store_of(path: str) -> tuple["ObjectStore", str]:
    """Return the client for an address, and the object's key.

    Raises
    ------
    UsageError
        The package `obstore` is missing.
    OSError
        The address, or what the environment says about the server, makes no sense.
    """
    place = Address.of(path)
    if place is None or not place.root:
        raise OSError(errno.EINVAL, "is no address of a server, or of a bucket")
    try:
        with as_of_files():
            return _client(place.scheme, place.root, place.query, options_of(place.scheme)), place.key
    except ValueError:  # its text may tell secrets
        raise OSError(errno.EINVAL, "is no address of a server, or of a bucket") from None


@lru_cache(maxsize=32)
def _client(scheme: str, root: str, query: str, options: tuple[tuple[str, Any], ...]) -> "ObjectStore":
    settings: dict[str, Any] = {
        "client_options": {
            "allow_http": True,
            "timeout": timedelta(seconds=_ANSWER),
            "connect_timeout": timedelta(seconds=10),
        },
        "retry_config": {
            "max_retries": _RETRIES,
            "retry_timeout": timedelta(seconds=_PATIENCE),
            "backoff": {
                "init_backoff": timedelta(seconds=0.2),
                "max_backoff": timedelta(seconds=8),
                "base": 2,
            },
        },
    }
    given = dict(options)
    if "credential_provider" in given:
        settings["credential_provider"] = given.pop("credential_provider")
    if given:
        settings["config"] = given
    return cast(
        "ObjectStore", obstore().store.from_url(f"{scheme}://{root}/" + (f"?{query}" if query else ""), **settings)
    )


def obstore() -> Any:
    """Import the client.

    Raises
    ------
    UsageError
        It is not installed.
    """
    try:
        import obstore  # noqa: PLC0415  optional
        import obstore.store  # noqa: PLC0415
    except ImportError as error:
        raise UsageError(
            "what lies on a server, but for rasters, is read and written by the package obstore, which is not "
            "installed: pip install 'geosal[cloud]'"
        ) from error
    return obstore


@contextmanager
def as_of_files() -> Iterator[None]:
    """Turn errors of `obstore` into those of files."""
    try:
        yield
    except (OSError, GeosalError) as error:
        if isinstance(error, GeosalError) or not _is_of_obstore(error):
            raise
        raise _as_of_file(error) from None
    except Exception as error:
        if isinstance(error, ValueError) and "parse path" in str(error):
            raise OSError(errno.EINVAL, "its key has empty parts, or dots alone; give another") from None
        if not _is_of_obstore(error):
            raise
        raise _as_of_file(error) from None  # its text has the whole URL, signatures too
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # the client's, of an endpoint or a region that no server has
            raise
        raise OSError(
            errno.EINVAL, "the address, or what the environment tells of the server, makes no sense"
        ) from None


def _is_of_obstore(error: Exception) -> bool:
    return type(error).__module__.startswith("obstore") or "Debug source" in str(error)


_KINDS = {
    "FileNotFoundError": (FileNotFoundError, errno.ENOENT),
    "NotFoundError": (FileNotFoundError, errno.ENOENT),
    "AlreadyExistsError": (FileExistsError, errno.EEXIST),
    "PreconditionError": (FileExistsError, errno.EEXIST),
    "PermissionDeniedError": (PermissionError, errno.EACCES),
    "UnauthenticatedError": (PermissionError, errno.EACCES),
}


def _as_of_file(error: Exception) -> OSError:
    kind, number = _KINDS.get(type(error).__name__, (OSError, errno.EIO))
    text = str(error)
    code, status = re.search(r"<Code>(\w+)</Code>", text), re.search(r"status code: (\d{3}[\w ]*)", text)
    if "169.254." in text or "credential" in text.lower():
        return PermissionError(errno.EACCES, "no keys are found; set AWS_ACCESS_KEY_ID …, or AWS_NO_SIGN_REQUEST=YES")
    if code and code[1] == "NoSuchBucket":
        return FileNotFoundError(errno.ENOENT, "there is no such bucket")
    if status and status[1].startswith("301"):
        return OSError(errno.EIO, "the bucket is in another region; set AWS_REGION")
    words = ", ".join(found[1].strip() for found in (status, code) if found)
    if words:
        return kind(number, f"the server says {words}")
    if kind is FileNotFoundError:
        return FileNotFoundError(errno.ENOENT, "there is no such object")
    known = re.search(r"kind: (\w+)", text)
    why = {"Connect": "no server answers there", "Timeout": "the server does not answer in time"}
    cause = why.get(known[1] if known else "", "the connection breaks off")
    tries = re.search(r"after (\d+) retries", text)
    return kind(number, f"{cause}, after {tries[1]} retries" if tries and tries[1] != "0" else cause)
