"""The model card: what a person who finds the directory should know."""

import re
from pathlib import Path

from molt.encoder import Checkpoint, ModelKind

_LICENSE = re.compile(r"^license: *([\w.-]+) *$", re.MULTILINE)

_CARD = """---
library_name: sentence-transformers
pipeline_tag: sentence-similarity
{license}tags:
- sentence-transformers
- molt
---

# Molt checkpoint {id}

An encoder of texts into vectors of {dimension} numbers, L2-normalised, for search by inner
product. Made from {base_model}{parent}.

- pooling: {pooling}
- maximum length: {max_length} tokens
- prompt for queries: {query!r}
- prompt for documents: {document!r}

```python
from sentence_transformers import SentenceTransformer

model = SentenceTransformer("path/of/this/directory")
queries = model.encode(["what is asked"], prompt_name="query")
documents = model.encode(["what is searched"], prompt_name="document")
```

`runtime/` holds exported graphs that Molt serves without torch, and `checkpoint.json` their
measured fidelity and speed, with the SHA-256 of every file.
"""

_PAIR_CARD = """---
library_name: sentence-transformers
pipeline_tag: text-ranking
{license}tags:
- sentence-transformers
- cross-encoder
- molt
---

# Molt checkpoint {id}

A cross-encoder: it reads a query and a text together and says how likely the text answers the
query, to re-rank what a search has found. Made from {base_model}{parent}.

- maximum length: {max_length} tokens of both together

```python
from sentence_transformers import CrossEncoder

model = CrossEncoder("path/of/this/directory", max_length={max_length})
model.predict([("what is asked", "what is searched")])
```

`runtime/` holds exported graphs that Molt serves without torch, and `checkpoint.json` their
measured fidelity and speed, with the SHA-256 of every file.
"""


def write_card(checkpoint: Checkpoint, *, source: Path) -> None:
    """Write `README.md` into `checkpoint`, under the license that `source` names, if it does."""
    known = source / "README.md"
    text = known.read_text(encoding="utf-8", errors="replace") if known.exists() else ""
    named = _LICENSE.search(text)
    template = _PAIR_CARD if checkpoint.kind is ModelKind.CROSS_ENCODER else _CARD
    card = template.format(
        license=f"license: {named[1]}\n" if named else "",
        id=checkpoint.id,
        dimension=checkpoint.dimension,
        base_model=checkpoint.base_model,
        parent=f", after checkpoint {checkpoint.parent}" if checkpoint.parent else "",
        pooling=checkpoint.pooling,
        max_length=checkpoint.max_length,
        query=checkpoint.prompts.query,
        document=checkpoint.prompts.document,
    )
    (checkpoint.path / "README.md").write_text(card, encoding="utf-8")
