"""Manifest text to `Manifest`, or all its diagnostics with places."""
