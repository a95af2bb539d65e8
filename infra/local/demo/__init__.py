"""The demo: real flights, scored as they are about to depart, until it is decided what to do about their model.

The model learns from January to March 2013 whether a flight will arrive more than fifteen minutes late, from what is
known at its scheduled departure. Then days of summer are sent hour by hour, with the clock running fast, and a challenger
that learned from the end of March is asked the same behind the scenes.
"""
