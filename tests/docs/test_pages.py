"""The pages of the documentation hang together."""

import pytest
from documentation import Page, page, pages
from repository import ROOT

PAGES = pages()


@pytest.mark.parametrize("one", PAGES, ids=lambda one: one.name)
def test_a_page_has_one_title(one):
    assert [level for level, _ in one.headings()].count(1) == 1


@pytest.mark.parametrize("one", PAGES, ids=lambda one: one.name)
def test_links_lead_to_files_and_headings(one):
    broken = [link for link in one.links() if not is_intact(one, link)]
    assert broken == []


@pytest.mark.parametrize("one", PAGES, ids=lambda one: one.name)
def test_no_page_shows_a_path_of_a_developers_machine(one):
    assert not any(f"/{name}/" in one.text for name in ("work", "home", "tmp", "root"))


def test_the_index_lists_every_page():
    listed = {link for link in page("docs/index.md").links() if not link.startswith("..")}
    others = {one.path.name for one in PAGES if one.path.parent.name == "docs"}
    assert listed == others - {"index.md"}


def test_the_readme_is_short():
    assert len(page("README.md").text.splitlines()) <= 220


def is_intact(one: Page, link: str) -> bool:
    """Whether the target of a link exists; addresses on the web are not looked up."""
    if link.startswith(("https://", "http://")):
        return True
    name, _, anchor = link.partition("#")
    target = (one.path.parent / name).resolve() if name else one.path
    if not target.is_relative_to(ROOT) or not target.exists():
        return False
    return not anchor or anchor in Page(target).anchors()
