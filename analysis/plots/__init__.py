"""Figures of searches and experiments, each with its caption computed from the data and its alt text."""
