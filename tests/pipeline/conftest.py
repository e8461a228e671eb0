"""A workspace with a tiny serving model, which tests of several rooms copy."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(name="served", scope="session")
def _served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tiny_workspace import serve_colours  # it imports TensorFlow

    return serve_colours(tmp_path_factory.mktemp("served")).root


@pytest.fixture(name="loaded_models")
def _loaded_models(load_once: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Load every model once: loading and tracing it takes most of the time of a pass."""
    import tensorflow as tf

    monkeypatch.setattr(tf.saved_model, "load", load_once)


@pytest.fixture(name="load_once", scope="session")
def _load_once() -> Callable[..., Any]:
    """Return a function that loads every model the first time only, see `tf.saved_model.load`."""
    import tensorflow as tf

    load, loaded = tf.saved_model.load, {}

    def load_once(folder: str, *arguments: Any, **options: Any) -> Any:
        files = [
            path
            for name in ("*.pb", "variables/*", "assets/*")
            for path in sorted(Path(folder).glob(name))
        ]
        key = b"".join(path.name.encode() + path.read_bytes() for path in files)
        if key not in loaded:
            loaded[key] = load(folder, *arguments, **options)
        return loaded[key]

    return load_once
