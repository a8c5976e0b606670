"""What every room may use: where pixels are, what travels beside them, how GDAL is asked, what saliency does."""
