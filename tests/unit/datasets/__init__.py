"""Datasets: recipes, requests, and everything that is counted without a client."""
