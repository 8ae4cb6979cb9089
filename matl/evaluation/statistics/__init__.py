"""Statistics of comparisons: what a difference is worth, given its patients and its seeds."""
