"""The bare engine: an Automation API program as its manual shows it, with the same resources and the same provider.

Run as a program: reads {"folder", "declaration", "verb"} from stdin and brings the stack up, or previews that; where
there is no declaration, destroys it.
"""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec
from pulumi import automation as auto

from conpaas_iac import settings
from conpaas_iac.core.declaration import Declaration
from conpaas_iac.engine import stack
from conpaas_iac.host import engine as binary


def order(folder: Path, declaration: Declaration | None, verb: str = "up") -> str:
    """What the program is to read."""
    document = asdict(declaration) if declaration else None
    return json.dumps({"folder": str(folder), "declaration": document, "verb": verb})


def main() -> None:
    """Entry point."""
    told: Mapping[str, Any] = json.load(sys.stdin)
    folder, configured = Path(told["folder"]), settings.load()
    (folder / "backend").mkdir(parents=True, exist_ok=True)
    engine = binary.find(configured)
    assert engine, "no engine: conpaas setup"

    def program() -> None:
        stack.declare(msgspec.convert(told["declaration"], Declaration), configured)

    made = auto.create_or_select_stack(
        "bare",
        "bare",
        program,
        opts=auto.LocalWorkspaceOptions(
            work_dir=str(folder),
            pulumi_command=auto.PulumiCommand(root=str(engine.parent.parent)),
            project_settings=auto.ProjectSettings(
                "bare", "python", backend=auto.ProjectBackend(f"file://{folder}/backend")
            ),
            env_vars={
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
                "PULUMI_HOME": str(binary.home(configured)),
                "PULUMI_BACKEND_URL": f"file://{folder}/backend",
                "PULUMI_CONFIG_PASSPHRASE": "bench",
                "PULUMI_SKIP_UPDATE_CHECK": "true",
            },
        ),
    )
    if told["verb"] == "preview":
        made.preview()
    elif told["declaration"]:
        made.up()
    else:
        made.destroy()


if __name__ == "__main__":
    main()
