"""This machine: processes, files, folders that reach no disk, bytes from elsewhere."""
