"""The page, without a browser."""

import re

from pipeline.overview.overview_routes import render_page

PAGE = render_page('<script>"{{script}}')
TEXT = PAGE.body.decode()


def test_the_name_of_a_model_is_escaped():
    name = "&lt;script&gt;&quot;{{script}}"
    assert f"<h1>{name}</h1>" in TEXT
    assert f'data-model="{name}"' in TEXT
    assert TEXT.count("<script>") == 1


def test_nothing_is_loaded_from_other_servers():
    assert re.findall(r'(?:src|href)="([^"]*)"', TEXT) == ["data:,", "#try"]
    assert set(re.findall(r"https?://[^\"]+", TEXT)) == {"http://www.w3.org/2000/svg"}


def test_only_the_pages_own_script_may_run():
    policy = PAGE.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert re.search(r"script-src 'sha256-[\w+/=]+'$", policy)
