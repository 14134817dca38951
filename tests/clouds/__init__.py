"""Clouds that nobody here has an account of, on stand-ins: the real engine, the real SDKs, machines of LXD."""
