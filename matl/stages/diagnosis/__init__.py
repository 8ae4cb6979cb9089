"""The task `diagnosis`: the target's positive class against the rest."""
