"""Function words: what holds sentences together, and says little of what is searched for.

Tantivy's list of English stop words is Lucene's: 33 articles, prepositions and forms of *to be*.
Its lists of other languages have pronouns, auxiliaries and question words, too. Those of English
stay in the index, where phrases need them, and count less in a query. So "what are the symptoms of
anemia" is about symptoms and anemia, although few documents have a *what*.
"""

from molt.index.lexical.analysis import Analysis

FUNCTION_WEIGHT = 0.2
"""What such a word of a query scores of what another one would; see docs/lexical.md."""

_ENGLISH = frozenset(
    word
    for words in (
        "i me my we our you your he him his she her its them",
        "what which who whom whose when where why how those am were been being",
        "have has had do does did can could may should would about from",
        "ll re ve",  # what an apostrophe leaves
    )
    for word in words.split()
)


def function_words(analysis: Analysis) -> frozenset[str]:
    """Those of a language, before they are stemmed; none where stop words are set."""
    is_english = analysis.language == "english" and analysis.stop_words is None
    return _ENGLISH if is_english else frozenset()
