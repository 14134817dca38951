"""Our own Pulumi provider: the application's identity, LXD networks and LXD instances."""
