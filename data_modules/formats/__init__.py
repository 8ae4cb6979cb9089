"""Files to pixels with a stated meaning."""
