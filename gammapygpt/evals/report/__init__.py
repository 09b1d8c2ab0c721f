"""The report of a campaign: one page that needs nothing else, and Markdown. Start at `write.write_report`."""
