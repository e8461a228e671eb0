from trainer_module.activations import activation_budget
from trainer_module.activations.activation_budget import available_memory


def test_the_option_is_in_mib():
    assert activation_budget.activation_budget(3) == 3 * 2**20
    assert activation_budget.activation_budget(0) == 0


def test_by_default_it_is_a_quarter_of_what_programs_can_get(tmp_path, monkeypatch):
    info = tmp_path / "meminfo"
    info.write_text("MemTotal: 4096 kB\nMemFree: 8 kB\nMemAvailable: 2048 kB\n")
    monkeypatch.setattr(activation_budget, "MEMORY_INFO", info)
    assert activation_budget.activation_budget(None) == 512 * 1024


def test_without_the_line_of_linux_free_pages_count(tmp_path, monkeypatch):
    info = tmp_path / "meminfo"
    info.write_text("MemTotal: 4096 kB\n")
    monkeypatch.setattr(activation_budget, "MEMORY_INFO", info)
    assert available_memory() > 0
