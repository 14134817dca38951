"""What verbs do: the only places that know the order of steps."""
