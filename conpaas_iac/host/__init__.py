"""What this machine needs before an application can come up on it: each part can be looked at and mended."""
