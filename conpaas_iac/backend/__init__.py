"""Where applications are kept, who holds one, and the documents of their state."""
