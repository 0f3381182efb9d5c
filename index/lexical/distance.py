"""Distance: how many letters of one word are others in another one."""


def edit_distance(one: str, other: str, *, most: int) -> int | None:
    """How many letters to insert, leave out, replace or swap with their neighbours; None beyond
    `most`.

    Optimal string alignment (Boytsov 2011, section 2.1), row by row: the distance that tantivy's
    fuzzy terms have.
    """
    if abs(len(one) - len(other)) > most or len({*one} ^ {*other}) > 2 * most:
        return None
    before, last = list[int](), list(range(len(other) + 1))
    for at, letter in enumerate(one, start=1):
        row = [at]
        for place, beside in enumerate(other, start=1):
            cost = min(last[place] + 1, row[place - 1] + 1, last[place - 1] + (letter != beside))
            swapped = at > 1 and place > 1 and letter == other[place - 2]
            if swapped and one[at - 2] == beside:
                cost = min(cost, before[place - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return None
        before, last = last, row
    return last[-1] if last[-1] <= most else None
