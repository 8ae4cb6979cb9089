"""A trained diagnosis in forms that other programs run."""
