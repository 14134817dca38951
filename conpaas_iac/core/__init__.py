"""The pure core: what should be."""
