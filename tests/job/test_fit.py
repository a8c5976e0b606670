"""Which blocks a job takes, and what the model of memory counts, held against what is really taken."""

import json
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
import zarr

import geosal
from geosal.core.cluster.scheduler import Room
from geosal.core.grid import Block
from geosal.errors import ClusterError, ResourceError
from geosal.job.fit import Fit, _kept, _Model, fit
from geosal.job.recipe import Recipe
from geosal.scenes import Scene
from geosal.scenes.products import ProductScene, open_product
from geosal.sources import open_saliency

SIZE = 1200
BANDS = {"B4": 30, "B5": 30, "B8": 15}


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bands of Landsat 8 with gaps, of 30 m and of 15 m."""
    name = "LC08_L1TP_008059_20221201_20221225_02_T1"
    folder = tmp_path_factory.mktemp("fit") / name
    folder.mkdir()
    for band, cell in BANDS.items():
        size = SIZE * 15 // cell
        pixels = np.random.default_rng(cell).integers(1, 9000, (1, size, size), dtype=np.uint16)
        pixels[:, ::50] = 0
        with rasterio.open(
            folder / f"{name}_{band}.TIF", "w", driver="GTiff", count=1, height=size, width=size, dtype="uint16",
            crs="EPSG:32632", transform=rasterio.transform.from_origin(6e5, 5e6, cell, cell), nodata=0,
        ) as dataset:  # fmt: skip
            dataset.write(pixels)
    return folder


def peak_of(scene: Scene, read: object) -> int:
    """Bytes that NumPy takes at most while a block is read, after a first time that fills caches."""
    scene.read(Block(0, 0, 16, 16))
    tracemalloc.start()
    try:
        read()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("resampling", ["nearest", "bilinear", "average"])
@pytest.mark.parametrize("resolution", [15, 30])
def test_resampling_takes_what_the_scene_says(
    product: Path, resampling: str, resolution: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("geosal.scenes.products.scene._STRIP", 2**17)
    scene = open_product(product, ("B4", "B5", "B8"), resolution=resolution, resampling=resampling)
    whole = scene.grid.whole()
    block = whole.height * whole.width * scene.layout.count * 3  # two bytes of a sample, and whether it counts
    taken = peak_of(scene, lambda: scene.read(whole)) - block
    assert 0.2 * scene.work_bytes < taken < scene.work_bytes
    assert open_product(product, ("B4", "B5")).work_bytes == 0


def model(scene: Scene, *sources: str, tile: int | None = 512) -> _Model:
    return _Model(scene, open_saliency(list(sources), scene.grid, scene=scene), tile, 8, processes=False)


def test_every_worker_resamples(product: Path) -> None:
    scene = open_product(product, ("B4", "B8"), resampling="bilinear")
    plain = replace(scene, work_bytes=0)
    for workers in (1, 4):
        more = model(scene, "half").smoothing(512, workers) - model(plain, "half").smoothing(512, workers)
        assert more == workers * scene.work_bytes


@pytest.mark.parametrize(("workers", "tiles"), [(1, 1), (2, 2), (8, 3)])
def test_each_file_may_have_a_tile_in_work(product: Path, workers: int, tiles: int) -> None:
    scene = replace(open_product(product, ("B4", "B5", "B8")), work_bytes=0)
    assert isinstance(scene, ProductScene)
    assert len(scene.files) == 3
    large = replace(scene, tile_bytes=scene.tile_bytes + 1000)
    assert model(large, "half").smoothing(512, workers) - model(scene, "half").smoothing(512, workers) == tiles * 1000


@pytest.mark.parametrize(
    ("sources", "combine"),
    [
        (["detail"], None),
        (["detail:of=bands", "half"], "mean"),
        (["half", "grid", "uniform:saliency=0.5"], "product"),
        (["half", "grid", "uniform:saliency=0.5"], None),
    ],
)
@pytest.mark.parametrize("name", ["rgb_scene", "float32_scene"])
def test_saliency_takes_what_its_sources_say(
    sources: list[str], combine: str | None, name: str, request: pytest.FixtureRequest
) -> None:
    scene = Scene.open(request.getfixturevalue(name))
    saliency = open_saliency(sources, scene.grid, scene=scene, combine=combine)
    whole = scene.grid.whole()
    taken = peak_of(scene, lambda: saliency.read_known(whole))
    # Some sources work in strips and tiles, of a size of their own.
    assert taken < saliency.pixel_bytes * whole.height * whole.width + 24 * 2**20


def test_a_source_that_looks_closely_makes_blocks_smaller(tmp_path: Path) -> None:
    path = tmp_path / "one.tif"
    with rasterio.open(path, "w", driver="GTiff", count=1, height=4096, width=4096, dtype="uint8") as dataset:
        dataset.write(np.tile(np.arange(4096, dtype=np.uint8), (1, 4096, 1)))
    scene = Scene.open(path)
    recipe = Recipe(input=str(path), output="x.tif", saliency=("half",), workers=4, max_memory=300 * 2**20)
    half, detail = (open_saliency([source], scene.grid, scene=scene) for source in ("half", "detail"))
    assert detail.pixel_bytes > 22
    of_half, of_detail = (fit(recipe, scene, saliency, halo=8, crew=4, tile=512) for saliency in (half, detail))
    assert of_detail.memory <= 300 * 2**20
    assert of_detail.block * of_detail.workers < of_half.block * of_half.workers


def test_outlines_are_held_once_and_soft_edges_by_every_worker(tmp_path: Path, rgb_scene: Path) -> None:
    scene, path = Scene.open(rgb_scene), tmp_path / "a.geojson"
    ring = [[1.78, 44.2], [1.82, 44.2], [1.82, 44.23], [1.78, 44.2]]
    path.write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
    plain, soft = (model(scene, f"{path}:{how}") for how in ("saliency=1", "feather=100px"))
    assert 0 < plain.saliency.work_bytes < soft.saliency.work_bytes
    assert plain.saliency.shared_bytes == soft.saliency.shared_bytes > 0
    for workers in (1, 4):
        more = soft.smoothing(512, workers) - plain.smoothing(512, workers)
        assert more == workers * (soft.saliency.work_bytes - plain.saliency.work_bytes)
        more = plain.smoothing(512, workers) - model(scene, "half").smoothing(512, workers)
        assert more == plain.saliency.shared_bytes + workers * plain.saliency.work_bytes


MIB = 2**20


def fit_scene(folder: Path, dtype: str, count: int = 3, crew: object = 2, **wish: object) -> Fit:
    """Fit a job on a full scene, of which only the header exists."""
    path = folder / f"{dtype}-{count}.tif"
    profile = {"driver": "GTiff", "width": 10980, "height": 10980, "count": count, "dtype": dtype, "SPARSE_OK": True}
    with rasterio.open(path, "w", **profile, tiled=True, blockxsize=512, blockysize=512):
        pass
    recipe = Recipe.from_mapping({"input": str(path), "output": "out.tif", "saliency": "half", **wish})
    scene = Scene.open(path)
    return fit(recipe, scene, open_saliency(["half"], scene.grid), halo=8, crew=crew, tile=512)


def test_nobody_set_a_limit_and_a_full_scene_stays_below_512_mib(tmp_path: Path) -> None:
    for dtype, block in (("uint8", 2048), ("uint16", 1536), ("float32", 1024)):
        fitted = fit_scene(tmp_path, dtype)
        assert (fitted.block, fitted.workers) == (block, 2)
        assert fitted.memory <= 540 * MIB  # expected, with some room: measured, it is 512 or less


def test_blocks_do_not_become_so_small_that_halos_cost_time(tmp_path: Path) -> None:
    assert fit_scene(tmp_path, "uint16", count=13).block == 1024
    assert fit_scene(tmp_path, "uint8", crew=16) == fit_scene(tmp_path, "uint8", crew=16, block=1024)


def test_a_limit_goes_further(tmp_path: Path) -> None:
    free = fit_scene(tmp_path, "uint16", count=13)
    limited = fit_scene(tmp_path, "uint16", count=13, max_memory="512MiB")
    assert limited.memory <= 512 * MIB < free.memory
    assert limited.block < free.block or limited.workers < free.workers
    with pytest.raises(ResourceError, match="at least"):
        fit_scene(tmp_path, "uint16", max_memory="100MB")


def test_the_users_word_goes_first(tmp_path: Path) -> None:
    assert fit_scene(tmp_path, "uint16", block=2048).block == 2048
    assert fit_scene(tmp_path, "uint8", max_memory="4GiB").block == 2048


def test_a_sample_is_counted_as_large_as_it_gets(tmp_path: Path) -> None:
    fitted = fit_scene(tmp_path, "uint8", target_ratio=2)
    assert fitted.sample == (6 * 512) ** 2
    assert fitted.memory <= 560 * MIB
    scene = Scene.open(tmp_path / "uint8-3.tif")
    searched = model(scene, "half").searching(fitted.sample) - model(scene, "half").searching(0)
    # It stays while blocks are treated, for a second search: they are smaller then.
    assert fitted.memory >= model(scene, "half").smoothing(fitted.block, 2) + fitted.sample * (2 * 3 + 3 + 5)
    # Pixels with what counts, read and treated; and the saliency that all trials share.
    assert searched > fitted.sample * (2 * (3 + 3) + 5)


def test_a_search_is_counted_and_takes_a_smaller_sample_under_a_limit(tmp_path: Path) -> None:
    plain, free = fit_scene(tmp_path, "uint16"), fit_scene(tmp_path, "uint16", target_ratio=2)
    assert free.sample >= 4 * 4 * 512**2
    assert free.memory >= plain.memory
    limited = fit_scene(tmp_path, "uint16", target_ratio=2, max_memory="400MiB")
    assert 512**2 < limited.sample < free.sample
    assert limited.memory <= 400 * MIB
    many = fit_scene(tmp_path, "float32", count=60)
    assert many.sample == 512**2


def _planned(folder: Path, pixels: np.ndarray, suffix: str = ".tif", **options: object) -> "geosal.Plan":
    count, height, width = pixels.shape
    profile = {"count": count, "height": height, "width": width, "dtype": pixels.dtype, **options}
    with rasterio.open(folder / f"s{suffix}", "w", **profile) as dataset:
        dataset.write(pixels)
    return geosal.make_plan(geosal.Recipe(
        input=str(folder / f"s{suffix}"), output=str(folder / "o.tif"), saliency=("half",), profile="zstd", workers=2
    ))  # fmt: skip


@pytest.mark.filterwarnings("ignore::geosal.errors.GeosalWarning")
def test_many_bands_are_counted_once(tmp_path: Path) -> None:
    """1500 x 1500 x 100 of uint16 were expected to take 4536 MiB and took 1131: jobs were refused."""
    profile = {"driver": "GTiff", "count": 100, "height": 1500, "width": 1500, "dtype": "uint16", "sparse_ok": True}
    with rasterio.open(tmp_path / "s.tif", "w", **profile):
        pass
    plan = geosal.make_plan(geosal.Recipe(
        input=str(tmp_path / "s.tif"), output=str(tmp_path / "o.tif"), saliency=("half",), profile="zstd", workers=2
    ))  # fmt: skip
    assert 1131 < plan.memory_bytes / 2**20 < 3000


@pytest.mark.filterwarnings("ignore::geosal.errors.GeosalWarning")
def test_what_gdal_decodes_whole_is_counted_whole(tmp_path: Path) -> None:
    pixels = np.zeros((3, 900, 900), np.uint8)
    plan = _planned(tmp_path, pixels, ".webp", driver="WEBP")
    assert plan.scene.tile_bytes == pixels.nbytes
    assert _planned(tmp_path, pixels, ".png", driver="PNG").scene.tile_bytes == 3 * 900


@pytest.mark.filterwarnings("ignore::geosal.errors.GeosalWarning")
def test_rows_of_wide_pictures_stay_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = np.zeros((1, 3000, 40), np.uint8)
    assert _planned(tmp_path, pixels, ".jpg", driver="JPEG").block == 2048
    monkeypatch.setattr("geosal.job.fit.GDAL_CACHE_BYTES", 2 * (1024 + 16) * 40)
    assert _planned(tmp_path, pixels, ".jpg", driver="JPEG").block == 1024
    assert _planned(tmp_path, pixels, driver="GTiff").block == 2048


@pytest.mark.filterwarnings("ignore::geosal.errors.GeosalWarning")
@pytest.mark.parametrize(("layout", "block"), [
    ({"compress": "deflate", "blockysize": 6000}, 1024), ({"compress": "deflate", "blockysize": 1}, 2048),
    ({"blockysize": 6000}, 2048), ({"compress": "deflate", "blockysize": 6000, "sparse_ok": True}, 2048),
])  # fmt: skip
def test_rows_of_one_strip_stay_decoded(
    tmp_path: Path, layout: dict[str, object], block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """24 000 x 6000 in one compressed strip took 93 s with blocks of 2048, and 24 s with those of 512."""
    monkeypatch.setattr("geosal.job.fit.GDAL_CACHE_BYTES", 2 * (1024 + 16) * 3000)
    pixels = np.zeros((1, 6000, 3000), np.uint8) if "sparse_ok" in layout else np.ones((1, 6000, 3000), np.uint8)
    assert _planned(tmp_path, pixels, driver="GTiff", tiled=False, **layout).block == block


@pytest.mark.filterwarnings("ignore::geosal.errors.GeosalWarning")
def test_blocks_consist_of_whole_tiles_of_a_jpeg_2000(tmp_path: Path) -> None:
    """Threads decode its tiles side by side, and each takes memory for one."""
    pixels = np.zeros((1, 1600, 1600), np.uint8)
    for tile, blocks in ((512, [2048, 1536, 1024, 512, 256]), (1024, [2048, 1024, 512, 256])):
        options = {"blockxsize": tile, "blockysize": tile, "reversible": "YES", "quality": "100"}
        plan = _planned(tmp_path, pixels, ".jp2", driver="JP2OpenJPEG", **options)
        model = _Model(plan.scene, plan.saliency, 256, 8, processes=False)
        assert model.blocks() == blocks
        assert model._decoder() == 12 * tile**2
    plan = _planned(tmp_path, pixels, ".tif", driver="GTiff", tiled=True, blockxsize=1024, blockysize=1024)
    assert _Model(plan.scene, plan.saliency, 256, 8, processes=False)._decoder() == 0


@pytest.mark.filterwarnings("ignore::geosal.errors.GeosalWarning")
def test_a_mask_takes_gdals_cache_beside_the_tiles_of_a_jpeg_2000(tmp_path: Path) -> None:
    """10980 x 10980 x 3 took 434 MiB with a pattern, and 523 with a mask of that size."""
    pixels = np.zeros((1, 1600, 1600), np.uint8)
    _planned(tmp_path, pixels, ".tif", driver="GTiff")
    for suffix, driver, more in ((".jp2", "JP2OpenJPEG", 1600**2), (".tif", "GTiff", 0)):
        scene = _planned(tmp_path, pixels, suffix, driver=driver, blockxsize=512, blockysize=512).scene
        plain, masked = (model(scene, source)._cache() for source in ("half", str(tmp_path / "s.tif")))
        assert masked - plain == more


@pytest.mark.filterwarnings("ignore::geosal.errors.GeosalWarning")
def test_large_chunks_of_a_zarr_store_are_counted_or_refused(tmp_path: Path) -> None:
    """A band of 10980 x 10980 in one chunk: 241 MB, which nothing decodes in part."""
    root = zarr.open_group(tmp_path / "one.zarr", mode="w")
    side = 10980
    for name in ("b1", "b2", "b3"):
        root.create_array(name, shape=(side, side), dtype="u2", chunks=(side, side), dimension_names=("y", "x"))
    wish = Recipe(
        input=str(tmp_path / "one.zarr"), output=str(tmp_path / "o.tif"), saliency=("half",), profile="zstd", workers=2
    )
    plan = geosal.make_plan(wish)
    kept = 3 * side**2 * 2
    assert plan.scene.kept_bytes == kept
    assert kept + 135 * 2**20 < plan.memory_bytes < 2 * kept + 540 * 2**20
    with pytest.raises(ResourceError, match=r"raise --max-memory, or write the scene anew in smaller chunks: .* 723"):
        geosal.make_plan(replace(wish, max_memory=800 * 2**20))
    assert geosal.make_plan(replace(wish, bands=("b2",), max_memory=800 * 2**20)).scene.kept_bytes == kept // 3


@pytest.mark.filterwarnings("ignore::geosal.errors.GeosalWarning")
def test_large_chunks_of_a_mask_are_counted(tmp_path: Path) -> None:
    side = 2600
    root = zarr.open_group(tmp_path / "mask.zarr", mode="w")
    root.create_array("m", shape=(side, side), dtype="u2", chunks=(side, side), dimension_names=("y", "x"))
    with rasterio.open(
        tmp_path / "s.tif", "w", driver="GTiff", width=side, height=side, count=1, dtype="uint8", sparse_ok=True
    ):
        pass
    wish = Recipe(input=str(tmp_path / "s.tif"), output=str(tmp_path / "o.tif"), saliency=(f"{tmp_path}/mask.zarr/m",))
    plan = geosal.make_plan(replace(wish, saliency=(f"{wish.saliency[0]}:range=0-65535",)))
    assert _kept(plan.scene, plan.saliency) == 2 * side**2


def test_blocks_fit_into_a_clusters_workers(tmp_path: Path) -> None:
    """As many at once as a worker has threads, and by the smallest of them."""
    free = fit_scene(tmp_path, "uint16", crew=[])
    few = fit_scene(tmp_path, "uint16", crew=[Room(1, 2**30)])
    many = fit_scene(tmp_path, "uint16", crew=[Room(1, 2**33), Room(8, 900 * MIB)])
    assert free.block == few.block > many.block
    assert f"a block of {many.block} px with its halo of 8 px needs about" in many.advice
    assert "on a worker of 8 threads, and the workers have 943.7 MB; " in many.advice


def test_what_no_worker_has_memory_for_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match=r"a block of 8192 px .*the workers have 419.4 MB; use --block 1024$"):
        fit_scene(tmp_path, "uint8", crew=[Room(1, 400 * MIB)], block=8192)
    with pytest.raises(ClusterError, match=r"have 200.0 MB; give the workers more memory, or fewer threads$"):
        fit_scene(tmp_path, "uint8", crew=[Room(1, 200_000_000)])
