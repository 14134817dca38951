"""`conpaas fleet sync`: a repository is followed, and what it says is made so."""
