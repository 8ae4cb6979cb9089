"""The multi-scale method on lung CT: its settings, its LightningModule and its three terms."""
