"""Scores of a trained diagnosis for image files that nobody labelled."""
