"""Several jobs one after the other: of many files, and of all bands of a product with one decision of saliency."""
