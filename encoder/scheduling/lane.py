"""Lanes: who waits for whom when the encoder is busy. Knows neither threads nor texts."""

from enum import IntEnum


class Lane(IntEnum):
    """What a call is for; a lower lane goes first."""

    QUERY = 0
    INTERACTIVE = 1
    BACKGROUND = 2
