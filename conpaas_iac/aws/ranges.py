"""Ranges of a place's own network."""

RANGE = "172.30.0.0/16"  # outside of what applications get
