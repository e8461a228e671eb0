"""Files of any content and name are written whole, or not at all."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer_module.contract.atomic_write import atomic_write

NAMES = st.binary(min_size=1, max_size=255).filter(
    lambda name: (
        not {b"/", b"\0"} & {name[i : i + 1] for i in range(len(name))}
        and name not in (b".", b"..")
    )
)


@given(
    NAMES, st.binary(max_size=200) | st.text(st.characters(exclude_categories=["Cs"]), max_size=50)
)
def test_a_file_of_any_name_has_its_content_and_leaves_nothing_beside_it(
    tmp_path_factory: pytest.TempPathFactory, name: bytes, content: str | bytes
) -> None:
    folder = tmp_path_factory.mktemp("files")
    path = atomic_write(folder / os.fsdecode(name), content)
    expected = content.encode() if isinstance(content, str) else content
    assert path.read_bytes() == expected
    assert os.listdir(os.fsencode(folder)) == [name]  # noqa: PTH208 (names as bytes)


@given(st.text(max_size=20))
def test_what_cannot_be_encoded_leaves_the_file_as_it_was(tmp_path: Path, text: str) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(b"before")
    with pytest.raises(UnicodeEncodeError):
        atomic_write(path, f"{text}\ud800")
    assert path.read_bytes() == b"before"
