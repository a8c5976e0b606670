"""Paths that lead to a server: URLs, and GDAL's ``/vsi`` paths for the same; text alone, nobody is asked."""

import os
import re
from typing import NamedTuple, Self
from urllib.parse import SplitResult, quote, unquote, urlsplit

STORES = ("s3", "gs", "az")
"""Schemes of object stores, whose keys are taken as they are written; those of ``http`` may be escaped by ``%``."""
_WEB = ("http", "https")
_VSI = re.compile(r"/vsi(s3|gs|az|curl)(?:_streaming)?/(?=.)", re.DOTALL)
_URL = re.compile(rf"({'|'.join((*STORES, *_WEB))})://(?=.)", re.IGNORECASE | re.DOTALL)


class Address(NamedTuple):
    """Where an object is.

    Attributes
    ----------
    scheme
        ``s3``, ``gs``, ``az``, ``http`` or ``https``.
    root
        Bucket or container; of ``http`` the server, with a login where one is given.
    key
        Path below the root, not escaped, without a slash at its ends.
    query
        What follows a ``?`` in a URL of ``http``, such as a signature.
    """

    scheme: str
    root: str
    key: str
    query: str = ""

    @classmethod
    def of(cls, path: str) -> Self | None:
        """Take a path apart; None where it is local, or of another kind."""
        url = url_of(path)
        if url is None:
            return None
        scheme, _, rest = url.partition("://")
        if scheme in STORES:
            root, _, key = rest.partition("/")
            return cls(scheme, root, key.strip("/"))
        parts = split(url)
        if parts is None:  # no server has such a name
            return cls(scheme, "", rest.strip("/"))
        return cls(scheme, parts.netloc, unquote(parts.path).strip("/"), parts.query)

    def below(self, name: str) -> Self:
        """Return the address of something below this one; of this one where the name is empty."""
        return self._replace(key="/".join(part for part in (self.key, name.strip("/")) if part))

    @property
    def url(self) -> str:
        """The address as one text."""
        key = self.key if self.scheme in STORES else quote(self.key, safe="/!$&'()*+,;=:@~")
        return f"{self.scheme}://{self.root}/{key}" + (f"?{self.query}" if self.query else "")


def split(url: str) -> SplitResult | None:
    """Take a URL apart; None where its server has a name that none can have, such as ``http://[::1``."""
    try:
        return urlsplit(url)
    except ValueError:
        return None


def url_of(path: str) -> str | None:
    """Return the URL of what lies on a server, also of GDAL's ``/vsis3/`` and its like; None of anything else."""
    if found := _VSI.match(path):
        rest = path[found.end() :]
        return url_of(rest) if found[1] == "curl" else f"{found[1]}://{rest}"
    found = _URL.match(path)
    return None if found is None else f"{found[1].lower()}{path[found.end(1) :]}"


def for_gdal(path: str) -> str:
    """Return the path by which GDAL opens what a user has named; rasterio would cut keys of stores at a ``#``."""
    place = Address.of(path)
    if place is None or place.scheme not in STORES:
        return path
    return f"/vsi{place.scheme}/{place.root}/{place.key}"


def is_remote(path: str) -> bool:
    """Return whether a path leads to a server that `geosal.files.objects` can ask."""
    return url_of(path) is not None


def absolute(path: str) -> str:
    """Return a path that is the same in every folder: workers may run in another."""
    return path if "://" in path or path.startswith("/vsi") else os.path.abspath(path)


def name_of(path: str) -> str:
    """Return the last part of a path, here or on a server."""
    place = Address.of(path)
    return os.path.basename(path.rstrip("/")) if place is None else place.key.rstrip("/").rpartition("/")[2]


def parent_of(path: str) -> str:
    """Return the folder of a path, here or on a server."""
    place = Address.of(path)
    return os.path.dirname(path) if place is None else place._replace(key=place.key.rstrip("/").rpartition("/")[0]).url


def joined(folder: str, name: str) -> str:
    """Return the path of something below a folder, here or on a server."""
    if not name:
        return folder
    place = Address.of(folder)
    return f"{folder.rstrip('/')}/{name}" if place is None else place.below(name).url
