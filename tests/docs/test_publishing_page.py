"""docs/publishing.md shows what the commands print and write."""

import re

from documentation import page
from served_versions import serve_version
from unpacked_bundles import unpack

from pipeline.publishing.bundle import bundle

PAGE = page("docs/publishing.md")


def test_the_output_of_a_bundle_is_that_of_the_command(tmp_path, capsys):
    bundle(serve_version(tmp_path / "workspace").root, None, None, tmp_path)
    printed = capsys.readouterr().out.replace(str(tmp_path), "my-bundles")
    same = printed.replace("pets-1", "emoji-2").replace("version 1", "version 2")
    assert _without_digest(same) == _without_digest(PAGE.blocks("")[0])


def test_the_contents_of_a_bundle_are_listed(tmp_path):
    bundle(serve_version(tmp_path / "workspace").root, None, None, tmp_path)
    inner = unpack(tmp_path / "pets-1.tar", tmp_path / "unpacked")
    listed = {span.split("/")[0] for span in PAGE.inline_code()}
    assert {path.name for path in inner.iterdir()} <= listed
    assert {path.name for path in inner.glob("runs/*/*")} <= set(PAGE.inline_code())


def _without_digest(text: str) -> str:
    return re.sub(r"[0-9a-f]{64}", "...", text)
