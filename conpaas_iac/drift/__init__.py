"""What differs from what machines confirmed, and the ways back."""
