"""The bundled pictures as they are committed, and the pure parts of the script that builds them."""

import importlib.util
import io
import re
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest
from PIL import Image

DATA = Path(__file__).resolve().parents[2] / "data"
LARGEST_TOTAL = 8_000_000  # bytes

Committed = dict[str, dict[str, bytes]]


def load_build_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_pictures", DATA / "build_pictures.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


build_pictures = load_build_script()
DOMAINS = list(build_pictures.DOMAINS)


@pytest.fixture(scope="module")
def committed() -> Committed:
    """Files by domain, and in a domain by `<class>/<stem>.png`."""
    files = build_pictures.read_committed(DATA)
    return {
        name: {
            path.removeprefix(f"{domain.folder}/"): content
            for path, content in files.items()
            if path.startswith(f"{domain.folder}/")
        }
        for name, domain in build_pictures.DOMAINS.items()
    }


@pytest.fixture(scope="module")
def readme() -> str:
    return (DATA / "README.md").read_text(encoding="utf-8")


def png(picture: Image.Image) -> bytes:
    target = io.BytesIO()
    picture.save(target, "PNG")
    return target.getvalue()


def square(colour: str) -> Image.Image:
    return Image.new("RGB", (4, 4), colour)


def record(code: str, name: str, subcategory: str, sort_order: int = 0) -> dict:
    return {
        "unified": code,
        "name": name,
        "subcategory": subcategory,
        "sort_order": sort_order,
        "image": f"{code.lower()}.png",
    }


class TestCommittedPictures:
    def test_only_the_three_training_domains_and_the_waiting_one_are_there(self) -> None:
        paths = [*(DATA / "pictures").iterdir(), *(DATA / "incoming").glob("*/*")]
        folders = [path for path in paths if path.is_dir()]
        expected = {domain.folder for domain in build_pictures.DOMAINS.values()}
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
        assert counts.keys() == build_pictures.CLASSES.keys()

    def test_sizes_of_the_domains_are_the_committed_ones(
        self, committed: Committed, readme: str
    ) -> None:
        rows = re.findall(r"^\| ([a-z-]+) \| `[^|]+` \| 667 \| ([\d,]+) \|", readme, re.MULTILINE)
        sizes = {name: sum(map(len, files.values())) for name, files in committed.items()}
        assert {name: int(size.replace(",", "")) for name, size in rows} == sizes

    def test_every_licence_text_is_there_and_linked(self, readme: str) -> None:
        linked = set(re.findall(r"\(licenses/([^)]+)\)", readme))
        assert linked == {path.name for path in (DATA / "licenses").iterdir()}
        assert len(linked) == 4


class TestClassRule:
    @pytest.mark.parametrize(
        ("subcategory", "label"),
        [
            ("animal-bug", "animal"),
            ("drink", "food"),
            ("hands", "hand"),
            ("person", "person"),
            ("person-symbol", None),
            ("place-religious", "building"),
            ("transport-sign", None),
            ("cat-face", None),
        ],
    )
    def test_unicode_subcategory_decides_the_class(
        self, subcategory: str, label: str | None
    ) -> None:
        assert build_pictures.picture_class(subcategory) == label

    def test_gender_and_direction_variants_are_recognised(self) -> None:
        known = {"1F9D1-200D-1F33E", "1F468-200D-1F33E", "1F468", "1F6B6"}
        variants = ["1F468-200D-1F33E", "1F6B6-200D-2640-FE0F", "1F6B6-200D-27A1-FE0F"]
        originals = ["1F9D1-200D-1F33E", "1F468", "1F6B6", "1F408-200D-2B1B"]
        assert all(build_pictures.is_variant(code, known) for code in variants)
        assert not any(build_pictures.is_variant(code, known) for code in originals)

    def test_stem_is_ascii_without_the_emoji_style_code_point(self) -> None:
        stem = build_pictures.file_stem(
            "26D1-FE0F", "RESCUE WORKER\N{RIGHT SINGLE QUOTATION MARK}S HAT"
        )
        assert stem == "26d1-rescue-workers-hat"

    def test_selection_is_in_unicode_order_without_misfits_and_other_subcategories(self) -> None:
        records = [
            record("1F43E", "PAW PRINTS", "animal-mammal"),
            record("1F577-FE0F", "SPIDER", "animal-bug", sort_order=2),
            record("1F436", "DOG FACE", "animal-mammal", sort_order=1),
            record("2693", "KEY", "lock"),
        ]
        assert build_pictures.select_emoji(records) == [
            build_pictures.Emoji(
                "animal", "1f436-dog-face", ("1f436.png", "1F436.svg", "1F436.svg")
            ),
            build_pictures.Emoji(
                "animal", "1f577-spider", ("1f577-fe0f.png", "1F577-FE0F.svg", "1F577.svg")
            ),
        ]

    def test_emoji_that_one_domain_draws_like_an_earlier_one_is_dropped(self) -> None:
        first, second, third = (build_pictures.Emoji("face", stem, ()) for stem in "abc")
        drawn = {
            "colour": {"a": square("red"), "b": square("blue"), "c": square("green")},
            "lines": {"a": square("white"), "b": square("white"), "c": square("black")},
        }
        assert build_pictures.drop_repeated([first, second, third], drawn) == [first, third]


class TestFlatten:
    def test_transparency_becomes_white_and_the_picture_is_centred(self) -> None:
        source = Image.new("RGBA", (64, 64), (255, 0, 0, 0))
        source.putpixel((0, 0), (255, 0, 0, 255))
        source.putpixel((63, 63), (0, 0, 0, 128))
        flat = build_pictures.flatten(source)
        assert (flat.mode, flat.size) == ("RGB", (72, 72))
        assert flat.getpixel((4, 4)) == (255, 0, 0)
        assert flat.getpixel((67, 67)) == (127, 127, 127)
        assert flat.getpixel((5, 5)) == flat.getpixel((0, 0)) == (255, 255, 255)

    def test_palette_picture_keeps_its_transparency(self) -> None:
        source = Image.new("P", (2, 2), 0)
        source.putpalette([255, 0, 0])
        source.info["transparency"] = 0
        assert set(build_pictures.flatten(source).getdata()) == {(255, 255, 255)}

    def test_too_large_a_drawing_is_refused(self) -> None:
        with pytest.raises(build_pictures.BuildError, match=r"at most 72 px.*\(73, 72\)"):
            build_pictures.flatten(Image.new("RGB", (73, 72)))


class TestCheck:
    def test_other_compression_is_a_notice_and_no_error(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = "pictures/noto/face/a.png"
        build_pictures.write({path: png(square("red"))}, tmp_path)
        other = build_pictures.encode(square("red"))
        assert other != png(square("red"))
        assert build_pictures.check({path: other}, tmp_path) == 0
        assert "the same in every pixel, only compressed differently" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("committed", "complaint"),
        [
            ({"pictures/noto/face/a.png": png(square("blue"))}, "different in their pixels"),
            ({"pictures/noto/face/a.png": b"no picture"}, "different in their pixels"),
            ({}, "missing"),
            (
                {
                    "pictures/noto/face/a.png": png(square("red")),
                    "pictures/noto/face/b.png": png(square("red")),
                },
                "not built from the packages",
            ),
        ],
    )
    def test_other_pixels_or_other_files_are_an_error(
        self,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        committed: dict[str, bytes],
        complaint: str,
    ) -> None:
        build_pictures.write(committed, tmp_path)
        built = {"pictures/noto/face/a.png": png(square("red"))}
        assert build_pictures.check(built, tmp_path) == 1
        assert complaint in capsys.readouterr().err

    def test_writing_removes_what_was_not_built(self, tmp_path: Path) -> None:
        build_pictures.write(
            {"pictures/noto/face/a.png": b"a", "pictures/noto/face/b.png": b"b"}, tmp_path
        )
        build_pictures.write({"pictures/noto/face/a.png": b"c"}, tmp_path)
        assert build_pictures.read_committed(tmp_path) == {"pictures/noto/face/a.png": b"c"}

    def test_tarball_with_another_checksum_is_refused(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / build_pictures.GOOGLE.tarball).write_bytes(b"not the package")
        assert build_pictures.main(["--check", "--packages", str(tmp_path)]) == 2
        assert "is not emoji-datasource-google 16.0.0: delete it" in capsys.readouterr().err
