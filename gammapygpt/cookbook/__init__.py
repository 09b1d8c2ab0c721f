"""cookbook"""
