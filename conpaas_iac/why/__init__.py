"""From anything on machines back to what asked for it."""
