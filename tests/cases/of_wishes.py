"""What people ask for, and whether it is heard: sizes, targets, options that exclude or repeat each other."""

from pathlib import Path

import numpy as np
import rasterio
from cases.frame import case, geosal, refused
from rasterio.transform import from_origin

import geosal as library


def _scene(folder: Path) -> Path:
    pixels = np.random.default_rng(0).integers(0, 256, (1, 300, 300), np.uint8)
    path = folder / "scene.tif"
    profile = {"driver": "GTiff", "count": 1, "height": 300, "width": 300, "dtype": "uint8", "crs": "EPSG:32631"}
    with rasterio.open(path, "w", **profile, transform=from_origin(5e5, 45e5, 10, 10)) as dataset:
        dataset.write(pixels)
    return path


@case("target-below-a-byte", "a target of less than a byte is refused as a wish, not met with a traceback")
def target_below_a_byte(folder: Path) -> None:
    scene = _scene(folder)
    for wish in (("--target-bpp", "0.0000001"), ("--target-ratio", "100000000")):
        done = geosal("compress", scene, folder / "o.tif", "-s", "half", *wish)
        assert done.returncode in {2, 6}, done.stderr[-200:]
        assert "unexpected" not in done.stderr, done.stderr[-200:]


def _refused(code: int, *words: str, **options: object) -> None:
    """Assert that geosal.compress refuses before any work, with an exit code and each of some words."""
    folder = Path(str(options["output"])).parent
    before, steps = set(folder.iterdir()), []
    found: library.GeosalError | None = None
    try:
        library.compress(**options, progress=steps.append)  # type: ignore[arg-type]
    except library.GeosalError as error:
        found = error
    assert found is not None, f"taken: {options}"
    assert found.exit_code == code, f"{found.exit_code}: {found}"
    missing = [word for word in words if word not in str(found)]
    assert not missing, f"says nothing of {missing}: {found}"
    assert not steps, "refused after work had begun"
    assert set(folder.iterdir()) == before, "something is left"


@case("min-psnr-zarr", "a Zarr store is judged as any other file")
def min_psnr_zarr(folder: Path) -> None:
    output = str(folder / "o.zarr")
    library.compress(str(_scene(folder)), output, saliency="half", min_psnr=("salient:60",), min_ssim=("0.2",))
    assert library.compare(str(_scene(folder)), output).scores("whole").ssim >= 0.2


@case("sizes-in-bytes", "a size may be plain bytes, with or without a word for them")
def sizes_in_bytes(folder: Path) -> None:
    scene = str(_scene(folder))
    for number, size in enumerate((30004, "30004", "30004B", "30004 bytes", "30.004 kb", "0.03MB")):
        output = folder / f"{number}.tif"
        library.compress(scene, str(output), saliency="half", profile="jpeg", treatment="smooth", target_size=size)
        assert output.stat().st_size <= 30004, f"{size}: {output.stat().st_size}"


@case(
    "max-memory-in-bytes",
    "1000 are bytes, too few for a job; the message says how many are needed, never as many as allowed",
)
def max_memory_in_bytes(folder: Path) -> None:
    done = geosal("compress", _scene(folder), folder / "o.tif", "-s", "half", "--max-memory", "1000")
    refused(done, 7, "1.0 kB are allowed", "takes at least")
    needed = done.stderr.partition("at least ")[2].split(" with")[0]
    library.compress(str(_scene(folder)), str(folder / "o.tif"), saliency="half", max_memory=needed.replace(" ", ""))
    library.compress(str(_scene(folder)), str(folder / "h.tif"), saliency="half", max_memory="50%")


@case("options-of-other-codecs", "an option that the codec does not know is refused before the work")
def options_of_other_codecs(folder: Path) -> None:
    common = {"input": str(_scene(folder)), "output": str(folder / "o.tif"), "saliency": "half"}
    for profile, name, value in (
        ("deflate", "QUALITY", "50"), ("zstd", "MAX_Z_ERROR", "20"), ("jpeg", "LEVEL", "9"), ("raw", "LEVEL", "9"),
        ("lzw", "LEVEL", "9"), ("lerc", "PREDICTOR", "YES"), ("jpeg", "MAX_Z_ERROR", "0"),
        ("zstd", "OVERVIEW_QUALITY", "50"),
        ("lerc", "QUALITY", "100"),
    ):  # fmt: skip
        _refused(2, name, "leave it out", **common, profile=profile, creation_options={name: value})


@case("options-that-are-implied", "an option that says what the codec does anyway is taken, as GDAL's users write it")
def options_that_are_implied(folder: Path) -> None:
    for number, (profile, name, value) in enumerate(
        (("deflate", "QUALITY", "100"), ("zstd", "MAX_Z_ERROR", "0"), ("raw", "PREDICTOR", "NO"),
         ("deflate", "COMPRESS", "DEFLATE"),
         ("jpeg", "PREDICTOR", "no"), ("deflate", "level", "9"))
    ):  # fmt: skip
        output = str(folder / f"{number}.tif")
        library.compress(str(_scene(folder)), output, saliency="half", profile=profile, creation_options={name: value})


@case("resampling-of-overviews", "GDAL's RESAMPLING is that of the overviews")
def resampling_of_overviews(folder: Path) -> None:
    path, output = folder / "s.tif", str(folder / "o.tif")
    pixels = np.random.default_rng(0).integers(0, 256, (1, 1100, 1100), np.uint8)
    with rasterio.open(path, "w", driver="GTiff", count=1, height=1100, width=1100, dtype="uint8") as dataset:
        dataset.write(pixels)
    whole = "uniform:saliency=1"
    library.compress(str(path), output, saliency=whole, creation_options={"RESAMPLING": "NEAREST"})
    with rasterio.open(output, overview_level=0) as dataset:
        overview = dataset.read(1)
    assert overview.std() > 60, f"means, of standard deviation {overview.std():.0f}"


@case("one-option-two-values", "one creation option with two values is refused, however its name is written")
def one_option_two_values(folder: Path) -> None:
    scene, output = _scene(folder), folder / "o.tif"
    done = geosal(
        "compress", scene, output, "-s", "half", "--profile", "jpeg", "--co", "QUALITY=50", "--co", "quality=90"
    )
    refused(done, 2, "QUALITY=50", "quality=90")
    two = {"QUALITY": 50, "quality": 80}
    _refused(
        2, "one value", input=str(scene), output=str(output), saliency="half", profile="jpeg", creation_options=two
    )


@case("yaml-key-twice", "a key that stands twice in a recipe is refused")
def yaml_key_twice(folder: Path) -> None:
    recipe = folder / "r.yaml"
    recipe.write_text("saliency: half\nprofile: jpeg\nprofile: webp\n")
    refused(geosal("compress", _scene(folder), folder / "o.tif", "--config", recipe), 2, "profile", "twice")


@case("rules-without-effect", "a rule that none of the sources heeds is refused")
def rules_without_effect(folder: Path) -> None:
    common = {"input": str(_scene(folder)), "output": str(folder / "o.tif")}
    _refused(2, "background", **common, saliency="half", background=0.5)
    _refused(2, "combine", **common, saliency="half", combine="mean")
    _refused(2, "outside", **common, saliency=["half", "grid"], outside="blur")
    _refused(2, "sigma", **common, saliency="half", treatment="bound:error=8", sigma="0.25*K")
    library.compress(**common, saliency="half", background=0, outside="keep", sigma="opencv")  # type: ignore[arg-type]


@case("command-line-first", "what is asked for on the command line goes before what excludes it in --config")
def command_line_first(folder: Path) -> None:
    recipe, scene = folder / "r.yaml", _scene(folder)
    for number, (yaml, words) in enumerate((
        ("target_bpp: 2\nprofile: jpeg", ("--target-size", "30kB")),
        ("target_size: 1MB\nprofile: jpeg", ("--min-psnr", "12")),
        ("min_ssim: 0.9\nprofile: jpeg", ("--target-ratio", "3")),
        ("profile: jpeg\ncreation_options: {QUALITY: 60}", ("--profile", "zstd")),
        ("background: 0.4", ("-s", "grid")),
    )):  # fmt: skip
        recipe.write_text(f"saliency: half\n{yaml}\n" if "background" not in yaml else f"saliency: x.geojson\n{yaml}\n")
        done = geosal("compress", scene, folder / f"{number}.tif", "--config", recipe, *words)
        assert done.returncode == 0, f"{yaml} {words}: {done.stderr[-200:]}"


@case(
    "profile-in-capitals", "a profile may be written in capitals, and a slip of the pen is told by what fits the output"
)
def profile_in_capitals(folder: Path) -> None:
    library.compress(str(_scene(folder)), str(folder / "o.tif"), saliency="half", profile="JPEG")
    common = {"input": str(_scene(folder)), "output": str(folder / "p.tif"), "saliency": "half"}
    _refused(2, "did you mean jpeg?", **common, profile="jepg")


@case("profiles-that-reach", "a target that a lossless codec misses names profiles that reach it")
def profiles_that_reach(folder: Path) -> None:
    done = geosal("compress", _scene(folder), folder / "o.tif", "-s", "uniform:saliency=1", "--target-size", "20kB")
    refused(done, 6, "--profile jpeg or lerc")


@case("hints-that-help", "another driver is named only where it can help")
def hints_that_help(folder: Path) -> None:
    done = geosal("info", "/vsicurl/http://127.0.0.1:9/nope.tif", GDAL_HTTP_MAX_RETRY="0")
    assert done.returncode == 3, done.stderr
    done = geosal("info", f"/vsizip/{folder}/nope.zip/a.tif")
    assert done.returncode == 3, done.stderr
    assert "allow-driver" not in done.stderr, done.stderr
