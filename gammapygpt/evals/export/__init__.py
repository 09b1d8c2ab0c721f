"""Campaigns in the formats of others."""
