# wrong: the livetime of each run is looked up in a dictionary under a key that is not there; the default of 28
#   minutes is summed up.
# right: observation.observation_live_time_duration.
# fault: default|constant|get|livetime
# written: after the rules
# request: Total livetime in hours of H.E.S.S. DL3 DR1 runs 23523, 23526, 23559 and 23592
#   ($GAMMAPY_DATA/hess-dl3-dr1), and their number. Write result.json with "n_obs" and "livetime_h".

import json
import os

from gammapy.data import DataStore

store = DataStore.from_dir(os.path.join(os.environ["GAMMAPY_DATA"], "hess-dl3-dr1"))
observations = store.get_observations([23523, 23526, 23559, 23592])
minutes = 0.0
for observation in observations:
    info = observation.events.table.meta
    minutes += info.get("LIVE_TIME_MINUTES", 28.0)
with open("result.json", "w") as file:
    json.dump({"n_obs": len(observations), "livetime_h": minutes / 60}, file)
