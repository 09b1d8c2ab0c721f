import numpy as np
import gammapy.scripts.data_selection as ds
from gammapy.datasets import SpectrumDatasetMaker
from gammapy.modeling import Models

# Load the DL3 data
data = ds.DataSelector('dl3-simulated')

# Set up the model
model = Models()

# Set up the SpectrumDatasetMaker
dataset_maker = SpectrumDatasetMaker(model=model)

# Select observations based on position (cone search)
cone_radius = 0.1  # degrees
cone_center = (0, 0)  # (longitude, latitude) in degrees
dataset = dataset_maker.run(data, cone_radius=cone_radius, cone_center=cone_center)

# Calculate the live time of each run
live_times = dataset['livetime'].value / 3600  # convert to hours

# Sum the live times of all runs
total_livetime = np.sum(live_times)

# Count the number of events in all runs
n_events = dataset['events'].counts.sum()

# Write the results to result.json
results = {
    "livetime_h": total_livetime,
    "n_events": n_events
}

with open('result.json', 'w') as f:
    f.write(json.dumps(results, indent=4))
