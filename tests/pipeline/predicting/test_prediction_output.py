import json
from pathlib import Path

import pytest

from pipeline.predicting.prediction_output import CsvOutput, JsonOutput, LineOutput, PredictionCheck

#: Bytes that are not UTF-8, as Python keeps them in the name of a file.
NOT_UTF_8 = b"caf\xe9".decode("utf-8", "surrogateescape")


@pytest.mark.parametrize("output", [LineOutput, CsvOutput, JsonOutput])
def test_bytes_that_are_not_utf_8_are_replaced(capsys, output):
    output().classified(Path(NOT_UTF_8), NOT_UTF_8, 0.5, None)
    out = capsys.readouterr().out
    text = " ".join(map(str, json.loads(out).values())) if output is JsonOutput else out
    assert text.count("caf\ufffd") == 2


def test_text_in_brackets_is_not_taken_for_markup(capsys):
    lines = LineOutput()
    lines.classified(Path("[red].png"), "[bold]", 0.5, PredictionCheck(0.25, accepted=False))
    lines.unusable(Path("[red].png"), "damaged: [bold]")
    printed = capsys.readouterr()
    assert printed.out == "[red].png  [bold]  0.500  novelty 0.250, not accepted\n"
    assert printed.err == "[red].png: damaged: [bold]\n"


def test_csv_and_json_have_novelty_and_acceptance(capsys):
    for output in (CsvOutput, JsonOutput):
        output().classified(Path("a.png"), "cat", 0.75, PredictionCheck(0.25, accepted=True))
    header, row, line = capsys.readouterr().out.splitlines()
    assert dict(zip(header.split(","), row.split(","), strict=True)) == {
        "path": "a.png",
        "label": "cat",
        "confidence": "0.75",
        "reason": "",
        "novelty": "0.25",
        "accepted": "true",
    }
    assert json.loads(line)["novelty"] == 0.25
    assert json.loads(line)["accepted"] is True
