"""List and read the files of a product, in a folder, a ``.zip`` or a ``.tar``, and none outside of it."""

import io
import os
import re
import stat
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import IO, Any, Self

from geosal.errors import SceneError, cause_of
from geosal.files.addresses import STORES, Address, absolute, for_gdal, is_remote, joined
from geosal.files.archives import DAMAGE, open_member
from geosal.files.objects import names_below, opened, read
from geosal.sizes import as_bytes

_MAX_FILES = 20_000
"""Limit of files in a product; an old Sentinel-2 product of many granules has a few thousand."""
_MAX_DEPTH = 8
_MAX_TEXT = 8 * 2**20
"""Limit of a metadata file in bytes; real ones have less than one MiB."""
_CHUNK = 2**22
_DAMAGE = (*DAMAGE, tarfile.TarError)
"""Errors of archives that are cut off, encrypted or made up."""
_IN_ARCHIVE = re.compile(r"/vsi(zip|tar)/(?:\{(.+)\}|(.+?\.(?:zip|tar|SAFE)))/(.+)")
"""Path of a file in an archive: the kind, the archive in braces or without, the name."""
ARCHIVES = {".zip": "zip", ".tar": "tar", ".safe": "zip"}
"""Suffix -> kind of archive. A file, and no folder, that is called .SAFE is a renamed .zip."""


@dataclass(frozen=True, slots=True)
class Files:
    """What a product consists of.

    Attributes
    ----------
    root
        Absolute path of the folder or the archive.
    kind
        "folder", "zip", "tar", or "served" for a folder on a server.
    names
        Names of regular files, relative to `root`, with slashes; sorted, without what a Mac lays beside them.
    """

    root: str
    kind: str
    names: tuple[str, ...]

    @classmethod
    def of(cls, path: str, names: list[str] | None = None) -> Self:
        """List a folder or an archive, here or on a server; one that lists nothing needs `names`.

        Raises
        ------
        SceneError
            The folder or archive cannot be listed, holds names that lead out of it, or has too many.
        """
        root = absolute(path)
        kind = kind_of(root)
        if kind not in _LISTS:
            raise SceneError(f"{path}: is no folder, .zip or .tar of a product; unpack it first and give the folder")
        try:
            names = list(islice(_LISTS[kind](root), _MAX_FILES + 1)) if names is None else names
        except _DAMAGE as error:
            raise SceneError(f"{path}: cannot be listed ({cause_of(error)[:200]}); copy the product again") from error
        if len(names) > _MAX_FILES:
            raise SceneError(f"{path}: holds more than {_MAX_FILES} files; give the folder of one product")
        for name in names:
            check_inside(path, name)
        return cls(root, kind, tuple(sorted(name for name in names if not is_litter(name))))

    def find(self, pattern: str) -> list[str]:
        """Return the names in which `pattern` is found, those nearest to the root first; case does not matter."""
        found = (name for name in self.names if re.search(pattern, name, re.IGNORECASE))
        return sorted(found, key=lambda name: (name.count("/"), name))

    def gdal_path(self, name: str) -> str:
        """Return the path by which GDAL opens one of `names`.

        Raises
        ------
        SceneError
            The name is a link that leads out of the folder.
        """
        if self.kind == "served":
            return joined(self.root, name)
        if self.kind != "folder":
            # Braces tell GDAL which part is the archive, even if a folder above has such a suffix.
            root = for_gdal(self.root)
            root = f"/vsicurl/{root}" if "://" in root and not root.startswith("/vsi") else root
            archive = root if re.search("[{}]", root) else f"{{{root}}}"
            return f"/vsi{self.kind}/{archive}/{name}"
        path = os.path.join(self.root, *name.split("/"))
        real, top = os.path.realpath(path), os.path.realpath(self.root)
        if os.path.commonpath([real, top]) != top:
            raise SceneError(f"{path}: leads out of the product's folder; put the file itself there")
        return path

    def read(self, name: str) -> bytes:
        """Read a complete metadata file.

        Raises
        ------
        SceneError
            The file cannot be read, or is too large to be metadata.
        """
        with self._opened(name) as file:
            content = file.read(_MAX_TEXT + 1)
        if len(content) > _MAX_TEXT:
            raise SceneError(
                f"{self.root}/{name}: more than {as_bytes(_MAX_TEXT)} is no metadata; copy the product again"
            )
        return content

    def chunks(self, name: str) -> Iterator[bytes]:
        """Yield the bytes of one of `names`, some MiB at once.

        Raises
        ------
        SceneError
            The file cannot be read.
        """
        with self._opened(name) as file:
            while chunk := file.read(_CHUNK):
                yield chunk

    @contextmanager
    def _opened(self, name: str) -> Iterator[IO[bytes]]:
        """Open one of `names` for reading; what goes wrong within is a damaged product."""
        try:
            if self.kind == "zip":
                with _open(self.root) as whole, zipfile.ZipFile(whole) as bundle, open_member(bundle, name) as file:
                    yield file
            elif self.kind == "served":
                with opened(joined(self.root, name)) as plain:
                    yield plain
            elif self.kind == "tar":
                with _open(self.root) as whole, tarfile.open(fileobj=whole, mode="r:") as tape:
                    entry = next((one for one in tape if one.isreg() and _plain(one.name) == name), None)
                    yield (tape.extractfile(entry) if entry else None) or io.BytesIO()
            else:
                with open(self.gdal_path(name), "rb") as plain:
                    yield plain
        except SceneError:
            raise
        except _DAMAGE as error:
            raise SceneError(
                f"{self.root}/{name}: cannot be read ({cause_of(error)[:200]}); copy the product again"
            ) from error

    def xml(self, name: str) -> Any:
        """Parse an XML file without entities, document types or anything from outside.

        Returns
        -------
        xml.etree.ElementTree.Element
            The root.

        Raises
        ------
        SceneError
            The file cannot be read or parsed, or has parts that no metadata file needs.
        """
        from defusedxml import DefusedXmlException  # only products need it
        from defusedxml.ElementTree import ParseError, fromstring

        content = self.read(name)
        try:
            return fromstring(content, forbid_dtd=True)
        except DefusedXmlException as error:
            raise SceneError(
                f"{self.root}/{name}: has a document type or entities, which no agency's metadata has; "
                "copy the product again from its source"
            ) from error
        except (ParseError, ValueError, LookupError, RecursionError) as error:
            raise SceneError(
                f"{self.root}/{name}: is no valid XML ({cause_of(error)[:200]}); it is damaged or cut off, "
                "copy it again"
            ) from error


def size_of(path: str) -> int | None:
    """Return the bytes of a local file, or of one in an archive by the path that `Files.gdal_path` makes; else None."""
    found = _IN_ARCHIVE.fullmatch(path)
    if found is None:
        return os.path.getsize(path) if os.path.isfile(path) else None
    kind, root, name = found[1], found[2] or found[3], found[4]
    try:
        if kind == "zip":
            with zipfile.ZipFile(root) as bundle:
                return bundle.getinfo(name).file_size
        with tarfile.open(root, "r:") as tape:
            return next((entry.size for entry in tape if _plain(entry.name) == name), None)
    except _DAMAGE:
        return None


def is_litter(name: str) -> bool:
    """Return whether a name, with slashes, is that of a file that a Mac adds beside others on disks and in archives."""
    return name.rpartition("/")[2].startswith("._") or "__MACOSX" in name.split("/")


def check_inside(path: str, name: str) -> None:
    """Refuse a name that may lead out of its folder.

    Raises
    ------
    SceneError
        The name is absolute, climbs up, or has characters that no file name has.
    """
    parts = name.split("/")
    if name.startswith(("/", "~")) or ".." in parts or re.search(r"[\\:\x00-\x1f]", name) or not name:
        raise SceneError(
            f"{path}: names the file {name[:80]!r}, which leads out of the product; do not trust this product"
        )


def _list_folder(root: str) -> Iterator[str]:
    for folder, folders, names in os.walk(root):
        inner = os.path.relpath(folder, root).replace(os.sep, "/")
        depth = 0 if inner == "." else inner.count("/") + 1
        folders[:] = sorted(folders) if depth < _MAX_DEPTH else []
        for name in sorted(names):
            # A backslash or colon in the name of an unused file is no reason to refuse the folder.
            if not re.search(r"[\\:\x00-\x1f]", name) and stat.S_ISREG(_mode(os.path.join(folder, name))):
                yield name if inner == "." else f"{inner}/{name}"


def _mode(path: str) -> int:
    try:
        return os.stat(path).st_mode
    except OSError:
        return 0


def kind_of(path: str) -> str:
    """Return the kind of a folder or an archive, see `Files`; empty for anything else. A server is not asked."""
    place = Address.of(path)
    kind = ARCHIVES.get(os.path.splitext(path if place is None else place.key)[1].lower(), "")
    if place is not None:  # a folder is called .SAFE there, a zip hardly ever
        return kind if kind and not place.key.lower().endswith(".safe") else "served"
    return "folder" if os.path.isdir(path) else kind


def _open(path: str) -> IO[bytes]:
    return opened(path) if is_remote(path) else open(path, "rb")


def _list_served(root: str) -> Iterator[str]:
    """List a folder of an object store; of another server, what the product's own list names."""
    place = Address.of(root)
    if place is not None and place.scheme in STORES:
        yield from names_below(root, _MAX_FILES + 1)
        return
    yield from (
        "manifest.safe",
        *re.findall(r'href="\./([^"]+)"', read(joined(root, "manifest.safe"), _MAX_TEXT).decode()),
    )


def _list_zip(root: str) -> Iterator[str]:
    with _open(root) as whole, zipfile.ZipFile(whole) as bundle:
        yield from (entry.filename for entry in bundle.infolist() if not entry.is_dir())


def _list_tar(root: str) -> Iterator[str]:
    with _open(root) as whole, tarfile.open(fileobj=whole, mode="r:") as tape:
        yield from (_plain(entry.name) for entry in tape if entry.isreg())


def _plain(name: str) -> str:
    """Return a name in a .tar without the ./ of ``tar -C FOLDER .``, as GDAL does."""
    return name.removeprefix("./")


_LISTS = {"folder": _list_folder, "served": _list_served, "zip": _list_zip, "tar": _list_tar}
