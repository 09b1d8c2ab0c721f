# Import necessary modules
import os
import json
from gammapy.data import DataStore
from gammapy.datasets import SpectrumDataset
from gammapy.scripts import DataSelector
from gammapy.utils.table import Table

# Define the data store path
data_store_path = os.getenv('GAMMAPY_DATA', 'path/to/gammapy/data')

# Define the dataset name
dataset_name = 'dl3-simulated'

# Create a data store
data_store = DataStore.from_dir(data_store_path)

# Create a data selector
data_selector = DataSelector(data_store=data_store, observation_ids=[1, 2, 3, 4])

# Read the data
obs_data = data_selector.read()

# Filter out runs with no data
obs_data = obs_data[obs_data['obs_id'].notnull()]

# Calculate the live time of each run
livetime_hours = obs_data.groupby('obs_id')['live_time'].sum().values

# Sum the live times of all runs
total_livetime_hours = livetime_hours.sum()

# Count the number of events in all runs
n_events = obs_data['events'].sum().values

# Create the result dictionary
result = {
    "livetime_h": total_livetime_hours,
    "n_events": n_events
}

# Write the results to result.json
with open('result.json', 'w') as f:
    json.dump(result, f, indent=4)

# Print a success message
print("Result written to result.json")
