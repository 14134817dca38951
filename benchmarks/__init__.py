"""The figures of conpaas, each beside the bare engine in the same run. No test asserts a time."""
