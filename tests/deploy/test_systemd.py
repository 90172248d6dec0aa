"""deploy/systemd: systemd's own judgement of the unit, and that it starts what there is."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

from click.testing import CliRunner

from exporter.cli import main
from exporter.cli.exits import USAGE
from exporter.config.load import load

UNIT = Path(__file__).parents[2] / "deploy" / "systemd" / "orchestration-exporter.service"
TEXT = UNIT.read_text("utf-8")


def _analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["systemd-analyze", *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)


def setting(name: str) -> list[str]:
    """The values of a setting, one a line of the unit."""
    return re.findall(rf"^{name}=(.*)$", TEXT, re.MULTILINE)


def test_systemd_finds_it_exposed_to_less_than_2_of_10() -> None:
    done = _analyze("security", "--offline=true", "--no-pager", str(UNIT))

    (exposure,) = re.findall(r"Overall exposure level for \S+: (\d+\.\d+)", done.stdout)
    assert float(exposure) < 2.0


def test_systemd_understands_every_line(tmp_path: Path) -> None:
    (command,) = setting("ExecStart")
    unit = tmp_path / UNIT.name
    # The program stands elsewhere, and systemd says so.
    unit.write_text(TEXT.replace(command.split()[0], "/bin/true"), "utf-8")

    done = _analyze("verify", str(unit))

    assert (done.returncode, done.stderr) == (0, "")


def test_the_command_takes_the_arguments() -> None:
    (command,) = setting("ExecStart")
    program, *arguments = shlex.split(command)

    assert Path(program).name == "orchestration-exporter"
    assert CliRunner().invoke(main, [*arguments, "--help"]).exit_code == 0


def test_a_faulty_configuration_is_not_tried_again_and_everything_else_is() -> None:
    assert setting("Restart") == ["always"]
    assert setting("RestartPreventExitStatus") == [str(USAGE)]


def test_the_ledger_is_in_the_folder_that_systemd_makes() -> None:
    (name,) = setting("StateDirectory")

    config = load(preset="nba", environ={"STATE_DIRECTORY": f"/var/lib/{name}"}).config

    assert config.ledger.path == f"/var/lib/{name}/ledger.sqlite"


def test_the_kernel_shows_what_the_process_series_need() -> None:
    # prometheus_client gives none of them without /proc/stat.
    assert setting("ProcSubset") == []
