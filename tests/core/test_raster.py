"""Which samples count, and which values stand for none: GDAL's masks are the oracle where it has an opinion."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from rasters import PLACE, save

from geosal.core.raster import (
    alpha_among,
    any_colour,
    conversion,
    held_by,
    is_mean_apart,
    is_nodata,
    mask_out,
    move_off_nodata,
    valid_samples,
    without_scale_tags,
)
from geosal.scenes.raster import DTYPES


@pytest.mark.parametrize("dtype", ["bool", "int8", "int64", "uint64", "float16"])
def test_a_type_is_held_by_one_that_geosal_takes(dtype: str) -> None:
    assert held_by(dtype) in DTYPES
    assert np.can_cast(dtype, held_by(dtype)) or dtype in {"int64", "uint64"}


@pytest.mark.parametrize("dtype", DTYPES)
def test_conversions_name_types_as_gdal_does(dtype: str) -> None:
    code = rasterio.dtypes.dtype_rev[dtype]
    assert conversion(dtype) == f"gdal_translate -ot {rasterio.dtypes.typename_fwd[code]} IN OUT"


CODES = [
    ("uint8", 0), ("uint8", 255), ("int16", -32768), ("int16", -1), ("uint16", 7), ("float32", -9999.0),
    ("float32", -3.4028234663852886e38), ("float32", 0.0), ("float32", np.nan), ("float64", -1.7976931348623157e308),
    ("float64", 1e-3), ("float64", -9999.0), ("float64", -3.4028234663852886e38), ("float32", 1e38),
    ("float32", 3.4028234663852886e38), ("float64", 1e300), ("float32", 1e-40), ("float64", 1e-310), ("float32", 1e-38),
    ("float32", 2e-38),
]  # fmt: skip


def around(code: float, dtype: str) -> np.ndarray:
    """The code, its next neighbours in the type on both sides, shares beside it, and values far away: (1, 1, x)."""
    kind = np.dtype(dtype)
    if kind.kind != "f":
        limits = np.iinfo(kind)
        return np.array([n for n in range(int(code) - 3, int(code) + 4) if limits.min <= n <= limits.max], kind)[
            None, None
        ]
    limits = np.finfo(kind)
    steps = [np.array(1.0 if np.isnan(code) else code, kind)] * 2
    values = [kind.type(code), *map(kind.type, (np.nan, 1.5, 0.0, limits.min, limits.max, limits.tiny))]
    with np.errstate(over="ignore", under="ignore"):
        for _ in range(12):
            steps = [np.nextafter(step, np.array(to, kind)) for step, to in zip(steps, (-np.inf, np.inf), strict=True)]
            values += [step for step in steps if np.isfinite(step)]
        for share in (-0.5, 0.5, 0.9999, 3, *(1 + sign * 10.0**-n for sign in (-1, 1) for n in range(5, 17))):
            values.append(kind.type(code) * kind.type(share))
    return np.array([value for value in values if not np.isinf(value)], kind)[None, None]


@pytest.mark.parametrize(("dtype", "code"), CODES)
def test_nodata_is_what_gdal_takes_for_it(dtype: str, code: float, tmp_path: Path) -> None:
    pixels = around(code, dtype)
    with rasterio.open(save(tmp_path / "a.tif", pixels, nodata=code, **PLACE)) as dataset:
        masked = dataset.read_masks() == 0
    np.testing.assert_array_equal(is_nodata(pixels, code), masked)
    finite = np.isfinite(pixels) if pixels.dtype.kind == "f" else True
    np.testing.assert_array_equal(valid_samples(pixels, code), ~masked & finite)


@pytest.mark.parametrize(("dtype", "code"), [each for each in CODES if not is_mean_apart(each[1], each[0])])
def test_a_computed_sample_that_hit_the_code_lies_beside_it(dtype: str, code: float) -> None:
    samples = np.full((2, 3), code, dtype)
    hit = np.array([[True, False, True], [False, False, True]])
    move_off_nodata(samples, hit, code)
    np.testing.assert_array_equal(is_nodata(samples, code), ~hit)
    scale = max(abs(code), 1.0) if np.dtype(dtype).kind == "f" else 1
    off = np.abs(samples[hit].astype(np.longdouble) - np.longdouble(code))
    assert (off <= (1 if np.dtype(dtype).kind != "f" else 1e-6 * scale)).all()


@given(data=st.data(), bands=st.integers(1, 4))
def test_mask_and_alpha_narrow_what_counts(data: st.DataObject, bands: int) -> None:
    def draw(*shape: int) -> np.ndarray:
        return np.asarray(data.draw(arrays(np.bool_, shape)))

    valid = draw(bands, 2, 3)
    mask, alpha = (draw(2, 3) if data.draw(st.booleans()) else None for _ in range(2))
    position = data.draw(st.sampled_from([None, *range(bands)]))
    expected = [
        [
            [
                band == position
                or (valid[band, y, x] and (mask is None or mask[y, x]) and (alpha is None or alpha[y, x]))
                for x in range(3)
            ]
            for y in range(2)
        ]
        for band in range(bands)
    ]
    found = mask_out(valid.copy(), mask, None if alpha is None else alpha.astype(np.uint8), position)
    assert found.tolist() == expected
    colours = [band for band in range(bands) if band != position] or [0]
    np.testing.assert_array_equal(any_colour(valid, position), valid[colours].any(axis=0))


@pytest.mark.parametrize(("dtype", "code"), CODES)
def test_means_come_to_a_code_only_from_both_sides(dtype: str, code: float) -> None:
    """A mean of two values beside it can be the code, unless it is the least or the largest of the type."""
    kind = np.dtype(dtype)
    limits = np.finfo(kind) if kind.kind == "f" else np.iinfo(kind)
    assert is_mean_apart(code, dtype) == (np.isnan(code) or not limits.min < code < limits.max)


def test_of_several_alpha_bands_the_last_counts() -> None:
    assert alpha_among(["alpha", "red", "alpha", "green"]) == 2
    assert alpha_among(["red", "green"]) is None


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("REFLECTANCE_MULT_BAND_4", False), ("RADIANCE_ADD", False), ("QUANTIZE_CAL_MAX_BAND_2", False),
        ("BOA_QUANTIFICATION_VALUE", False), ("scale_factor", False), ("add_offset", False), ("valid_range", False),
        ("_FillValue", False), ("SCENE", True), ("CLOUD_COVER", True), ("MULTISPECTRAL", True),
    ],
)  # fmt: skip
def test_tags_that_tell_of_counts_go_where_samples_are_none(key: str, told: bool) -> None:
    kept = without_scale_tags({"": {key: "1", "A": "2"}, "ONLY": {key: "1"}})
    assert kept == ({"": {key: "1", "A": "2"}, "ONLY": {key: "1"}} if told else {"": {"A": "2"}})
