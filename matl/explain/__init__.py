"""What a diagnosis looks at, and how its network changed along the chain."""
