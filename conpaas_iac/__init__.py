"""conpaas: one JSON manifest describes an application made of services; `conpaas up` makes it so."""

__version__ = "0.1.0"
