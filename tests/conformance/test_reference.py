"""Whether the conformance tests had something to be held against."""

from tests import _reference


def test_googles_emulator_is_here_where_it_is_required() -> None:
    assert not _reference.required() or _reference.missing() is None, _reference.missing()
