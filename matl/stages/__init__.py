"""The tasks: what each of them knows of itself, and its LightningModule."""
