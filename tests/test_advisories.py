"""The pinned versions against advisories, and the bill of materials."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version

from tools.advisories import ArchiveError, affected, main, read_archive

ROOT = Path(__file__).parents[1]


def record(*events: dict[str, str], ecosystem: str = "PyPI", name: str = "Some.Package", **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    part = {"package": {"ecosystem": ecosystem, "name": name}, "ranges": [{"type": "ECOSYSTEM", "events": events}]}
    return {"id": "GHSA-1", "aliases": ["CVE-1"], "modified": "2026-11-01T00:00:00Z", "affected": [part], **more}


def archive(folder: Path, *records: dict[str, Any]) -> Path:
    path = folder / "all.zip"
    with zipfile.ZipFile(path, "w") as file:
        for number, content in enumerate(records):
            file.writestr(f"{number}.json", json.dumps(content))
    return path


@pytest.mark.parametrize(
    ("events", "version", "is_affected"),
    [
        (({"introduced": "0"},), "0.1", True),
        (({"introduced": "0"}, {"fixed": "1.10"}), "1.9", True),
        (({"introduced": "0"}, {"fixed": "1.10"}), "1.10", False),
        (({"introduced": "1.2"}, {"last_affected": "1.4"}), "1.4", True),
        (({"introduced": "1.2"}, {"last_affected": "1.4"}), "1.4.post1", False),
        (({"introduced": "1.2"},), "1.1", False),
        (({"fixed": "2.1"}, {"introduced": "2.0"}, {"introduced": "0"}, {"fixed": "1.5"}), "2.0.3", True),
        (({"fixed": "2.1"}, {"introduced": "2.0"}, {"introduced": "0"}, {"fixed": "1.5"}), "1.7", False),
        (({"introduced": "0"}, {"fixed": "of last summer"}), "1.0", True),
    ],
)
def test_a_range_is_evaluated_as_osv_does(events: tuple[dict[str, str], ...], version: str, is_affected: bool) -> None:  # noqa: FBT001 - a parameter of the test
    assert affected(record(*events), "some-package", Version(version)) is is_affected


def test_a_listed_version_is_affected_however_it_is_spelled() -> None:
    listed = record()
    listed["affected"][0]["versions"] = ["1.0.0-rc1", "oddly named"]

    assert affected(listed, "some-package", Version("1.0.0rc1"))
    assert not affected(listed, "some-package", Version("1.0.0"))


def test_other_packages_and_repositories_do_not_count() -> None:
    always = {"introduced": "0"}
    git = record(always)
    git["affected"][0]["ranges"][0]["type"] = "GIT"

    assert not affected(record(always, name="other"), "some-package", Version("1"))
    assert not affected(record(always, ecosystem="npm"), "some-package", Version("1"))
    assert not affected(git, "some-package", Version("1"))


def test_an_affected_pin_is_named_and_ends_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (lock := tmp_path / "prod.txt").write_text("some-package==1.0 ; x \\\n    --hash=sha256:0\nother==2 \\\n")
    file = archive(tmp_path, record({"introduced": "0"}, summary="it leaks"))

    assert main([str(file), str(lock)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "prod.txt: some-package 1.0: CVE-1, GHSA-1: it leaks",
        "1 advisories about 1 lock files; the newest record is of 2026-11-01T00:00:00Z",
    ]
    assert main([str(file), str(lock), "--accept", "CVE-1"]) == 0


def test_withdrawn_advisories_do_not_count(tmp_path: Path) -> None:
    file = archive(tmp_path, record({"introduced": "0"}, withdrawn="2026-01-01T00:00:00Z"), record(name="other"))

    assert set(read_archive(file)) == {"other"}


def test_every_lock_is_looked_at_by_default(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = archive(tmp_path, record({"introduced": "0"}, name="click"))

    assert main([str(file)]) == 1
    said = capsys.readouterr().out.splitlines()[:-1]
    assert {line.split(":")[0] for line in said} == {"demo.txt", "dev.txt", "prod.txt"}


def test_an_archive_that_says_nothing_is_no_good_news(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "page.html").write_text("<html>")

    for wrong in (tmp_path / "missing.zip", tmp_path / "page.html", archive(tmp_path, {"id": "x"})):
        with pytest.raises(ArchiveError):
            read_archive(wrong)
        assert main([str(wrong)]) == 2
        assert capsys.readouterr().err.startswith(f"error: {wrong}: ")


def test_the_bill_of_materials_has_every_pin_of_production_and_its_hashes(tmp_path: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipe = next(line.lstrip("\t@") for line in makefile.splitlines() if "cyclonedx_py" in line)
    words = recipe.replace("$(BIN)/python", sys.executable).replace("$@", str(tmp_path / "sbom.json"))

    subprocess.run([*words.split(), "--no-validate"], check=True, cwd=ROOT, timeout=100)

    content = json.loads((tmp_path / "sbom.json").read_text(encoding="utf-8"))
    lock = (ROOT / "requirements" / "prod.txt").read_text(encoding="utf-8")
    pins = {line.split(" ")[0] for line in lock.splitlines() if "==" in line and not line.startswith((" ", "#"))}
    assert content["bomFormat"] == "CycloneDX"
    assert content["metadata"]["component"]["name"] == "orchestration-exporter"
    assert {f"{one['name']}=={one['version']}" for one in content["components"]} == pins
    assert all(one["externalReferences"][0]["hashes"] for one in content["components"])
