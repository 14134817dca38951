"""What an `up` would do, why, and how dangerous that is."""
