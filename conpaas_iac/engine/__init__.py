"""The Pulumi engine, and what is declared to it."""
