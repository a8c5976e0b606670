"""What is read from a raster and put on another must be the same; rasterio reads both back."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.enums import ColorInterp
from rasterio.io import MemoryFile
from rasterio.rpc import RPC

from geosal.core.metadata import apply_metadata, is_document, read_metadata
from geosal.core.raster import BandMetadata, RasterMetadata
from geosal.errors import OutputError

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")

PAM = """<PAMDataset>
<Metadata domain="json:J" format="json">{"a:b": [1, 2], "c": "x=y"}</Metadata>
<Metadata domain="xml:X" format="xml"><zoo a="1">hi</zoo></Metadata>
<Metadata domain="OTHER"><MDI key="K">v</MDI></Metadata>
<Metadata domain="SUBDATASETS"><MDI key="SUBDATASET_1_NAME">elsewhere</MDI></Metadata>
<PAMRasterBand band="2">
  <Metadata><MDI key="STATISTICS_MEAN">3</MDI><MDI key="WAVELENGTH">665</MDI></Metadata>
  <Metadata domain="BANDS"><MDI key="K">2</MDI></Metadata>
</PAMRasterBand>
</PAMDataset>"""


def make(path: Path, **options: object) -> Path:
    profile = {"driver": "GTiff", "width": 8, "height": 8, "count": 2, "dtype": "uint16", **options}
    with rasterio.open(path, "w", **profile) as dataset:
        dataset.write(np.ones((2, 8, 8), str(profile["dtype"])))
    return path


def round_trip(metadata: RasterMetadata, **options: object) -> RasterMetadata:
    """Put metadata on a new GeoTIFF in memory and read them back."""
    count = len(metadata.bands)
    with MemoryFile() as file:
        with file.open(driver="GTiff", width=8, height=8, count=count, dtype="uint16", **options) as dataset:
            apply_metadata(dataset, metadata)
            dataset.write(np.ones((count, 8, 8), "uint16"))
        with file.open() as dataset:
            return read_metadata(dataset, range(1, count + 1))


def test_reads_every_domain_whole_and_drops_what_is_stale(tmp_path: Path) -> None:
    path = make(tmp_path / "a.tif")
    (tmp_path / "a.tif.aux.xml").write_text(PAM)
    with rasterio.open(path) as dataset:
        metadata = read_metadata(dataset, [2])
    assert metadata.tags["json:J"] == {"json:J": '{"a:b": [1, 2], "c": "x=y"}'}
    assert metadata.tags["xml:X"]["xml:X"].strip() == '<zoo a="1">hi</zoo>'
    assert metadata.tags["OTHER"] == {"K": "v"}
    assert set(metadata.tags) == {"", "json:J", "xml:X", "OTHER"} or set(metadata.tags) == {"json:J", "xml:X", "OTHER"}
    (band,) = metadata.bands
    assert band.tags == {"": {"WAVELENGTH": "665"}, "BANDS": {"K": "2"}}


def test_bands_come_in_the_order_asked_for(tmp_path: Path) -> None:
    path = make(tmp_path / "a.tif")
    with rasterio.open(path, "r+") as dataset:
        dataset.descriptions = ("red", "green")
        dataset.units = ("m", "K")
        dataset.scales, dataset.offsets = (0.5, 2.0), (1.0, -3.0)
    with rasterio.open(path) as dataset:
        green, red = read_metadata(dataset, [2, 1]).bands
    assert (green.description, green.unit, green.scale, green.offset) == ("green", "K", 2.0, -3.0)
    assert (red.description, red.unit, red.scale, red.offset) == ("red", "m", 0.5, 1.0)


@pytest.mark.parametrize(
    ("dtype", "nbits", "expected"), [("uint16", 12, 12), ("uint8", 1, 1), ("uint16", None, None), ("float32", 16, None)]
)
def test_significant_bits(tmp_path: Path, dtype: str, nbits: int | None, expected: int | None) -> None:
    options = {} if nbits is None else {"nbits": nbits}
    with rasterio.open(make(tmp_path / "a.tif", dtype=dtype, **options)) as dataset:
        assert read_metadata(dataset, [1, 2]).nbits == expected


def test_gcps_and_rpcs_survive() -> None:
    points = tuple(GroundControlPoint(row, col, 10 + col, 50 - row, 5.0) for row in (0, 8) for col in (0, 8))
    rpcs = RPC(10.0, 500.0, 45.0, 1.0, [1.0] * 20, [0.1] * 20, 150.0, 150.0, -80.0, 1.0, [1.0] * 20, [0.25] * 20, 150.0,
               150.0, 1.0, 0.5)  # fmt: skip
    metadata = RasterMetadata(bands=(BandMetadata(),), gcps=points, gcp_crs=CRS.from_epsg(4326).to_wkt(), rpcs=rpcs)
    found = round_trip(metadata)
    assert [(p.row, p.col, p.x, p.y, p.z) for p in found.gcps] == [(p.row, p.col, p.x, p.y, p.z) for p in points]
    assert found.gcp_crs is not None
    assert CRS.from_wkt(found.gcp_crs) == CRS.from_epsg(4326)
    assert found.rpcs is not None
    assert found.rpcs == rpcs


def test_a_transform_outranks_gcps() -> None:
    point = GroundControlPoint(0, 0, 10.0, 50.0, 0.0)
    metadata = RasterMetadata(bands=(BandMetadata(),), gcps=(point,) * 4, gcp_crs=CRS.from_epsg(4326).to_wkt())
    found = round_trip(metadata, crs="EPSG:32617", transform=rasterio.transform.from_origin(5e5, 4e6, 10, 10))
    assert found.gcps == ()


# XML 1.0 has no control characters, GDAL trims values, and rasterio cuts keys at "=" and ":".
_KEYS = st.text(st.characters(categories=("L", "N"), include_characters="_"), min_size=1, max_size=12)
_VALUES = st.text(st.characters(exclude_categories=("C", "Z"), include_characters=" "), min_size=1).map(str.strip)
_TAGS = st.dictionaries(_KEYS.filter(lambda key: not key.upper().startswith(("TIFFTAG", "AREA_OR"))),
                        _VALUES.filter(bool), max_size=4)  # fmt: skip


@given(tags=_TAGS, other=_TAGS, band=_TAGS, scale=st.floats(1e-6, 1e6), offset=st.floats(-1e6, 1e6))
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
def test_any_tags_survive(
    tags: dict[str, str], other: dict[str, str], band: dict[str, str], scale: float, offset: float
) -> None:
    bands = (BandMetadata(tags={"": band}, scale=scale, offset=offset, colorinterp=ColorInterp.gray), BandMetadata())
    found = round_trip(RasterMetadata(bands=bands, tags={"": tags, "OTHER": other}))
    defaults = {key: value for key, value in found.tags.get("", {}).items() if key != "AREA_OR_POINT"}
    assert defaults == tags
    assert found.tags.get("OTHER", {}) == other
    assert found.bands[0].tags.get("", {}) == band
    assert (found.bands[0].scale, found.bands[0].offset) == (scale, offset)


def test_no_file_of_another_vendor_is_made(tmp_path: Path) -> None:
    """GDAL would put the domain IMD, which Landsat scenes have, into a file beside the GeoTIFF, and garble it."""
    metadata = RasterMetadata(bands=(BandMetadata(),), tags={"IMD": {"GROUP.KEY": '"value"'}})
    with rasterio.open(tmp_path / "a.tif", "w", driver="GTiff", width=8, height=8, count=1, dtype="uint8") as dataset:
        apply_metadata(dataset, metadata)
        dataset.write(np.ones((1, 8, 8), "uint8"))
    assert [path.name for path in tmp_path.iterdir()] == ["a.tif"]


def test_documents_survive_or_are_left_out() -> None:
    documents = {"xml:XMP": "<x:xmpmeta xmlns:x='adobe:ns:meta/'/>", "xml:PLAIN": "<zoo/>", "json:J": "{}"}
    tags = {domain: {domain: text} for domain, text in documents.items()}
    found = round_trip(RasterMetadata(bands=(BandMetadata(),), tags=tags))
    assert {domain for domain in found.tags if is_document(domain)} == {"xml:XMP"}
    assert found.tags["xml:XMP"] == tags["xml:XMP"]


def test_a_refusal_of_gdal_is_an_output_error(tmp_path: Path) -> None:
    metadata = RasterMetadata(bands=(BandMetadata(), BandMetadata()))
    options = {"driver": "GTiff", "width": 8, "height": 8, "count": 1, "dtype": "uint8"}
    with rasterio.open(tmp_path / "a.tif", "w", **options) as dataset:  # noqa: SIM117
        with pytest.raises(OutputError, match="metadata cannot be written"):
            apply_metadata(dataset, metadata)
