"""What cloud files have in common."""
