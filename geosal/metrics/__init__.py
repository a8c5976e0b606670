"""JUDGE: measure how far a candidate is from its original, on arrays only. Results are sums that add up over blocks.

Index card
----------
- `ErrorSums`: differences sample by sample; MSE, RMSE, MAE, PSNR, the largest one.
- `StructureSums`: likeness window by window; SSIM and MS-SSIM.
- `ssim`, `ms_ssim`: the same of whole images, in one call.
- `sum_by_level`: both for one band of a block with its halo, for each level of saliency.
- `Scores`: the figures computed from sums.

>>> import numpy as np
>>> original = np.arange(48400, dtype=np.uint16).reshape(220, 220)
>>> sums = ErrorSums.of(original, original + np.uint16(2))
>>> sums.mse, round(sums.psnr(65535), 3)
(4.0, 90.309)
>>> ssim(original, original, 65535)
1.0
"""

from geosal.metrics.levels import sum_by_level
from geosal.metrics.pixelwise import ErrorSums
from geosal.metrics.scores import Scores
from geosal.metrics.structural import ALIGNMENT, HALO, StructureSums, ms_ssim, ssim

__all__ = ["ALIGNMENT", "HALO", "ErrorSums", "Scores", "StructureSums", "ms_ssim", "ssim", "sum_by_level"]
