"""The task `source`: labels of other domains."""
