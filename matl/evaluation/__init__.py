"""What a trained model is worth: metrics with intervals, the floor, figures and the report."""
