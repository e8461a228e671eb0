from pipeline.report.rendering import write_page


def test_what_is_not_printable_in_a_name_is_shown_escaped(tmp_path):
    empty = {name: [] for name in ("candidates", "domains", "plots", "batches", "damaged")}
    path = write_page(tmp_path / "a.html", "history.html.j2", name="caf\udce9\u202e<b>", **empty)
    assert r"<h1>caf\udce9\u202e&lt;b&gt; " in path.read_text()
