"""How results look on a terminal and in documents. Prints nothing."""
