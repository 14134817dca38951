"""The program of `conpaas up`, given the declaration that it wrote."""

import os
from pathlib import Path

import pulumi

from conpaas_iac import settings
from conpaas_iac.core import declaration
from conpaas_iac.engine import stack

path = Path(os.environ.get("CONPAAS_DECLARATION") or pulumi.Config("conpaas").require("declaration"))
stack.declare(declaration.decode(path.read_bytes()), settings.load())
