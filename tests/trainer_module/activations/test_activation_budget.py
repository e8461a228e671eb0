from trainer_module.activations import activation_budget


def test_the_option_is_in_mib():
    assert activation_budget.activation_budget(3) == 3 * 2**20
    assert activation_budget.activation_budget(0) == 0


def test_by_default_it_is_a_quarter_of_what_programs_can_get(monkeypatch):
    monkeypatch.setattr(activation_budget, "available_memory", lambda: 2048)
    assert activation_budget.activation_budget(None) == 512


def test_processes_on_one_machine_share_the_quarter(monkeypatch):
    monkeypatch.setattr(activation_budget, "available_memory", lambda: 2048)
    assert activation_budget.activation_budget(None, processes=2) == 256
    assert activation_budget.activation_budget(3, processes=2) == 3 * 2**20
