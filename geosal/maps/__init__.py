"""Write saliency to look at: a map as a file, and a picture of it over its scene."""
