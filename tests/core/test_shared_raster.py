import threading
from pathlib import Path

from geosal.core import shared_raster as module
from geosal.core.shared_raster import close_shared_rasters, shared_raster


def test_threads_share_one_handle_and_never_use_it_at_once(rgb_scene: Path) -> None:
    seen, inside, clashes = set(), [], []

    def read() -> None:
        for _ in range(20):
            with shared_raster(str(rgb_scene)) as dataset:
                inside.append(1)
                clashes.append(len(inside) > 1)
                seen.add(id(dataset))
                dataset.read(1, window=((0, 8), (0, 8)))
                inside.pop()

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 1
    assert len(clashes) == 80
    assert not any(clashes)
    close_shared_rasters()
    with shared_raster(str(rgb_scene)) as dataset:
        assert not dataset.closed


def test_handles_in_use_are_never_closed_and_idle_ones_are_few(rgb_scene: Path, tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.tif" for number in range(12)]
    for path in paths:
        path.write_bytes(rgb_scene.read_bytes())
    failures = []

    def read(path: Path) -> None:
        try:
            for _ in range(10):
                with shared_raster(str(path)) as dataset:
                    dataset.read(1, window=((0, 64), (0, 64)))
        except Exception as error:  # noqa: BLE001  any failure is what is looked for
            failures.append(error)

    threads = [threading.Thread(target=read, args=(path,)) for path in paths]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with shared_raster(str(paths[0])):
        assert len(module._handles) <= module._MAX_HANDLES
        close_shared_rasters()
        assert len(module._handles) == 1
