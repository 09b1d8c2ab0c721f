# wrong: one of a list of makers, without the containment correction.
# right: SpectrumDatasetMaker(containment_correction=True, ...).
# fault: containment
# written: after the rules
# request: Observed power-law spectrum of PKS 2155-304 during its flare, H.E.S.S. DL3 DR1 runs 33789 and 33790
#   ($GAMMAPY_DATA/hess-dl3-dr1): ON circle of 0.11 deg radius at RA 329.7169 deg, Dec -30.2256 deg (ICRS), reflected
#   regions (exclude 0.3 deg around the source), reconstructed energies 0.6-10 TeV, reference energy 1 TeV. Write
#   result.json with "index" and "amplitude" (cm-2 s-1 TeV-1).

"""PKS 2155-304 with Gammapy's makers."""

import json
import os
from pathlib import Path

from astropy.coordinates import Angle, SkyCoord
from gammapy.data import DataStore
from gammapy.datasets import Datasets, SpectrumDataset
from gammapy.makers import DatasetsMaker, ReflectedRegionsBackgroundMaker, SafeMaskMaker, SpectrumDatasetMaker
from gammapy.maps import MapAxis, RegionGeom, WcsGeom
from gammapy.modeling import Fit
from gammapy.modeling.models import Models, PowerLawSpectralModel, SkyModel
from regions import CircleSkyRegion

TARGET = SkyCoord("21h58m52.06s", "-30d13m32.2s")
RUNS = [33789, 33790]


def make_datasets():
    store = DataStore.from_dir(Path(os.environ["GAMMAPY_DATA"], "hess-dl3-dr1"))
    observations = store.get_observations(RUNS)
    region = CircleSkyRegion(center=TARGET, radius=Angle("0.11 deg"))
    geom_mask = WcsGeom.create(skydir=TARGET, binsz=0.02, width=7, proj="TAN")
    mask = geom_mask.region_mask([CircleSkyRegion(TARGET, Angle("0.3 deg"))], inside=False)
    energy = MapAxis.from_energy_bounds("0.6 TeV", "10 TeV", nbin=12)
    energy_true = MapAxis.from_energy_bounds("0.1 TeV", "50 TeV", nbin=40, name="energy_true")
    empty = SpectrumDataset.create(RegionGeom.create(region, axes=[energy]), energy_axis_true=energy_true)
    makers = [
        SpectrumDatasetMaker(selection=["counts", "exposure", "edisp"]),
        ReflectedRegionsBackgroundMaker(exclusion_mask=mask),
        SafeMaskMaker(methods=["aeff-max"], aeff_percent=10),
    ]
    return DatasetsMaker(makers, stack_datasets=False).run(empty, observations)


def main():
    datasets = Datasets(make_datasets())
    model = SkyModel(
        spectral_model=PowerLawSpectralModel(index=3, amplitude="1e-10 cm-2 s-1 TeV-1", reference="1 TeV"),
        name="PKS2155",
    )
    datasets.models = Models([model])
    fit_result = Fit().run(datasets=datasets)
    print(fit_result)
    spectrum = model.spectral_model
    output = {}
    output["index"] = spectrum.index.value
    output["amplitude"] = spectrum.amplitude.quantity.to("cm-2 s-1 TeV-1").value
    Path("result.json").write_text(json.dumps(output))


if __name__ == "__main__":
    main()
