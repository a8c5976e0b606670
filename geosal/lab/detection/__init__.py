"""DETECT: any detector over scenes of any size, and average precision, to see what a treatment costs it."""
