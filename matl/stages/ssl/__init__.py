"""The task `lung_ssl`: self-supervision on unlabelled CT scans, one file or folder per method."""
