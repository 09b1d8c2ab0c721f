"""What was seen inside a run: data sets, masks, regions, fits, points. Read leniently, since it comes from the sandbox.

Made by `sandbox/inside/reporter.py`. Angles are in deg (ICRS), energies in TeV, times in s; None where it is not known.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError


class _Fact(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Selection(_Fact):
    """One call of DataStore.get_observations."""

    store: str = ""
    asked: list[int] | None = None
    """None for all of the store."""
    got: list[int] = Field(default_factory=list)
    required_irf: list[str] = Field(default_factory=list)


class Observation(_Fact):
    """One observation that the script got or made, and used or not."""

    obs_id: int | str = ""
    ra_deg: float | None = None
    """Of the pointing."""
    dec_deg: float | None = None
    zenith_deg: float | None = None
    ontime_s: float | None = None
    livetime_s: float | None = None
    dead_time_fraction: float | None = None
    irfs: list[str] = Field(default_factory=list)
    point_like: bool | None = None
    """Whether the effective area is for a theta cut."""
    rad_max: bool | None = None
    """Whether there is an energy-dependent theta cut."""
    used: bool = False
    """A maker reduced it."""


class Region(_Fact):
    """An ON region, a region of a data set."""

    shape: str = ""
    """Class name of the regions package, such as CircleSkyRegion."""
    ra_deg: float | None = None
    dec_deg: float | None = None
    radius_deg: float | None = None


class Mask(_Fact):
    """An exclusion mask."""

    dtype: str = ""
    kept: float | None = None
    """Fraction of its pixels that are True."""
    on_kept: bool | None = None
    """Whether the centre of the ON region, or of the map, is True; None where the mask does not reach."""


class Making(_Fact):
    """One kind of maker with one set of settings, and the observations that it reduced."""

    maker: str = ""
    obs_ids: list[int | str] = Field(default_factory=list)
    containment_correction: bool | None = None
    use_region_center: bool | None = None
    selection: list[str] | None = None
    methods: list[str] | None = None
    settings: dict[str, Any] = Field(default_factory=dict)
    """What else its constructor was given, as far as it is plain: aeff_percent, offset_max, min_distance_deg, ..."""
    exclusion: Mask | None = None
    region: Region | None = None
    offsets_deg: list[float] = Field(default_factory=list)
    """From the pointing to the centre of the region or map, for each observation."""
    containment: float | None = None
    """Fraction of the PSF within the ON radius, at the threshold; of the first observation."""
    n_off: list[int | None] = Field(default_factory=list)
    """Number of OFF regions found for each observation."""


class Axis(_Fact):
    """An energy axis."""

    min: float | None = None
    max: float | None = None
    n: int = 0
    edges: list[float] = Field(default_factory=list)
    """In TeV; empty for a very long axis."""


class Dataset(_Fact):
    """A data set that was fitted, stacked, estimated from, or alive when the script ended."""

    number: int = 0
    """By which fits and points refer to it."""
    type: str = ""
    name: str = ""
    obs_ids: list[int | str] = Field(default_factory=list)
    counts: float | None = None
    counts_off: float | None = None
    acceptance_off: float | None = None
    """Sum over the bins."""
    alpha: float | None = None
    """Mean of acceptance over acceptance_off."""
    bins_without_off: int | None = None
    """Bins inside of the mask with counts and no OFF counts."""
    excess: float | None = None
    background: float | None = None
    """Counts predicted or scaled, inside of the mask."""
    livetime_s: float | None = None
    safe_fraction: float | None = None
    """Of the bins; None without a safe mask."""
    fit_fraction: float | None = None
    used_fraction: float | None = None
    """Of the bins inside of both masks."""
    energy: Axis | None = None
    energy_true: Axis | None = None
    safe_energy: tuple[float, float] | None = None
    used_energy: tuple[float, float] | None = None
    region: Region | None = None
    models: list[str] | None = None
    """Names of its sky models; None without models at all."""
    background_model: str = ""
    has_background: bool = False
    """A predicted background of its own, which a background model would scale."""
    stat: str = ""
    uses: list[str] = Field(default_factory=list)
    """What was done with it: made, fit, points, stack, info, fake, read, alive."""


class Parameter(_Fact):
    """A parameter of a model at the end of a fit."""

    model: str = ""
    kind: str = ""
    """Class name of the model that it belongs to, such as PowerLawSpectralModel."""
    name: str = ""
    value: float | None = None
    error: float | None = None
    unit: str = ""
    min: float | None = None
    max: float | None = None
    frozen: bool = False


class Fit(_Fact):
    """One fit that the script asked for; those inside of makers and estimators are left out."""

    datasets: list[int] = Field(default_factory=list)
    backend: str = ""
    success: bool | None = None
    message: str = ""
    optimized: bool | None = None
    covariance: bool | None = None
    """Whether the covariance was computed well; None where it was not asked for."""
    total_stat: float | None = None
    bins: int | None = None
    """Inside of the masks."""
    parameters: list[Parameter] = Field(default_factory=list)
    """The free ones, and the frozen ones of sky models."""
    largest_correlation: float | None = None
    correlated: list[str] = Field(default_factory=list)
    models: list[str] = Field(default_factory=list)


class Points(_Fact):
    """Flux points, a light curve or a flux map."""

    type: str = ""
    """Class name of the estimator."""
    datasets: list[int] = Field(default_factory=list)
    n: int = 0
    edges: list[float] = Field(default_factory=list)
    """Energies."""
    times: list[tuple[str, str]] = Field(default_factory=list)
    """Start and stop of each bin (ISO), in `time_scale`."""
    time_scale: str = ""
    sed_types: list[str] = Field(default_factory=list)
    selection: list[str] = Field(default_factory=list)
    """selection_optional."""
    n_sigma: float | None = None
    n_sigma_ul: float | None = None
    failed: int = 0
    nan_values: int = 0
    nan_limits: int | None = None
    """None without upper limits."""
    insignificant: int = 0
    """Points with sqrt(TS) below 2."""
    sqrt_ts: list[float | None] = Field(default_factory=list)
    pulls: list[float | None] = Field(default_factory=list)
    """(norm - 1) / norm_err: how far each point is from the model, in its errors."""


class Figure(_Fact):
    """A figure that was saved."""

    name: str = ""
    axes: int = 0
    empty: bool = False
    labels: list[str] = Field(default_factory=list)


class Facts(_Fact):
    """All that was seen of one run."""

    gammapy: str = ""
    """Version; empty for a script that did not import it."""
    seen: bool = False
    """Whether there was anybody looking; without, an empty list means nothing."""
    left_out: list[str] = Field(default_factory=list)
    """What did not fit, in bytes or in time."""
    selections: list[Selection] = Field(default_factory=list)
    observations: list[Observation] = Field(default_factory=list)
    missing_hdus: list[str] = Field(default_factory=list)
    """What Gammapy logged about observations that it skipped or read in part."""
    makings: list[Making] = Field(default_factory=list)
    datasets: list[Dataset] = Field(default_factory=list)
    background_models: list[str] = Field(default_factory=list)
    """Data sets named by each FoVBackgroundModel that the script made."""
    fits: list[Fit] = Field(default_factory=list)
    points: list[Points] = Field(default_factory=list)
    models: list[Parameter] = Field(default_factory=list)
    """Parameters of models alive at the end."""
    figures: list[Figure] = Field(default_factory=list)


def read_facts(told: Mapping[str, Any]) -> Facts:
    """What a run reported; nothing where it is not as it should be, item by item."""
    kept: dict[str, Any] = {}
    for name, field in Facts.model_fields.items():
        if name not in told:
            continue
        try:
            kept[name] = getattr(Facts.model_validate({name: told[name]}), name)
        except ValidationError:
            kept[name] = field.get_default(call_default_factory=True)
            kept["left_out"] = [*kept.get("left_out", []), name]
    return Facts.model_construct(**{**Facts().__dict__, **kept})
