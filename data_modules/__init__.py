"""Images, labels, patients and splits. Knows nothing of `matl`.

A data set is one function `index(root, **options) -> Samples`; `registry.load` finds it by name.
"""

from data_modules.config import DataConfig
from data_modules.errors import DataError
from data_modules.samples import Samples

__all__ = ["DataConfig", "DataError", "Samples"]
