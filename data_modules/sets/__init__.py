"""The data sets: one file each, with one function `index(root) -> Samples`."""
