import pytest

from components.evaluation.gate.gate_table import FILE, GateRow, GateTable, read_gate_table

pytestmark = pytest.mark.component

TABLE = GateTable(
    level=0.05 / 3,
    num_tests=3,
    rows=[
        GateRow(
            domain="Straße",
            version=7,
            pictures=1000,
            before=0.9,
            after=0.1 + 0.2,
            change_low=-0.7,
            change_high=-0.5,
            p_value=1e-30,
            limit=0.02,
            passed=False,
            detectable_loss=0.03,
            needed_pictures=2000,
        ),
        GateRow(domain="Straße", version=3, pictures=20, before=0.9, after=0.9),
        GateRow(domain="Straße", label="house", version=7, pictures=3, before=1.0, after=1.0),
        GateRow(domain="fog", is_new=True, version=7, pictures=9, before=0.5, after=0.6),
    ],
)


def test_a_table_is_read_as_it_was_written(tmp_path):
    TABLE.write(str(tmp_path))
    assert (tmp_path / FILE).read_text(encoding="utf-8").endswith("}\n")
    assert read_gate_table(str(tmp_path)) == TABLE


def test_an_evaluation_without_a_table_has_none(tmp_path):
    assert read_gate_table(str(tmp_path)) is None
