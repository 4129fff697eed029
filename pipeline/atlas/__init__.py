"""Small maps as SVG, of outlines that are installed along: no tiles, no script, no network.

>>> gao = Spot("Gao", lat=16.27, lon=-0.04, iso2="ML")
>>> in_words([gao, Spot("Bankass", lat=14.08, lon=-3.52, iso2="ML"), Spot("", lat=13.5, lon=2.1)])
'Bankass and Gao in Mali; 1 point without a name'
>>> str(draw([gao], label="Map: " + in_words([gao])))[:51]
'<svg class="map" viewBox="0 0 400 250" role="img" a'
"""

from pipeline.atlas.drawing import CAVEAT, Spot, draw, in_words

__all__ = ["CAVEAT", "Spot", "draw", "in_words"]
