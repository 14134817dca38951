"""Where people review: GitHub and GitLab, as far as CI asks them: comments, labels, statuses, artifacts."""
