"""Screens: what the pages show and how they look."""
