import pytest

from molt.index.files.text.markup import has_markup, strip_markup


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("<p>Warm <b>boots</b></p><p>dry&nbsp;&amp; light</p>", "Warm boots\ndry & light"),
        ("3 < 5 and 7 > 2", "3 < 5 and 7 > 2"),
        ("a <script>var x = '<p>';</script>b<!-- c -->d", "a b d"),
        ("one<br/>two<BR>three", "one\ntwo\nthree"),
        ('<a href="x?a=1&b=2">link</a> &#8364; &euro; &lt;b&gt;', "link € € <b>"),
        ("<ul><li>a</li><li>b</li></ul>", "a\nb"),
        ("a<style>p {}", "a"),
        ("plain\ntext", "plain\ntext"),
        ("x <y and <", "x <y and <"),
    ],
)
def test_words_stay_and_markup_goes(text: str, plain: str) -> None:
    assert strip_markup(text) == plain


def test_a_tag_is_seen_and_a_comparison_is_none() -> None:
    assert has_markup("<p>x</p>")
    assert not has_markup("a < b, <x> & c")
