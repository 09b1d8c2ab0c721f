"""Does a number come from the quantity that its key names, in the unit and over the energies that the key says?

`livetime` from the ONTIME column, an excess from which no background was subtracted, an energy flux in TeV where erg
was asked: right numbers of the run under the wrong name. Where the script does arithmetic in between, nothing is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from gammapygpt.checks.provenance.origins import Origin
from gammapygpt.cookbook.about import About
from gammapygpt.cookbook.keys import ABOVE_TO, KEY_UNITS, Quantity, quantity, unit_in
from gammapygpt.cookbook.reading import Wanted
from gammapygpt.state import Finding, Severity

ABOUT = About(vocabulary=["counts", "lists", "regions", "spectrum", "cube"])
"""Everything that a key may be the name of."""


class Mixed(NamedTuple):
    """What a quantity is taken for."""

    wrong: frozenset[str]
    """Names that stand for something else."""
    right: frozenset[str]
    """Names that make it right all the same."""
    what: str
    severity: Severity = "error"


def mixed(wrong: str, right: str, what: str, severity: Severity = "error") -> Mixed:
    """A row of the table, from words."""
    return Mixed(frozenset(wrong.split()), frozenset(right.split()), what, severity)


LIVE = "LIVETIME observation_live_time_duration livetime"
ENDS = {"TSTOP", "tstop", "time_stop", "TIME-END", "tstops"}
ON = "ONTIME observation_time_duration time_sum time_delta ontime"
MIXED: dict[str, Mixed] = {
    "livetime": mixed(ON, LIVE, "the time without correction for dead time"),
    "ontime": mixed(LIVE, ON, "the livetime, which is corrected for dead time"),
    "energy_flux": mixed("integral flux", "energy_flux eflux e2dnde", "a photon flux, not an energy flux"),
    "flux": mixed(
        "energy_flux eflux e2dnde amplitude dnde norm Flux_Map",
        "integral flux",
        "not an integral photon flux over that range",
    ),
    "cutoff": mixed("lambda_", "e_cut ecut cutoff", "the inverse of a cut-off energy"),
    "n_on": mixed("counts_off n_off", "counts n_on", "the OFF counts"),
    "n_off": mixed("counts n_on", "counts_off n_off", "the ON counts"),
    "excess": mixed(
        "counts n_on", "excess n_sig npred_signal npred_excess", "counts from which no background was subtracted"
    ),
    "background": mixed(
        "counts_off n_off", "background n_bkg npred_background alpha", "OFF counts that alpha has not scaled", "warning"
    ),
    "significance": mixed("ts delta_ts", "sqrt_ts significance", "TS, the square of a significance"),
    "mean_zenith": mixed("ALT_PNT alt altitude", "ZEN_PNT zen zenith", "the altitude, which is 90 deg less the zenith"),
    "ra": mixed("lat_0 dec b l glat glon", "lon_0 ra", "not a right ascension"),
    "dec": mixed("lon_0 ra l b glat glon", "lat_0 dec", "not a declination"),
}
PARAMETERS = {"index", "amplitude", "lambda_", "alpha", "beta", "sigma", "r_0", "lon_0", "lat_0", "norm", "reference"}
VALUES = {"value", "quantity"}
REFERENCE = {"create_crab_spectral_model", "CrabSpectrum"}
ABOUT_REFERENCE = re.compile(r"(?i)ref|liter|known|expect|publish|catalog|crab|standard|nominal|true|template")
LIMIT = re.compile(r"(?i)(?:^|_)(?:ul|upper)(?:_|$)|upper_?limit")
LIMITS = re.compile(r"(?i)(?:^|_)ul(?:_|$)|upper|limit|percentile|quantile|ppf|isf|root|brentq|interp|profile|sensitiv")
"""Names of what may well be an upper limit."""
BEST_FIT = {"integral", "flux", "dnde", "amplitude", "energy_flux", "norm", "excess", "n_sig"}
SUMS = {"sum", "nansum", "fsum", "cumsum"}
SIMPLE_SIGNIFICANCE = "divided by sqrt"


def check_meaning(key: str, value: Origin, wanted: Mapping[str, Wanted], selects: bool = False) -> Iterator[Finding]:
    """What a computed value is, against what its key says that it is.

    Parameters
    ----------
    key
        Of `result.json`.
    value
        Where it comes from.
    wanted
        What is said about each key.
    selects
        Whether the script selects observations in the index table.
    """
    yield from whole_table(key, value, selects)
    asked = wanted.get(key, Wanted(key=key))
    try:
        meant = quantity(key, asked.meaning, asked.unit, ABOUT)
    except ValueError:
        meant = None
    yield from no_measurement(key, value, asked)
    if meant is not None and meant.name == "livetime" and ENDS & value.parts and not value.parts & set(LIVE.split()):
        text = f"`{key}` is the time from a start to an end, not the livetime: pauses and dead time are in it."
        yield _finding("result-quantity", text, "Sum LIVETIME, or observation_live_time_duration.", key)
    if meant is not None and value.path:
        yield from other_quantity(key, value, meant)
        yield from other_energies(key, value, meant)
    if value.unit:
        yield from other_unit(key, value.unit, asked)


def other_quantity(key: str, value: Origin, meant: Quantity) -> Iterator[Finding]:
    """Names behind the value that stand for another quantity, and none that stands for this one."""
    names = set(value.path)
    shown = ".".join(value.path[-4:])
    if meant.name.endswith("_error"):
        plain = len(value.path) > 1 and value.path[-1] in VALUES and value.path[-2] in PARAMETERS
        if plain:
            yield _finding("result-quantity", f"`{key}` is `{shown}`, a value, not its error.", "Write `.error`.", key)
        return
    if meant.name == "significance" and SIMPLE_SIGNIFICANCE in names:
        text = f"`{key}` is an excess divided by the root of counts, not a likelihood-ratio significance (Li & Ma)."
        remedy = "Use the data set's info_dict()['sqrt_ts'], or WStatCountsStatistic(n_on, n_off, alpha).sqrt_ts."
        yield _finding("result-quantity", text, remedy, key, "warning")
    if meant.name == "significance" and adds_up(value.path):
        text = f"`{key}` is `{shown}`: significances of runs or bins do not add up."
        remedy = "Sum counts, OFF counts and acceptances, and take the significance of the sum (stack_reduce, or the"
        remedy += " last row of info_table(cumulative=True))."
        yield _finding("result-quantity", text, remedy, key)
    row = MIXED.get(meant.name)
    if row is None or (meant.name == "flux" and len(meant.arguments) != 2):
        return
    if names & row.wrong and not names & row.right:
        text = f"`{key}` is `{shown}`: {row.what}."
        yield _finding("result-quantity", text, f"Write what `{key}` names.", key, row.severity)


def adds_up(path: tuple[str, ...]) -> bool:
    """Whether a sum is taken over significances."""
    names = [place for place, name in enumerate(path) if name in ("sqrt_ts", "significance")]
    return bool(names) and bool(SUMS & set(path[names[-1] + 1 :]))


def no_measurement(key: str, value: Origin, asked: Wanted) -> Iterator[Finding]:
    """The reference spectrum that comes with Gammapy, or a best fit where an upper limit is named."""
    names, shown = set(value.path), ".".join(value.path[-4:])
    if names & REFERENCE and not ABOUT_REFERENCE.search(f"{key} {asked.meaning}"):
        text = f"`{key}` is that of the reference spectrum of the Crab nebula which comes with Gammapy (`{shown}`)."
        yield _finding("result-quantity", text, "Write the number of the model that was fitted to the data.", key)
    if LIMIT.search(key) and names & BEST_FIT and not any(map(LIMITS.search, value.path)):
        text = f"`{key}` is `{shown}`, a best-fit value, not an upper limit."
        yield _finding("result-quantity", text, "Take it from selection_optional=['ul'] of an estimator.", key)


def whole_table(key: str, value: Origin, selects: bool) -> Iterator[Finding]:
    """A column of all observations, in a script that selects some."""
    columns = [
        place for place, name in enumerate(value.path[:-1]) if name == "obs_table" and value.path[place + 1].isupper()
    ]
    if selects and columns:
        text = (
            f"`{key}` is `{'.'.join(value.path[columns[0] : columns[0] + 3])}` of all observations of the data store."
        )
        remedy = "Take it from the selected rows: the script makes a selection, and does not use it here."
        yield _finding("result-quantity", text, remedy, key)


def other_energies(key: str, value: Origin, meant: Quantity) -> Iterator[Finding]:
    """A flux over other energies than its key says."""
    energies = [one for one in meant.arguments if isinstance(one, float)]
    integrated = {"integral", "energy_flux"} & set(value.path)
    if len(energies) != 2 or len(value.given) < 2 or not integrated:
        return
    low, high = value.given[:2]
    above = energies[1] >= ABOVE_TO
    if not close(low, energies[0]) or not (above or close(high, energies[1])):
        told = f"above {energies[0]:g} TeV" if above else f"over {energies[0]:g} to {energies[1]:g} TeV"
        text = f"`{key}` is integrated over {low:g} to {high:g} TeV, and should be {told}."
        yield _finding("result-energies", text, "Integrate over the energies that the key names.", key)


def other_unit(key: str, unit: str, asked: Wanted) -> Iterator[Finding]:
    """A value in another unit than the request, or the key's own ending, says."""
    explicit = unit_asked(key, asked)
    last = key.removesuffix("_err").rpartition("_")[2]
    ending = KEY_UNITS.get(last, last if re.fullmatch(r"[kMGTP]?eV|c?m2", last) else "")
    for wanted, sure in ((explicit, True), (ending, False)):
        factor = conversion(unit, wanted) if wanted else 1.0
        if factor is None and not sure:
            continue
        if factor is None or not close(factor, 1.0):
            by = f", {factor:.4g} times too small or large" if factor else ", which measures something else"
            text = f"`{key}` is written in {unit}, and {wanted} is wanted{by}."
            yield _finding("result-unit", text, f"Convert it: .to_value({wanted!r}).", key)
            return


def unit_asked(key: str, asked: Wanted) -> str:
    """The unit that a request gives for a key; none for what has none, such as an index beside an amplitude."""
    by_name = quantity(key, "", "", ABOUT)
    return "" if by_name is not None and not by_name.unit else asked.unit or unit_in(asked.meaning)


def conversion(unit: str, wanted: str) -> float | None:
    """Factor from one unit to another; 1 where one of them is no unit, None where they measure different things."""
    from astropy import units as u

    try:
        one, other = u.Unit(unit), u.Unit(wanted)
    except (ValueError, TypeError):
        return 1.0
    try:
        return float(one.to(other))
    except u.UnitConversionError:
        return None


def close(one: float, other: float) -> bool:
    """Equal but for rounding."""
    return abs(one - other) <= 1e-6 * max(abs(one), abs(other))


def _finding(rule: str, text: str, remedy: str, key: str, severity: Severity = "error") -> Finding:
    return Finding(
        gate="physics", kind="wrong_value", rule=rule, severity=severity, message=text, remedy=remedy, key=key
    )
