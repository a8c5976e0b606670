"""Classes: maps of them with a saliency for each, and the quality bands that products bring."""
