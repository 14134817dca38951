"""A Git repository of manifests: what is in it, what a change touches, what its policy allows."""
