"""The first paper's last study, its figures 14 to 17: what smoothing costs a detector, by kernels and by boxes.

Images are smoothed by kernels everywhere, and by saliency from boxes around the objects: `saliency` (0.8) in the boxes
enlarged by `buffer`, 0 elsewhere. The boxes are those of the annotations, or these spoiled on purpose, as nobody has
the true ones when a scene is compressed. Each file is decoded, and a detector looks at it.

Tables
------
``detection.csv`` has a row for each condition, over all images of a dataset (`DETECTION`):

- ``dataset``, ``detector``: the collection, and the file name of what looks at it.
- ``mask``: ``none`` for one kernel everywhere, else the name of the boxes (or of a mask).
- ``kernel``: width of that kernel, 1 for the unsmoothed images; empty with a mask.
- ``effective_kernel``: equation 3 of the paper, over the pixels of all images.
- ``encoder``, ``parameter``, ``setting``: as in ``sweep.csv``.
- ``bytes``, ``bpp``: of all files together, and bits per pixel.
- ``images``, ``objects``, ``detections``: numbers of them.
- ``ap``, ``ap50``, ``ap75``, ``ap_small``, ``ap_medium``, ``ap_large``: average precision, 0 to 1; empty where there is
  no object of the kind.
- ``ap_low``, ``ap_high``, ``ap50_low``, ``ap50_high``: 95 % of the draws of squares of the images lie between these.

``comparisons.csv`` holds each mask against files without one, in the same encoder, and each kernel against the
unsmoothed images (`COMPARISONS`): ``dataset``, ``mask``, ``kernel``, ``encoder``, ``parameter``, ``setting``, ``bpp``,
``effective_kernel``, ``ap`` as above, and

- ``baseline``: ``unsmoothed`` (kernel 1), ``kernel`` (the width nearest to the effective kernel), ``rate`` (the width
  of the nearest rate), ``equal rate`` (between the two widths whose rates lie around), ``best`` (the width of the
  highest ``ap``), all at the same setting; ``setting`` (unsmoothed, at the setting of the nearest rate).
- ``baseline_kernel``, ``baseline_setting``, ``baseline_bpp``, ``baseline_ap``: of that.
- ``difference``: ``ap`` less ``baseline_ap``; ``low``, ``high``: 95 % of the draws lie between these, each draw taking
  the same squares for both. ``percent``: the difference in percent of the baseline.

Unknown values are empty.
"""

DETECTION = (
    "dataset", "detector", "mask", "kernel", "effective_kernel", "encoder", "parameter", "setting", "bytes", "bpp",
    "images", "objects", "detections", "ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large", "ap_low", "ap_high",
    "ap50_low", "ap50_high",
)  # fmt: skip
"""Columns of ``detection.csv``."""
COMPARISONS = (
    "dataset", "mask", "kernel", "encoder", "parameter", "setting", "bpp", "effective_kernel", "ap", "baseline",
    "baseline_kernel", "baseline_setting", "baseline_bpp", "baseline_ap", "difference", "low", "high", "percent",
)  # fmt: skip
"""Columns of ``comparisons.csv``."""
