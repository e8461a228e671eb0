from pipeline.report.rendering import write_page


def test_a_name_that_is_not_utf_8_is_shown_with_a_replacement(tmp_path):
    empty = {"candidates": [], "domains": [], "plots": [], "batches": []}
    path = write_page(tmp_path / "a.html", "history.html.j2", name="caf\udce9", **empty)
    assert "<h1>caf? " in path.read_text()
