"""The policy's targets, and their keys from the environment. A key is in no text that this package makes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from pydantic import SecretStr

from incident_ledger.policy import Policy

_KEY = re.compile(r"[!-~]+")


@dataclass(frozen=True, kw_only=True)
class ProbeTarget:
    """One row of `probe_targets`. `url` is None for the warehouse alone."""

    target_id: str
    kind: str
    component: str
    url: str | None
    key_variable: str | None
    key_header: str | None
    key_scheme: str | None
    expects: str | None
    expected_text: str | None
    timeout_seconds: float
    error_percent: Fraction
    latency_deviations: float
    latency_percent: float
    owner: str | None


@dataclass(frozen=True)
class Key:
    """What a target asks for, and the header that carries it."""

    header: str
    value: SecretStr


def probe_targets(policy: Policy, at: datetime) -> tuple[ProbeTarget, ...]:
    """The targets of the policy, in its order."""
    return tuple(
        ProbeTarget(
            target_id=row["target_id"],
            kind=row["kind"],
            component=row["component"],
            url=row["url"],
            key_variable=row["key_variable"],
            key_header=row["key_header"],
            key_scheme=row["key_scheme"],
            expects=row["expects"],
            expected_text=row["expected_text"],
            timeout_seconds=float(row["timeout_seconds"]),
            error_percent=Fraction(row["error_percent"]),
            latency_deviations=float(row["latency_deviations"]),
            latency_percent=float(row["latency_percent"]),
            owner=row["owner"],
        )
        for row in policy.rows("probe_targets", at)
    )


def not_watched(target: ProbeTarget, environ: Mapping[str, str]) -> str | None:
    """Why a target cannot be called, in words; None for one that can."""
    if target.key_variable is None:
        return None
    value = environ.get(target.key_variable, "").strip()
    if not value:
        return f"{target.key_variable} is not set"
    return None if _KEY.fullmatch(value) else f"{target.key_variable} holds characters that no header carries"


def key_of(target: ProbeTarget, environ: Mapping[str, str]) -> Key | None:
    """The key of a target that can be called; None for one that takes none."""
    if target.key_variable is None or target.key_header is None:
        return None
    value = environ[target.key_variable].strip()
    return Key(target.key_header, SecretStr(f"{target.key_scheme} {value}" if target.key_scheme else value))
