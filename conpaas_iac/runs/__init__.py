"""What a run says of itself while it goes on, and what former ones tell."""
