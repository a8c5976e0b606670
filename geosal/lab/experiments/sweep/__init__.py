"""The study of J. Downes, S. Saltwick and A. Chen (SIGSPATIAL 2023): images x looks x encoders x settings.

A *look* is what is done to an image before it is encoded: smoothing by a mask, or by one kernel everywhere. Each image
is smoothed once for each look, and then encoded by each encoder at each setting. The kernel of width 1 is the
unsmoothed image, and always among the looks.

Images are plain: their pixels in 8 bits, without georeferencing, nodata and tags, as the paper's PNGs are. So nothing
but pixels is in the bytes. (The place takes nothing in a PNG, which has it in files beside it, and some 3 kB in a COG
or a JPEG 2000.)

Tables
------
``sweep.csv`` has a row for each file (`SWEEP`):

- ``dataset``, ``image``, ``width``, ``height``: the collection and the image in it, and its size in pixels.
- ``mask``: name of the mask, or ``none`` for one kernel everywhere.
- ``kernel``: width of that kernel, 1 for the unsmoothed image; empty with a mask.
- ``effective_kernel``: equation 3 of the paper, the mean width over the pixels.
- ``encoder``: as the recipe names it. ``parameter``, ``setting``: what varies, such as ``quality`` or ``rate``, and its
  value; empty where nothing does.
- ``bytes``, ``bpp``: size of the file, and bits per pixel of the image.
- ``reduction_of_original``: percent by which ``bpp`` is below the original's, which is the unsmoothed image in the
  encoder ``original`` of the recipe (PNG, as in the paper).
- ``reduction_of_unsmoothed``: the same against the unsmoothed image in the same encoder at the same setting.
- ``mse``, ``psnr``, ``ssim``: against the unsmoothed pixels, over all bands; ``psnr`` is ``inf`` where nothing differs.

``levels.csv`` has a row for each level of saliency in each file of a mask (`LEVELS`): the same names up to ``setting``
without size and kernels, and

- ``level``, ``saliency``, ``kernel``: number of the level, 0 being salient; mean saliency of its pixels; its kernel.
- ``pixels``, ``mse``, ``psnr``, ``ssim``: of the level alone.
- ``bpp``, ``reduction``: rate of the level: the size of the smoothed image in which all other pixels are 0, over the
  pixels of the level; and percent by which this is below the unsmoothed image's, cut out alike. The paper does not
  say how it finds a rate of a part. Only of files by the encoder ``original``, else empty.

Unknown values are empty. Rows stand in the order of the recipe: images, masks, kernels, encoders, settings.

Index card
----------
- `Sweep`: the wish. `run_sweep`: carries it out, to an `Outcome`. `write_sweep`: report and tables.
"""

SWEEP = (
    "dataset", "image", "width", "height", "mask", "kernel", "effective_kernel", "encoder", "parameter", "setting",
    "bytes", "bpp", "reduction_of_original", "reduction_of_unsmoothed", "mse", "psnr", "ssim",
)  # fmt: skip
"""Columns of ``sweep.csv``."""
LEVELS = (
    "dataset", "image", "mask", "encoder", "parameter", "setting", "level", "saliency", "kernel", "pixels", "mse",
    "psnr", "ssim", "bpp", "reduction",
)  # fmt: skip
"""Columns of ``levels.csv``."""
