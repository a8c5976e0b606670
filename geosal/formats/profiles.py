"""Resolve a profile: turn a name, creation options and an image into a format and its codec, with all options."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from rasterio.enums import ColorInterp

from geosal.core.raster import RasterLayout, conversion, conversion_of_array, held_by
from geosal.core.treatment import SMOOTH, Bound, Quality, Treatment
from geosal.errors import UsageError
from geosal.formats.codec import ALL_TYPES, Codec
from geosal.formats.format import Format, Profile
from geosal.formats.options import PROTECTED_OPTIONS, united
from geosal.formats.table import FORMATS, PROFILES, format_of, format_with
from geosal.formats.treatments import misfit, settle, treated_options
from geosal.names import did_you_mean
from geosal.sizes import counted

_RGBA = 4


class Settled(NamedTuple):
    """A profile, and the treatment with nothing left open."""

    profile: Profile
    treatment: Treatment


def resolve_profile(
    output: str, name: str | None, creation_options: Mapping[str, str], layout: RasterLayout
) -> Profile:
    """Decide driver and creation options of a file without a treatment; see `resolve_treated`."""
    return resolve_treated(output, name, creation_options, layout, SMOOTH).profile


def resolve_treated(
    output: str, name: str | None, creation_options: Mapping[str, str], layout: RasterLayout, treatment: Treatment
) -> Settled:
    """Decide driver, creation options and what is left open of a treatment, before any pixel moves.

    Parameters
    ----------
    output
        Path whose suffix picks the driver: ``.tif``, ``.tiff``, ``.jp2``, ``.zarr``, ``.jpg``,
        ``.jpeg``, ``.png`` or ``.bpg``.
    name
        Key of `PROFILES`; the driver's lossless default when None.
    creation_options
        Options with GDAL's names, in any case; they override the profile's own.
    layout
        Layout of the output.
    treatment
        The treatment asked for.

    Raises
    ------
    UsageError
        Suffix, profile or option is unknown; an option contradicts the profile; or the codec cannot hold the dtype, the
        number of bands or the treatment.
    """
    if name is not None and not isinstance(name, str):
        raise UsageError(f"profile={name!r}: it must be a name, one of {', '.join(PROFILES)}")
    form, given = format_of(output), united(creation_options.items())
    codec = _codec_of((name or form.usual.name).lower(), form, output)
    _refuse_misfit(codec, form, layout)
    form.refuse_layout(output, codec, layout)
    given = form.united(treated_options(treatment, form, codec, given, layout) | given)
    options = dict(codec.options) | form.options_for(layout, given)
    options |= _checked_options(given, codec, form, layout.dtype)
    form.check_options(codec, options, layout)
    lossless = form.is_lossless(codec, options) and (codec.lossless or not isinstance(treatment.then, Quality))
    if not lossless:
        _refuse_alpha(codec, form, layout)
    if fault := misfit(treatment, codec, lossless=lossless):
        mend = _mend_of_treatment(treatment, codec, form, layout)
        raise UsageError(f"treatment {treatment.name} with profile {codec.name}: {fault}; {mend}")
    treatment = settle(treatment, codec, options, layout)
    form.refuse_treatment(treatment, codec, layout)
    if not lossless and layout.alpha is not None and codec.instead_of_alpha:
        raise UsageError(
            f"profile {codec.name}: would blur alpha, and with it which pixels are valid; use "
            f"{codec.instead_of_alpha}, or leave alpha out with --bidx"
        )
    profile = Profile(format=form, codec=codec, lossless=lossless, creation_options=tuple(options.items()))
    return Settled(profile, treatment)


def lossy_profiles(output: str, layout: RasterLayout) -> tuple[str, ...]:
    """Name the lossy profiles that an output and its pixels can have.

    Parameters
    ----------
    output
        Path, whose suffix picks the format.
    layout
        Layout of the output.
    """
    return _fitting(format_of(output), layout, lambda codec: not codec.lossless or codec.error_by_tile)


def _fitting(form: Format[Any], layout: RasterLayout, suits: Callable[[Codec], bool]) -> tuple[str, ...]:
    """Name the profiles of a format that suit, and hold the image."""
    names = []
    for codec in filter(suits, form.codecs):
        with suppress(UsageError):
            resolve_profile(f"a{form.suffixes[0]}", codec.name, {}, layout)
            names.append(codec.name)
    return tuple(names)


def _mend_of_treatment(treatment: Treatment, codec: Codec, form: Format[Any], layout: RasterLayout) -> str:
    """Say where a treatment would go, and which other one would go with the codec."""

    def suits(other: Codec) -> bool:
        return not other.raw and not misfit(treatment, other, lossless=other.lossless)

    own = _fitting(form, layout, suits)
    elsewhere = {other: names for other in FORMATS if not own and (names := _fitting(other, layout, suits))}
    files = [
        f"a {other.suffixes[0]}" + ("" if other.usual.name in names else f" with --profile {_listed(names)}")
        for other, names in elsewhere.items()
    ]
    mends = [f"use --profile {_listed(own)}"] if own else [f"write {_listed(files)}"] if files else []
    instead = [Treatment(then=then) for then in (Bound(), Quality())]
    mends += [f"say --treatment {t.name}" for t in instead if not misfit(t, codec, lossless=codec.lossless)]
    return ", or ".join(mends or ["leave the treatment out"])


def _codec_of(name: str, form: Format[Any], output: str) -> Codec:
    fitting = [codec.name for codec in form.codecs]
    if name not in PROFILES:
        hint = f"{did_you_mean(name, fitting) or did_you_mean(name, PROFILES)} ".lstrip()
        raise UsageError(f"profile {name}: unknown; {hint}{output} can be written as {', '.join(fitting)}")
    codec = PROFILES[name]
    if codec not in form.codecs:
        raise UsageError(
            f"profile {name}: does not go into {output}; use {', '.join(fitting)}, or an output that ends in "
            f"{format_with(codec).suffixes[0]}"
        )
    return codec


def _refuse_misfit(codec: Codec, form: Format[Any], layout: RasterLayout) -> None:
    name = codec.name
    if layout.dtype not in codec.dtypes:
        raise UsageError(
            f"profile {name}: cannot hold {layout.dtype}, only {', '.join(codec.dtypes)}; "
            f"{_mend_of_dtype(form, layout.dtype)}"
        )
    if codec.counts and layout.count not in codec.counts:
        raise UsageError(
            f"profile {name}: cannot hold {counted(layout.count, 'band')}, only {_listed(map(str, codec.counts))}; "
            f"choose bands with --bidx, or {form.otherwise}"
        )
    if codec.one_float_band and layout.count > 1 and layout.dtype.startswith("float"):
        raise UsageError(
            f"profile {name}: loses NaN when {layout.count} bands of {layout.dtype} lie in one file (libtiff's fault); "
            f"choose one with --bidx, or {form.otherwise}"
        )


def _mend_of_dtype(form: Format[Any], dtype: str) -> str:
    """Return advice on how to write samples of this type: another profile that holds them, or another type."""
    if dtype not in ALL_TYPES:
        return (
            f"no profile holds them, so convert them first: {conversion_of_array(dtype)}, or "
            f"{conversion(held_by(dtype))}"
        )
    return form.otherwise_of_dtype


def _refuse_alpha(codec: Codec, form: Format[Any], layout: RasterLayout) -> None:
    """Refuse bands that a codec would confuse: another band as alpha, or alpha as a colour."""
    if not codec.fourth_is_alpha:
        return
    name = codec.name
    if layout.count == 1 and layout.alpha is not None:
        raise UsageError(
            f"profile {name}: the only band is alpha, and would be blurred; choose others with --bidx, or "
            f"{form.otherwise}"
        )
    alphas = sum(band.colorinterp == ColorInterp.alpha for band in layout.metadata.bands)
    if alphas > 1:
        raise UsageError(
            f"profile {name}: {alphas} of {layout.count} bands are alpha, and it can only be the last of {_RGBA}; "
            f"choose bands with --bidx, or {form.otherwise}"
        )
    if layout.count == _RGBA and layout.alpha is None:
        raise UsageError(
            f"profile {name}: a fourth band must be alpha, this one is not; choose three with --bidx, or "
            f"{form.otherwise}"
        )
    if layout.alpha is not None and (layout.count, layout.alpha) != (_RGBA, _RGBA - 1):
        raise UsageError(
            f"profile {name}: alpha is band {layout.alpha + 1} of {layout.count}, and it can only be the last of "
            f"{_RGBA}; leave it out with --bidx, where a mask takes its place, or {form.otherwise}"
        )


def _listed(words: Iterable[str]) -> str:
    """Return words as a choice: a, b or c."""
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last


def _checked_options(given: Mapping[str, str], codec: Codec, form: Format[Any], dtype: str) -> dict[str, str]:
    """Check the user's creation options; their names come in capitals."""
    known = {option.name: option for option in form.options}
    own = {name.upper(): value for name, value in codec.options}
    checked: dict[str, str] = {}
    for name, value in given.items():
        if name in PROTECTED_OPTIONS and own.get(name, "").upper() != value.upper():
            raise UsageError(f"--co {name}={value}: {PROTECTED_OPTIONS[name]}")
        if name in PROTECTED_OPTIONS:
            continue  # says what the profile says
        if name not in known:
            hint = f"{did_you_mean(name, known)} ".lstrip()
            raise UsageError(
                f"--co {name}={value}: geosal sets no such option of {form.driver}; {hint}it takes "
                f"{', '.join(sorted(known))}: geosal profiles {codec.name}"
            )
        form.check_option(name, value, codec, given)
        known[name].check(value, dtype, own.get("COMPRESS", ""))
        checked[name] = value
    return checked
