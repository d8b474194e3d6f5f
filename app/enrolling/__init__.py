"""Enrol parties, sites, products, devices, keys and documents; each keeps its history."""
