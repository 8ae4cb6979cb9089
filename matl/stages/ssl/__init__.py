"""The task `lung_ssl`: self-supervision on unlabelled CT scans, one folder per method."""
