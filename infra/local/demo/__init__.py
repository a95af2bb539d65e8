"""The demo: real flights, scored as they are about to depart, until a drift alert arrives.

The model learns from January to March 2013 whether a flight will arrive more than fifteen minutes late, from what is
known at its scheduled departure. Then days of summer are sent hour by hour, with the clock running fast.
"""
