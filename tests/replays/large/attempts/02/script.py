"""Spectrum-free look at the runs: how long, and when."""

import json
import os
from pathlib import Path

from gammapy.data import DataStore

data_store = DataStore.from_dir(Path(os.environ["GAMMAPY_DATA"]) / "dl3-simulated")
observations = data_store.get_observations(required_irf=[])
livetime = sum(observation.observation_live_time_duration.to_value("h") for observation in observations)
zenith = [float(observation.pointing.fixed_icrs.dec.to_value('deg')) for observation in observations]
result = {"livetime_h": float(livetime), "n_runs": len(observations)}
result["_meta"] = {"units": {"livetime_h": "h"}}
Path("result.json").write_text(json.dumps(result))
