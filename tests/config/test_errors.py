from __future__ import annotations

import pickle

from exporter.config import ConfigError, Fault


def test_a_fault_is_written_as_compilers_write_theirs() -> None:
    assert str(Fault("a.b", "is wrong", "x.yaml", 3, 7)) == "x.yaml:3:7: a.b: is wrong"
    assert str(Fault("", "is empty", "x.yaml")) == "x.yaml: is empty"


def test_an_error_lists_each_fault_on_its_own_line() -> None:
    one = Fault("a", "is wrong", "x.yaml", 1, 1)
    two = Fault("b", "is wrong as well", "VARIABLE")

    assert str(ConfigError((one,))) == "1 fault in the configuration:\n  x.yaml:1:1: a: is wrong"
    assert str(ConfigError((one, two))) == (
        "2 faults in the configuration:\n  x.yaml:1:1: a: is wrong\n  VARIABLE: b: is wrong as well"
    )


def test_an_error_survives_pickling() -> None:
    error = ConfigError((Fault("a", "is wrong", "x.yaml"),))

    assert pickle.loads(pickle.dumps(error)).faults == error.faults  # noqa: S301 - what was pickled in the same line
