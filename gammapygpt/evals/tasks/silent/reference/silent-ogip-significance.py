import json, os
from gammapy.datasets import Datasets, SpectrumDatasetOnOff

folder = os.path.join(os.environ["GAMMAPY_DATA"], "joint-crab", "spectra", "hess")
files = [os.path.join(folder, f"pha_obs{obs_id}.fits") for obs_id in (23523, 23526, 23559, 23592)]
# reading sets the safe mask from QUALITY and the acceptance from BACKSCAL
datasets = Datasets([SpectrumDatasetOnOff.read(file) for file in files])
row = datasets.info_table(cumulative=True)[-1]
result = {
    "n_on": int(row["counts"]),
    "n_off": int(row["counts_off"]),
    "excess": float(row["excess"]),
    "significance": float(row["sqrt_ts"]),
}
print(result)
json.dump(result, open("result.json", "w"))
