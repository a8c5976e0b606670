"""Classes: maps with a saliency for each class, and the quality bands of products."""
