"""A new fleet: a Git repository with one application, that works as it is."""

import json
import secrets
from pathlib import Path

from conpaas_iac.errors import UserError
from conpaas_iac.fleet.place import FOLDER, NAME
from conpaas_iac.manifest.names import slug
from conpaas_iac.system import git

README = """# Fleet

Every application is a folder below `fleet/`: its `manifest.json`, its lock file, its code or where that is.

    conpaas fleet plan                  # what would change, and how dangerous it is
    conpaas fleet up                    # make it so, as far as `Apply` in conpaas.json allows
    conpaas fleet status

An environment is an overlay beside the manifest (`manifest.staging.json`: what is different there) or a folder of its
own (`production/manifest.json`), and is listed in conpaas.json. To remove an application, put `removed.json` in the
place of its manifest: {"Application": "hello", "By": "you", "Why": "not needed any more"}.
"""
IGNORED = "# what runs leave behind; lock files belong into Git\n*.plan\n.conpaas/\n"
PAGE = "Hello from <?php echo gethostname();\n"
EXAMPLE = {
    "Application": "hello",
    "Services": [
        {"Type": "php", "ServiceName": "front", "StartupInstances": {"backend": 2}, "Archive": "code"}
    ],
}


def write(folder: Path) -> tuple[Path, ...]:
    """Write it, `git init` where there is no repository yet; raises UserError rather than write over anything."""
    name = slug(folder.resolve().name) or "fleet"
    begun = {"Fleet": f"{name}-{secrets.token_hex(4)}", "Apply": "restart"}
    texts = {
        NAME: json.dumps(begun, indent=2) + "\n",
        ".gitignore": IGNORED,
        "README.md": README,
        f"{FOLDER}/hello/manifest.json": json.dumps(EXAMPLE, indent=2) + "\n",
        f"{FOLDER}/hello/code/index.php": PAGE,
    }
    there = [name for name in (*texts, FOLDER) if (folder / name).exists()]
    if there:
        remedy = "take a new folder" if NAME not in there else "it is a fleet already: conpaas fleet plan"
        raise UserError(f"{folder / there[0]} is there already, and is not written over", remedy)
    try:
        for path, text in texts.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        if git.checkout(folder / NAME) is None:
            git.run(folder, "init", "--quiet", "--initial-branch=main")
    except OSError as error:
        raise UserError(f"{folder}: cannot be written: {error.strerror}") from error
    return tuple(folder / path for path in texts)
