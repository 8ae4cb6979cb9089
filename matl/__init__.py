"""Multi-stage attentive transfer learning for medical image diagnosis."""

__version__ = "0.1.0"
