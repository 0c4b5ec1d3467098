"""Figures of a search, each with its caption computed from the data and its alt text."""
