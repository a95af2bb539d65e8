"""Datasets, on the engines that build them."""
