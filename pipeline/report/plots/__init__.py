"""Plots as SVG, for light and for dark pages."""
