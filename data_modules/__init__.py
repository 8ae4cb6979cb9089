"""Images, labels, patients and splits. Knows nothing of `matl`.

A data set is one function `index(root, **options) -> Samples`; `registry.load` finds it by name.
"""
