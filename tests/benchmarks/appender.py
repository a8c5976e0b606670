"""The rate of the single process that appends tiles to a file: CPU seconds for each block that was recorded."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

CODECS = {"deflate": ".tif", "zstd": ".tif", "jpeg": ".tif", "jp2-lossless": ".jp2", "zarr": ".zarr"}
"""Profile -> suffix of the output."""


@dataclass(frozen=True)
class Appender:
    """What a block costs the process that makes the file.

    Attributes
    ----------
    size
        Bytes of its pickled result.
    take
        CPU seconds of the thread that appends: unpickled, appended, noted in the journal.
    encode
        CPU seconds beside it: tiles of overviews that are put together here.
    finish
        Seconds at the end of the file, by the block: nothing else runs then.
    """

    size: float
    take: float
    encode: float
    finish: float


def appending(recorded: Path, scene: Path, work: Path, codec: str) -> Appender:
    """Append recorded blocks to a file as fast as it goes, in a process of its own."""
    command = [sys.executable, __file__, str(recorded), str(scene), str(work), codec]
    return Appender(**json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


def main() -> None:
    """Do so, and print it as JSON."""
    import pickle
    import shutil
    import time
    from dataclasses import astuple
    from itertools import cycle

    from blocks import moved, recorded_in

    import geosal
    from geosal.files.journal import Journal
    from geosal.formats.sink import open_sink

    recorded, scene, work, codec = sys.argv[1:]
    folder = Path(work) / "appended"
    folder.mkdir()
    name = f"out{CODECS[codec]}"
    plan = geosal.make_plan(
        geosal.Recipe(
            input=scene,
            output=str(folder / name),
            saliency=("perlin",),
            profile=codec,
            block=2048,
            treatment=("smooth",),
        )
    )
    target, blocks = plan.target, list(plan.scene.grid.blocks(2048))
    size = take = 0.0
    with open_sink(
        folder / name, target.profile, target.layout, target.encoder, rounding=target.rounding,
        journal=Journal(folder / "journal.jsonl", {}),
    ) as sink:  # fmt: skip
        list(sink.restore())
        whole = -time.process_time()
        for block, record in zip(blocks, cycle(recorded_in(Path(recorded)))):
            whole += time.process_time()
            data = pickle.dumps(moved(record, block), 5)
            whole -= time.process_time()
            size += len(data)
            begin = time.thread_time()
            done = pickle.loads(data)
            sink.take(done.parts)
            sink.note({"block": astuple(done.block), "facts": done.facts.to_plain()})
            take += time.thread_time() - begin
        whole += time.process_time()
        begin = time.perf_counter()
        sink.finish({}, None)
        finish = time.perf_counter() - begin
    shutil.rmtree(folder)
    figures = {"size": size, "take": take, "encode": max(0.0, whole - take), "finish": finish}
    sys.stdout.write(json.dumps({name: value / len(blocks) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
