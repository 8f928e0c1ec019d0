"""Turns a folder of article documents into per-topic feeds, and keeps them so for years."""

__version__ = "0.1.0"
