"""Field paths."""

import pytest
from google.cloud.firestore_v1.field_path import FieldPath
from hypothesis import given
from hypothesis import strategies as st

from exporter.emulators.firestore import CallError, fields

_SEGMENTS = st.lists(st.text(min_size=1), min_size=1, max_size=4).map(tuple)


@pytest.mark.parametrize(
    ("path", "segments"),
    [
        ("a", ("a",)),
        ("a.b_1._c", ("a", "b_1", "_c")),
        ("`a.b`.c", ("a.b", "c")),
        ("`odd key`.`new\nline`", ("odd key", "new\nline")),
        (r"`tick\`and\\slash`", ("tick`and\\slash",)),
        ("`1`", ("1",)),
    ],
)
def test_a_path_is_taken_apart(path: str, segments: tuple[str, ...]) -> None:
    assert fields.parse(path) == segments


@pytest.mark.parametrize("path", ["", ".", "a.", ".a", "a..b", "a b", "1a", "`a", "``", "a`b`", "a.`b`c", "é"])
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(CallError, match="is no field path"):
        fields.parse(path)


@given(_SEGMENTS)
def test_a_rendered_path_is_read_back(segments: tuple[str, ...]) -> None:
    assert fields.parse(fields.render(segments)) == segments


@given(_SEGMENTS)
def test_the_clients_paths_are_read(segments: tuple[str, ...]) -> None:
    assert fields.parse(FieldPath(*segments).to_api_repr()) == segments
