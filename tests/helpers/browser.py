"""A headless Chromium, where one is installed."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest

#: Nothing is sent or fetched, and nothing of the user's own profile is read.
ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextlib.contextmanager
def open_browser() -> Iterator[Any]:
    """Start Chromium and drive it; without it, skip the test.

    Yields:
        A Selenium driver.
    """
    webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium: make venv")
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("needs Chromium: apt-get install chromium chromium-driver")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = webdriver.ChromeOptions()
        options.binary_location = chromium
        for argument in (*ARGUMENTS, f"--user-data-dir={profile}"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        service = webdriver.ChromeService(executable_path=driver, log_output=os.devnull)
        browser = webdriver.Chrome(options=options, service=service)
        try:
            yield browser
        finally:
            browser.quit()


def show(browser: Any, address: str, width: int = 1280, dark: bool = False) -> None:
    """Open a page as a screen of this width shows it, in pixels."""
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    browser.get(address)


def check_accessible(browser: Any) -> None:
    """Check that the page is not wider than the screen, and that axe-core finds no violation."""
    selenium = pytest.importorskip("axe_core_python.selenium", reason="needs axe-core: make venv")
    overflow = "return document.documentElement.scrollWidth - window.innerWidth"
    assert browser.execute_script(overflow) <= 0
    results = selenium.Axe().run(browser)
    assert [(one["id"], one["nodes"][0]["html"]) for one in results["violations"]] == []
