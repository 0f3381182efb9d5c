from tests.index.lexical.words import *  # noqa: F403
