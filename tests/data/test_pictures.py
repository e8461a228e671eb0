"""The bundled pictures as they are committed, and what data/README.md says of them."""

import io
import re
from collections import Counter
from pathlib import Path

import pytest
from emoji_pictures.drawing import DOMAINS
from emoji_pictures.emoji_selection import CLASSES, EXCLUDED
from emoji_pictures.picture_files import read_committed
from PIL import Image
from repository import ROOT

DATA = ROOT / "data"
LARGEST_TOTAL = 8_000_000  # bytes

Committed = dict[str, dict[str, bytes]]


@pytest.fixture(scope="module")
def committed() -> Committed:
    """Files by domain, and in a domain by `<class>/<stem>.png`."""
    files = read_committed(DATA)
    return {
        name: {
            path.removeprefix(f"{domain.folder}/"): content
            for path, content in files.items()
            if path.startswith(f"{domain.folder}/")
        }
        for name, domain in DOMAINS.items()
    }


@pytest.fixture(scope="module")
def readme() -> str:
    return (DATA / "README.md").read_text(encoding="utf-8")


class TestCommittedPictures:
    def test_only_the_three_training_domains_and_the_waiting_one_are_there(self) -> None:
        paths = [*(DATA / "pictures").iterdir(), *(DATA / "incoming").glob("*/*")]
        folders = [path for path in paths if path.is_dir()]
        expected = {domain.folder for domain in DOMAINS.values()}
        assert {folder.relative_to(DATA).as_posix() for folder in folders} == expected

    @pytest.mark.parametrize("domain", DOMAINS)
    def test_every_domain_has_the_same_stems_in_the_same_classes(
        self, committed: Committed, domain: str
    ) -> None:
        assert len(committed[domain]) == 667
        assert committed[domain].keys() == committed["noto"].keys()

    @pytest.mark.parametrize("domain", DOMAINS)
    def test_every_picture_is_rgb_with_8_bits_and_72_px(
        self, committed: Committed, domain: str
    ) -> None:
        # IHDR: width, height, bits a channel, colour type 2 (RGB)
        header = (72).to_bytes(4, "big") * 2 + bytes([8, 2])
        assert {content[16:26] for content in committed[domain].values()} == {header}

    @pytest.mark.parametrize("domain", DOMAINS)
    def test_no_two_pictures_of_a_domain_have_the_same_pixels(
        self, committed: Committed, domain: str
    ) -> None:
        pixels = [
            Image.open(io.BytesIO(content)).tobytes() for content in committed[domain].values()
        ]
        assert len(set(pixels)) == len(pixels)

    def test_no_emoji_is_in_two_classes(self, committed: Committed) -> None:
        stems = [Path(path).stem for path in committed["noto"]]
        assert len(set(stems)) == len(stems)

    def test_stems_are_safe_on_any_file_system(self, committed: Committed) -> None:
        stems = {Path(path).stem for path in committed["noto"]}
        assert [
            stem for stem in stems if not re.fullmatch("[0-9a-f]{4,5}(-[a-z0-9]+)+", stem)
        ] == []

    def test_all_pictures_together_are_small(self, committed: Committed) -> None:
        sizes = [len(content) for files in committed.values() for content in files.values()]
        assert sum(sizes) <= LARGEST_TOTAL


class TestReadme:
    def test_counts_of_the_classes_are_the_committed_ones(
        self, committed: Committed, readme: str
    ) -> None:
        rows = re.findall(r"^\| ([a-z]+) \| (\d+) \| `", readme, re.MULTILINE)
        counts = Counter(path.split("/")[0] for path in committed["noto"])
        assert {label: int(count) for label, count in rows} == counts
        assert counts.keys() == CLASSES.keys()

    def test_sizes_of_the_domains_are_the_committed_ones(
        self, committed: Committed, readme: str
    ) -> None:
        rows = re.findall(r"^\| ([a-z-]+) \| `[^|]+` \| 667 \| ([\d,]+) \|", readme, re.MULTILINE)
        sizes = {name: sum(map(len, files.values())) for name, files in committed.items()}
        assert {name: int(size.replace(",", "")) for name, size in rows} == sizes

    def test_number_of_excluded_emoji_is_the_one_of_the_script(self, readme: str) -> None:
        assert f"- {sum(map(len, EXCLUDED.values()))} emoji that do not show" in readme

    def test_every_licence_text_is_there_and_linked(self, readme: str) -> None:
        linked = set(re.findall(r"\(licenses/([^)]+)\)", readme))
        assert linked == {path.name for path in (DATA / "licenses").iterdir()}
        assert len(linked) == 4
