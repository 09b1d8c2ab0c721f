"""What the records of a campaign say: rates and how sure they are, costs, and differences between configurations.

Pure functions over `list[Record]`; the formulas are those of scipy and statsmodels. Start at `campaign.statistics`.
"""
