"""Saliency that needs neither file nor pixels: the patterns of the seed paper, and one value everywhere."""
