"""Plots of the pages as SVG, with colours for light and dark pages."""
