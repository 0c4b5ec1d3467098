"""Figures of searches and experiments, with captions computed from the data and alt texts."""
