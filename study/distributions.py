"""Domains as Optuna has them: for the searcher, its database and the report's importances."""

from __future__ import annotations

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from study.domains import Choice, Domain, Float


def distribution(domain: Domain) -> BaseDistribution:
    """The distribution with the domain's bounds and scale, or its options in their order."""
    if isinstance(domain, Choice):
        return CategoricalDistribution(domain.options)
    if isinstance(domain, Float):
        return FloatDistribution(domain.low, domain.high, log=domain.log)
    return IntDistribution(domain.low, domain.high, log=domain.log)
