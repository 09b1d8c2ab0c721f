"""Types that neither source nor docstrings of Gammapy give, and that scripts use in almost every line.

Part of `introspect.py`. Names are classes of Gammapy; `|` separates alternatives. What an installed version does not
have is left out, so one table serves all versions.
"""

from __future__ import annotations

OPAQUE = {"astropy", "numpy", "pathlib"}
"""Packages whose classes are known by name alone: their objects answer for more than can be listed."""

_MODELS = "gammapy.modeling.models.DatasetModels"
_PARAMETERS = "gammapy.modeling.Parameters"
_MAP = "gammapy.maps.Map"

MEMBERS = {
    ("MapDataset", "counts"): _MAP,
    ("MapDataset", "exposure"): _MAP,
    ("MapDataset", "background"): _MAP,
    ("MapDataset", "mask"): _MAP,
    ("MapDataset", "mask_safe"): _MAP,
    ("MapDataset", "mask_fit"): _MAP,
    ("MapDataset", "counts_off"): _MAP,
    ("MapDataset", "acceptance"): _MAP,
    ("MapDataset", "acceptance_off"): _MAP,
    ("MapDataset", "excess"): _MAP,
    ("MapDataset", "alpha"): _MAP,
    ("MapDataset", "models"): _MODELS,
    ("MapDataset", "psf"): "gammapy.irf.IRFMap|gammapy.irf.PSFKernel",
    ("MapDataset", "gti"): "gammapy.data.GTI",
    ("Dataset", "models"): _MODELS,
    ("Datasets", "models"): _MODELS,
    ("Datasets", "parameters"): _PARAMETERS,
    ("Observation", "events"): "gammapy.data.EventList",
    ("Observation", "gti"): "gammapy.data.GTI",
    ("Observation", "pointing"): "gammapy.data.FixedPointingInfo",
    ("Observation", "aeff"): "gammapy.irf.IRF|gammapy.maps.Map|gammapy.irf.IRFMap",
    ("Observation", "edisp"): "gammapy.irf.IRF|gammapy.irf.IRFMap|gammapy.irf.EDispKernel",
    ("Observation", "psf"): "gammapy.irf.IRF|gammapy.irf.IRFMap",
    ("Observation", "bkg"): "gammapy.irf.IRF|gammapy.maps.Map",
    ("Observation", "tmid"): "astropy.time.Time",
    ("Observation", "tstart"): "astropy.time.Time",
    ("Observation", "tstop"): "astropy.time.Time",
    ("DataStore", "obs_table"): "gammapy.data.ObservationTable",
    ("DataStore", "hdu_table"): "gammapy.data.HDUIndexTable",
    ("EventList", "time"): "astropy.time.Time",
    ("Map", "geom"): "gammapy.maps.Geom",
    ("Map", "quantity"): "astropy.units.Quantity",
    ("Geom", "axes"): "gammapy.maps.MapAxes",
    ("FluxMaps", "geom"): "gammapy.maps.Geom",
    ("ModelBase", "parameters"): _PARAMETERS,
    ("SkyModel", "parameters"): _PARAMETERS,
    ("SkyModel", "covariance"): "gammapy.modeling.Covariance",
    ("SkyModel", "spectral_model"): "gammapy.modeling.models.SpectralModel",
    ("SkyModel", "spatial_model"): "gammapy.modeling.models.SpatialModel",
    ("SkyModel", "temporal_model"): "gammapy.modeling.models.TemporalModel",
    ("DatasetModels", "parameters"): _PARAMETERS,
    ("DatasetModels", "covariance"): "gammapy.modeling.Covariance",
    ("FitResult", "parameters"): _PARAMETERS,
    ("FitResult", "models"): _MODELS,
    ("FitResult", "optimize_result"): "gammapy.modeling.fit.OptimizeResult",
    ("FitResult", "covariance_result"): "gammapy.modeling.fit.CovarianceResult",
    ("OptimizeResult", "minuit"): "iminuit.Minuit",
    ("Parameter", "quantity"): "astropy.units.Quantity",
    ("IRF", "axes"): "gammapy.maps.MapAxes",
    ("IRF", "data"): "numpy.ndarray",
    ("IRF", "quantity"): "astropy.units.Quantity",
    ("Map", "data"): "numpy.ndarray",
    ("Analysis", "config"): "gammapy.analysis.AnalysisConfig",
    ("Analysis", "datasets"): "gammapy.datasets.Datasets",
    ("Analysis", "observations"): "gammapy.data.Observations",
    ("Analysis", "models"): _MODELS,
    ("Analysis", "fit"): "gammapy.modeling.Fit",
    ("Analysis", "fit_result"): "gammapy.modeling.fit.FitResult",
    ("Analysis", "flux_points"): "gammapy.datasets.FluxPointsDataset",
    ("Analysis", "data_store"): "gammapy.data.DataStore",
    ("FluxPointsDataset", "data"): "gammapy.estimators.FluxPoints",
}
"""Type of an attribute, by the class (or a base of it) and name."""

_FLUXES = "dnde flux eflux e2dnde norm norm_err norm_ul dnde_err dnde_errn dnde_errp dnde_ul flux_err flux_ul eflux_err"
for (
    _name
) in f"{_FLUXES} e2dnde_err e2dnde_ul sqrt_ts ts npred npred_excess npred_background is_ul counts success".split():
    MEMBERS["FluxMaps", _name] = _MAP

RETURNS = {
    ("Fit", "run"): "gammapy.modeling.fit.FitResult",
    ("Fit", "optimize"): "gammapy.modeling.fit.OptimizeResult",
    ("Fit", "covariance"): "gammapy.modeling.fit.CovarianceResult",
    ("DataStore", "get_observations"): "gammapy.data.Observations",
    ("DataStore", "obs"): "gammapy.data.Observation",
    ("Datasets", "stack_reduce"): "gammapy.datasets.Dataset",
    ("DatasetsMaker", "run"): "gammapy.datasets.Datasets",
    ("FluxPointsEstimator", "run"): "gammapy.estimators.FluxPoints",
    ("LightCurveEstimator", "run"): "gammapy.estimators.FluxPoints",
    ("FluxProfileEstimator", "run"): "gammapy.estimators.FluxPoints",
    ("ExcessMapEstimator", "run"): "gammapy.estimators.FluxMaps",
    ("TSMapEstimator", "run"): "gammapy.estimators.FluxMaps",
    "load_irf_dict_from_file": {
        "aeff": "gammapy.irf.EffectiveAreaTable2D",
        "psf": "gammapy.irf.PSF3D|gammapy.irf.EnergyDependentMultiGaussPSF|gammapy.irf.PSFKing",
        "edisp": "gammapy.irf.EnergyDispersion2D",
        "bkg": "gammapy.irf.Background3D|gammapy.irf.Background2D",
        "rad_max": "gammapy.irf.RadMax2D",
    },
}
"""Type that a method returns, by the class (or a base of it) and name; functions by their name alone."""

DICTIONARIES = {("Dataset", "info_dict")}
"""Methods that give a dictionary whose keys are written out in the sources of the class and of those below."""

DISTRUSTED = {
    ("FixedPointingInfo", "read"),
    ("FluxMaps", "stat_scan"),
    ("HpxGeom", "cutout"),
    ("MapDatasetEventSampler", "sample_sources"),
    ("Model", "create"),
    ("SpatialModel", "evaluate_geom"),
}
"""Methods and properties whose docstring names another type than they give, in one of the versions that were tried."""

NO_SUBSTITUTES = {"DatasetsActor", "MapDatasetActor"}
"""Classes that nothing gives unless it is asked for by name."""

OPEN = {"Workflow"}
"""Classes whose objects get attributes from elsewhere."""

ELEMENTS = {
    "Observations": "gammapy.data.Observation",
    "Datasets": "gammapy.datasets.Dataset",
    "DatasetModels": "gammapy.modeling.models.ModelBase",
    "Models": "gammapy.modeling.models.ModelBase",
    "FluxMaps": _MAP,
    "Maps": _MAP,
    "Parameters": "gammapy.modeling.Parameter",
    "MapAxes": "gammapy.maps.MapAxis|gammapy.maps.TimeMapAxis|gammapy.maps.LabelMapAxis",
    "SourceCatalog": "gammapy.catalog.SourceCatalogObject",
}
"""Type of what iteration and square brackets give."""

PASSING_ON = {
    "ReflectedRegionsBackgroundMaker": "gammapy.datasets.SpectrumDatasetOnOff",
    "PhaseBackgroundMaker": "OnOff",
    "RingBackgroundMaker": "gammapy.datasets.MapDatasetOnOff",
    "AdaptiveRingBackgroundMaker": "gammapy.datasets.MapDatasetOnOff",
}
"""Makers whose `run` gives another kind of data set than it was given; all others pass on what they got."""
