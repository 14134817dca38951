"""A catalogue of the tests' own, and archives of every kind."""

import io
import tarfile
from pathlib import Path

import pytest

from conpaas_iac import catalog
from conpaas_iac.catalog import Catalog

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def types() -> Catalog:
    return catalog.load(HERE / "roles")


@pytest.fixture(scope="session")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with archives, good and bad; the same bytes in every run."""
    folder = tmp_path_factory.mktemp("archives")
    _tar(folder / "good.tar", {"index.php": "<?php", "css/a.css": ""})
    _tar(folder / "wrapped.tar", {"shop/index.php": "<?php", "shop/css/a.css": ""})
    _tar(folder / "outside.tar", {"index.php": "", "/etc/passwd": "", "../a": "", "b/../../c": "", "d/..": ""})
    _tar(folder / "links.tar", {"index.php": ""}, {"secrets": "/etc", "ok": "index.php", "up": "a/../../x"})
    (folder / "text.tar.gz").write_text("<?php echo 1;")
    return folder


def _tar(path: Path, files: dict[str, str], links: dict[str, str] | None = None) -> None:
    with tarfile.open(path, "w") as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
        for name, target in (links or {}).items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            archive.addfile(info)
