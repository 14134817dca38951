"""What a CI job of a repository of manifests does: plans that are reviewed, and those very plans carried out."""
