"""Sealed hours and actuals -> versioned datasets: what was asked for, what was taken, and how it was checked.

A build goes plan -> days -> dataset, and each step stores what it found, so that whoever comes next goes on from there. What
rows are taken is written once, as Ibis expressions; an engine runs them. Everything that numbers depend on is counted in
integers and ordered by hashes of ids, so that every engine, and every machine, takes the same rows.
"""
