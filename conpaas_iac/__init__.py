"""conpaas: one JSON manifest describes an application made of services; `conpaas up` makes it so."""

import os

__version__ = "0.1.0"

# gRPC (the engine's) has threads of its own; its handlers in a forked child (Ansible's) use descriptors that the child
# has closed by then, and once in a while that ends the child before it began.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
