"""The smallest experiment."""

MINIMAL = """
name: minimal
stages:
  diagnosis: {part: 3, task: diagnosis, data: {name: phantom_ct}, epochs: 2}
chain: [diagnosis]
"""
