"""Fingerprints in the cache keys of TFX's own components."""

from typing import TypeVar

from tfx.dsl.components.base.base_component import BaseComponent

_Component = TypeVar("_Component", bound=BaseComponent)


def add_to_cache_key(component: _Component, fingerprint: str) -> _Component:
    """Make a fingerprint part of the cache key of one of TFX's own components.

    TFX hashes the execution properties of a component, but neither its code nor the versions of
    libraries (`tfx.orchestration.portable.cache_utils`). Executors ignore properties that they do
    not know. Our own components have a parameter for it, and TFX's Transform and Trainer have
    `custom_config`; StatisticsGen and ExampleValidator have neither.

    Args:
        component: Component to change in place.
        fingerprint: Digest of what decides the component's output.

    Returns:
        The component.
    """
    component.exec_properties["code"] = fingerprint
    return component
