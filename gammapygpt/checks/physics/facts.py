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
    asked: list[int | str] | None = None
    """None for all of the store."""
    got: list[int | str] = Field(default_factory=list)
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


class Cone(_Fact):
    """One selection of observations by position."""

    ra_deg: float | None = None
    dec_deg: float | None = None
    radius_deg: float | None = None
    n: int = 0
    """Observations that passed."""


class Region(_Fact):
    """An ON region, or the map of a data set."""

    shape: str = ""
    """Class name of the regions package, such as CircleSkyRegion; `map` for a map."""
    ra_deg: float | None = None
    dec_deg: float | None = None
    frame: str = ""
    """In which it was given."""
    radius_deg: float | None = None
    width_deg: list[float] = Field(default_factory=list)
    pixel_deg: float | None = None


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
    settings: dict[str, Any] = Field(default_factory=dict)
    """Of maker and region finder, by the names of Gammapy: containment_correction, methods, max_region_number, ..."""
    obs_ids: list[int | str] = Field(default_factory=list)
    exclusion: Mask | None = None
    region: Region | None = None
    offsets_deg: list[float | None] = Field(default_factory=list)
    """From the pointing to the centre of the region or map, for each observation."""
    containment: float | None = None
    """Fraction of the PSF within the ON radius at 1 TeV; of the first observation."""
    n_off: list[int] = Field(default_factory=list)
    """Number of OFF regions found for each observation."""


class Axis(_Fact):
    """An energy axis."""

    min: float | None = None
    max: float | None = None
    n: int = 0
    edges: list[float] = Field(default_factory=list)
    """In TeV; empty for a very long axis."""


class Dataset(_Fact):
    """A data set that was fitted, stacked, estimated from, looked at, or alive when the script ended."""

    number: int = 0
    """By which fits and points refer to it."""
    uses: list[str] = Field(default_factory=list)
    """What was done with it: made, fake, fit, points, stack (into another), stacked (of others), info, alive."""
    members: list[int] = Field(default_factory=list)
    """Numbers of the data sets stacked into it."""
    type: str = ""
    name: str = ""
    obs_ids: list[int | str] = Field(default_factory=list)
    stat: str = ""
    models: list[str] | None = None
    """Names of its source models; None without models at all."""
    background_model: str = ""
    has_background: bool = False
    """A predicted background of its own, which a background model would scale."""
    bins: int | None = None
    """Inside of the masks, as are the counts."""
    counts: float | None = None
    counts_off: float | None = None
    acceptance_off: float | None = None
    """Sum over the bins."""
    alpha: float | None = None
    """Mean of acceptance over acceptance_off."""
    bins_without_off: int | None = None
    """Bins with counts and no OFF counts."""
    background: float | None = None
    excess: float | None = None
    sqrt_ts: float | None = None
    """As info_dict gave it."""
    livetime_s: float | None = None
    point_like: bool | None = None
    safe_fraction: float | None = None
    """Of the bins; None without a safe mask."""
    fit_fraction: float | None = None
    used_fraction: float | None = None
    """Of the bins, inside of both masks."""
    safe_energy: tuple[float, float] | None = None
    used_energy: tuple[float, float] | None = None
    energy: Axis | None = None
    energy_true: Axis | None = None
    region: Region | None = None
    start: str = ""
    """Of its good time intervals (ISO, TT)."""
    stop: str = ""

    @property
    def on_off(self) -> bool:
        """Its background is measured."""
        return self.type.endswith("OnOff")


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
    frame: str = ""
    """Of a spatial model."""
    filename: str = ""
    """Of a template or an absorption."""


class Fit(_Fact):
    """One fit that the script asked for; those inside of makers and estimators are left out."""

    datasets: list[int] = Field(default_factory=list)
    success: bool | None = None
    optimized: bool | None = None
    covariance: bool | None = None
    """Whether the covariance was computed; None where it was not asked for."""
    message: str = ""
    backend: str = ""
    total_stat: float | None = None
    models: list[str] = Field(default_factory=list)
    parameters: list[Parameter] = Field(default_factory=list)
    largest_correlation: float | None = None
    correlated: list[str] = Field(default_factory=list)

    @property
    def free(self) -> list[Parameter]:
        """The parameters that were fitted."""
        return [parameter for parameter in self.parameters if not parameter.frozen]


class Nested(_Fact):
    """A comparison of two nested models."""

    parameters: list[str] = Field(default_factory=list)
    ts: float | None = None


class Points(_Fact):
    """What an estimator gave: flux points, a light curve, a map, or a dictionary of values."""

    type: str = ""
    """Class name of the estimator."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """By the names of Gammapy: source, energy_edges, selection_optional, n_sigma_ul, reoptimize, ..."""
    datasets: list[int] = Field(default_factory=list)
    n: int = 0
    map: bool = False
    edges: list[float] = Field(default_factory=list)
    """Energies."""
    times: list[tuple[str, str]] = Field(default_factory=list)
    """Start and stop of each bin (ISO, TT)."""
    time_scale: str = ""
    """In which the script has them."""
    selection: list[str] = Field(default_factory=list)
    """Quantities that there are, such as norm_ul."""
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
    dnde: list[float | None] = Field(default_factory=list)
    """cm-2 s-1 TeV-1."""
    flux: list[float | None] = Field(default_factory=list)
    """cm-2 s-1."""
    largest_sqrt_ts: float | None = None
    """On a map."""
    values: dict[str, float] = Field(default_factory=dict)


class Simulation(_Fact):
    """Simulated counts or events."""

    random_state: str = ""
    """The seed, `random-seed`, or the class of a random generator."""
    dataset: int | None = None


class Evaluation(_Fact):
    """A spectral model at one energy, or integrated between two."""

    kind: str = ""
    what: str = ""
    """Name of the method, such as integral."""
    energies: list[float | None] = Field(default_factory=list)
    value: float | None = None
    unit: str = ""


class CatalogueSource(_Fact):
    """A source that was looked up."""

    catalogue: str = ""
    source: str = ""


class Figure(_Fact):
    """A figure that was saved."""

    name: str = ""
    axes: int = 0
    empty: bool = False
    labels: list[str] = Field(default_factory=list)


class Facts(_Fact):
    """All that was seen of one run."""

    seen: bool = False
    """Whether there was anybody looking; without, an empty list means nothing."""
    gammapy: str = ""
    """Version; empty for a script that did not import it."""
    left_out: list[str] = Field(default_factory=list)
    """What did not fit, in bytes or in time."""
    replaced: list[str] = Field(default_factory=list)
    """Methods of Gammapy that the script replaced by its own."""
    failures: int = 0
    """What was looked at in vain."""
    seconds: float = 0.0
    """What looking took."""
    selections: list[Selection] = Field(default_factory=list)
    cones: list[Cone] = Field(default_factory=list)
    observations: list[Observation] = Field(default_factory=list)
    logged: list[str] = Field(default_factory=list)
    """Warnings of Gammapy about observations, regions and masks."""
    makings: list[Making] = Field(default_factory=list)
    datasets: list[Dataset] = Field(default_factory=list)
    background_models: list[str] = Field(default_factory=list)
    """Data sets named by each FoVBackgroundModel that the script made."""
    fits: list[Fit] = Field(default_factory=list)
    n_fits: int = 0
    n_failed_fits: int = 0
    nested: list[Nested] = Field(default_factory=list)
    points: list[Points] = Field(default_factory=list)
    simulations: list[Simulation] = Field(default_factory=list)
    models: list[Parameter] = Field(default_factory=list)
    """Parameters of models alive at the end."""
    evaluations: list[Evaluation] = Field(default_factory=list)
    lookups: list[dict[str, str]] = Field(default_factory=list)
    """IRFs at one place: irf, what (method), and its arguments (offset, energy_true, ...) as text with units."""
    catalogue: list[CatalogueSource] = Field(default_factory=list)
    figures: list[Figure] = Field(default_factory=list)

    def dataset(self, number: int) -> Dataset | None:
        """The data set of a number, if it was kept."""
        return next((dataset for dataset in self.datasets if dataset.number == number), None)


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
