import json
from pathlib import Path

import pytest

from pipeline.predicting.prediction_output import CsvOutput, JsonOutput, LineOutput

#: Bytes that are not UTF-8, as Python keeps them in the name of a file.
NOT_UTF_8 = b"caf\xe9".decode("utf-8", "surrogateescape")


@pytest.mark.parametrize("output", [LineOutput, CsvOutput, JsonOutput])
def test_bytes_that_are_not_utf_8_are_replaced(capsys, output):
    output().classified(Path(NOT_UTF_8), NOT_UTF_8, 0.5)
    out = capsys.readouterr().out
    text = " ".join(map(str, json.loads(out).values())) if output is JsonOutput else out
    assert text.count("caf\ufffd") == 2


def test_text_in_brackets_is_not_taken_for_markup(capsys):
    lines = LineOutput()
    lines.classified(Path("[red].png"), "[bold]", 0.5)
    lines.unusable(Path("[red].png"), "damaged: [bold]")
    printed = capsys.readouterr()
    assert printed.out == "[red].png  [bold]  0.500\n"
    assert printed.err == "[red].png: damaged: [bold]\n"
