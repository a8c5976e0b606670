"""Description of a product, and the choice of its bands by name, role or group."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from geosal.core.grid import Grid
from geosal.core.raster import ROLES, QualityBand
from geosal.errors import SceneError, UsageError, warn
from geosal.sizes import listed

_THERMAL = frozenset({"lwir11", "lwir12"})
_GROUPS: Mapping[str, tuple[str, ...]] = {
    "rgb": ("red", "green", "blue"),
    "cir": ("nir", "red", "green"),
    "rededge": ("rededge1", "rededge2", "rededge3"),
    "swir": ("swir16", "swir22"),
    "tci": ("TCI_R", "TCI_G", "TCI_B"),
}
"""Groups of bands by roles or names; `all`, `all-10m` and so on select by resolution."""
_INSTEAD: Mapping[str, tuple[str, ...]] = {
    "nir": ("nir08", "nir09"),
    "nir08": ("nir",),
    "thermal": ("lwir11", "lwir12"),
    "swir1": ("swir16",),
    "swir2": ("swir22",),
}
"""Roles that stand in where a sensor has none of that name; Landsat's near infrared is STAC's ``nir08``."""


@dataclass(frozen=True, slots=True)
class BandFile:
    """A file of a band.

    Attributes
    ----------
    label
        Its name in the product.
    path
        Path that GDAL opens; None when the metadata list the file and it is not there.
    resolution
        Resolution by the product's specification, in units of the CRS.
    index
        Number of the band in the file, from 1.
    place
        Grid by the product's metadata, for a file without georeferencing.
    """

    label: str
    path: str | None
    resolution: float
    index: int = 1
    place: Grid | None = None


@dataclass(frozen=True, kw_only=True)
class ProductBand:
    """A band of a product.

    Attributes
    ----------
    name
        The agency's name, such as ``B04``.
    files
        Files of one or several resolutions, the finest first.
    role
        One of `geosal.core.raster.ROLES`, or empty.
    also
        Other names of the band, lower case.
    spectral
        Whether it shows what the sensor saw, and so belongs to the groups ``all…``.
    scale, offset, unit
        A physical value is a sample times `scale` plus `offset`, in `unit`; reflectance has no unit.
    nodata
        Nodata code by the metadata of this band alone, where the file has none.
    named
        Whether its name tells what it is; otherwise one in its file goes before.
    tags
        For the band's metadata.
    """

    name: str
    files: tuple[BandFile, ...]
    role: str = ""
    also: tuple[str, ...] = ()
    spectral: bool = True
    scale: float = 1.0
    offset: float = 0.0
    unit: str | None = None
    nodata: float | None = None
    named: bool = True
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def thermal(self) -> bool:
        """Return whether it shows heat; ETM+ has its thermal band twice, and only one of them has the role."""
        return self.role in _THERMAL or "_VCID_" in self.name

    @property
    def resolution(self) -> float:
        """The finest there is."""
        return self.files[0].resolution

    @property
    def there(self) -> tuple[BandFile, ...]:
        """Existing files, the finest first; the metadata may list others."""
        return tuple(file for file in self.files if file.path)


@dataclass(frozen=True, kw_only=True)
class Product:
    """A product with its metadata, read and checked; none of its rasters is open.

    Attributes
    ----------
    path
        Absolute path of the folder or archive.
    bands
        All bands, in the agency's order.
    quality
        Existing quality bands.
    tags
        Tags for the default domain of a scene's metadata.
    nodata
        Nodata code of bands whose file names none.
    groups
        Further names for several of its bands, in small letters.
    elsewhere
        Places outside of its folder where its files lie, in words; empty where there are none, as of a true product.
    """

    path: str
    bands: tuple[ProductBand, ...]
    quality: tuple[QualityBand, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    nodata: float | None = 0.0
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    elsewhere: str = ""

    def choose(self, names: Iterable[str], *, partial: bool = False) -> tuple[ProductBand, ...]:
        """Find bands by name, role or group; without `names` the multispectral ones of the finest resolution.

        Names may be separated by commas. Without names, those are taken whose files exist, and for a `partial` choice
        one of any kind if there is none of them.

        Raises
        ------
        UsageError
            There is no such band, or one is named twice.
        SceneError
            A band that is named, or all usual ones, are in the metadata and their files are missing.

        Warns
        -----
        GeosalWarning
            Some of the usual bands are missing, unless the choice is `partial`.
        """
        wanted = [part.strip() for name in names for part in name.split(",") if part.strip()]
        found = [band for name in wanted for band in self._named(name)] if wanted else self.usual()
        if not wanted:
            found = self._there(found, partial=partial)
        twice = {name for name, count in Counter(band.name for band in found).items() if count > 1}
        if twice:
            raise UsageError(
                f"{self.path}: bands {','.join(wanted)} name {', '.join(sorted(twice))} twice; name it once"
            )
        if missing := [band for band in found if not band.there]:
            others = ",".join(band.name for band in self.bands if band.there)
            instead = f", or take others: --bands {others}" if others else ""
            raise SceneError(f"{self._lack_of(missing)}; copy it again{instead}")
        return tuple(found)

    def _there(self, usual: list[ProductBand], *, partial: bool) -> list[ProductBand]:
        """Return the usual bands whose files exist, or all of them if there is none."""
        found = [band for band in usual if band.there]
        if partial:
            return found or [band for band in self.bands if band.there][:1] or usual
        if found and (missing := [band for band in usual if not band.there]):
            names = ",".join(band.name for band in found)
            warn(f"{self._lack_of(missing)}; --bands {names} are taken, copy it again for all")
        return found or usual

    def _lack_of(self, missing: list[ProductBand]) -> str:
        names, label = listed([band.name for band in missing]), missing[0].files[0].label
        are = "is" if len(missing) == 1 else "are"
        return f"{self.path}: {names} {are} not there ({label}), so the product is copied in part"

    def whole(self) -> list[ProductBand]:
        """Return all bands that show what the sensor saw, each of whose files the finest is the band.

        Raises
        ------
        SceneError
            None of them is there.

        Warns
        -----
        GeosalWarning
            Some are missing.
        """
        seen = [band for band in self.bands if band.spectral]
        found = [band for band in seen if band.there]
        missing = [band for band in seen if not band.there]
        if not found:
            raise SceneError(f"{self._lack_of(missing or list(self.bands))}; copy it again")
        if missing:
            warn(f"{self._lack_of(missing)}; the others are taken, copy it again for all")
        return found

    def usual(self) -> list[ProductBand]:
        """Return the multispectral bands of the finest resolution, whether their files exist or not."""
        seen = [band for band in self.bands if band.spectral and not band.thermal and band.role != "pan"]
        if not seen:
            return [band for band in self.bands if band.spectral] or list(self.bands)
        finest = min(band.resolution for band in seen)
        return [band for band in seen if band.resolution == finest]

    def _named(self, name: str) -> list[ProductBand]:
        low = name.lower()
        if low in self.groups:
            return [self._band(part, name) for part in self.groups[low]]
        if low in _GROUPS and not any(band.name.lower() == low for band in self.bands):
            return [self._band(part, name) for part in _GROUPS[low]]
        if low == "all":
            return [band for band in self.bands if band.spectral]
        match = re.fullmatch(r"all-(\d+(?:\.\d+)?)m", low)
        if match is None:
            return [self._band(name, name)]
        at = float(match[1])
        seen = [band for band in self.bands if band.spectral and not band.thermal]
        found = [band for band in seen if band.resolution == at]
        if not found:
            has = ", ".join(f"all-{one:g}m" for one in sorted({band.resolution for band in seen})) or "none"
            raise UsageError(f"{self.path}: bands {name}, but none is of {at:g} m; there are {has}")
        return found

    def _band(self, name: str, wish: str) -> ProductBand:
        low = name.lower()
        plain = re.sub(r"^b0+(?=\d)", "b", low)
        for role in (low, *_INSTEAD.get(low, ())):
            for band in self.bands:
                if band.role == role or low == band.name.lower() or plain in {short_name(band.name), *band.also}:
                    return band
        if low in {"scl", "qa_pixel", "bqa", "qa_radsat", "fmask"}:
            raise UsageError(
                f"{self.path}: {name} holds classes, which cannot be averaged; use it by --saliency clouds, "
                "and name bands that the sensor saw"
            )
        has = listed([f"{band.name} ({band.role})" if band.role in ROLES else band.name for band in self.bands], 50)
        inside = f" (for {wish})" if wish != name else ""
        groups = ", ".join((*([listed([*self.groups])] if self.groups else []), *_GROUPS, "all"))
        raise UsageError(f"{self.path}: has no band {name}{inside}; it has {has}, and groups {groups}, all-10m …")


def short_name(name: str) -> str:
    """Return a name in lower case, without the zero in B04."""
    return re.sub(r"^b0+(?=\d)", "b", name.lower())
