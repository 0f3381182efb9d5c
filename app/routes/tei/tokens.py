"""`/tokenize`, `/decode` and `/embed_all`: tokens of the model `default`, and their vectors.

None of it happens on the event loop, and what an answer may hold is bounded before it is made.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
from fastapi import Request
from numpy.typing import NDArray

from molt.app.http.admission import Bulkhead
from molt.app.http.answers import Json, encode
from molt.app.http.auth import Access, allow
from molt.app.http.caller import caller_of
from molt.app.http.failures import InvalidRequestError, TextTooLongError, Violation
from molt.app.http.interest import run_while_wanted
from molt.app.http.route import admission_of, new_router, within
from molt.app.http.scope import KeyScope, scoped
from molt.app.http.validation import require
from molt.app.routes.tei.schemas import DecodeBody, EmbedAllBody, SimpleToken, TokenizeBody
from molt.app.service import Service, service_of
from molt.encoder.encoder import InputType, Lane
from molt.encoder.tokens import Token
from molt.index.catalog.aliases import DEFAULT

router = new_router("tei")

_Body = TypeVar("_Body")

_TOKEN_BYTES = 64
"""About what a token takes in an answer; few have more than one for each character."""
_NUMBER_BYTES = 12
_TEXTS = 8
"""Texts that are encoded before it is seen how much there is already."""


@router.post(
    "/tokenize",
    operation_id="tokenize",
    response_model=list[list[SimpleToken]],
    responses={400: {"description": "tokens in place of text"}},
)
@allow(Access.READ)
@scoped(KeyScope.FILTERED)
@within(Bulkhead.BULK)
async def post_tokenize(request: Request, body: TokenizeBody) -> Json:
    """Every token of each text, also those beyond what the model reads."""
    return Json(await _read(request, _tokenize, body))


@router.post("/decode", operation_id="decode", response_model=list[str])
@allow(Access.READ)
@scoped(KeyScope.FILTERED)
@within(Bulkhead.BULK)
async def post_decode(request: Request, body: DecodeBody) -> Json:
    """The text of each list of token ids."""
    return Json(await _read(request, _decode, body))


@router.post(
    "/embed_all",
    operation_id="embed_all",
    response_model=list[list[list[float]]],
    responses={400: {"description": "tokens in place of text"}},
)
@allow(Access.READ)
@scoped(KeyScope.FILTERED)
@within(Bulkhead.BULK)
async def post_embed_all(request: Request, body: EmbedAllBody) -> Json:
    """A vector of each token of each text, before pooling and not normalised."""
    return Json(await _read(request, _embed_all, body))


async def _read(
    request: Request, work: Callable[[Service, str, _Body], bytes], body: _Body
) -> bytes:
    """What `work` makes of a body with the model `default`, or what that means to the caller."""
    service, reach = service_of(request), caller_of(request).reach

    def read() -> bytes:
        return work(service, service.engine.models.within(DEFAULT, reach), body)

    return await run_while_wanted(request, read, admission=admission_of(request))


def _tokenize(service: Service, model: str, body: TokenizeBody) -> bytes:
    _check(service, body.inputs, characters=sum(map(len, body.inputs)))
    wants_special = body.add_special_tokens is not False
    with service.engine.models.encoder(model) as encoder:
        prompts = encoder.checkpoint.prompts
        prompt = "" if body.prompt_name is None else prompts.of(body.prompt_name)
        split = encoder.split([prompt + text for text in body.inputs])
    return encode(
        [
            [_described(token) for token in tokens if wants_special or not token.special]
            for tokens in split
        ]
    )


def _decode(service: Service, model: str, body: DecodeBody) -> bytes:
    _check(service, body.ids, field="ids", characters=sum(map(len, body.ids)))
    skip = body.skip_special_tokens is not False
    with service.engine.models.encoder(model) as encoder:
        return encode(encoder.decode(body.ids, skip_special=skip))


def _embed_all(service: Service, model: str, body: EmbedAllBody) -> bytes:
    _check(service, body.inputs)
    return encode(list(_token_vectors(service, model, body)))


def _token_vectors(
    service: Service, model: str, body: EmbedAllBody
) -> Iterator[NDArray[np.float32]]:
    input_type = body.prompt_name or InputType.DOCUMENT
    left = service.settings.limits.max_answer_bytes
    with service.engine.models.encoder(model) as encoder:
        for start in range(0, len(body.inputs), _TEXTS):
            few = body.inputs[start : start + _TEXTS]
            found = encoder.encode_tokens(few, input_type=input_type, lane=Lane.INTERACTIVE)
            for at, one in enumerate(found, start):
                if body.whole and one.truncated:
                    max_length = encoder.checkpoint.max_length
                    raise TextTooLongError(("inputs", at), max_length=max_length)
                left -= one.vectors.size * _NUMBER_BYTES
                if left < 0 and at:
                    raise _too_much("inputs", f"the vectors of the first {at + 1} texts")
                yield np.ascontiguousarray(one.vectors)


def _check(
    service: Service, texts: Sequence[Any], *, field: str = "inputs", characters: int = 0
) -> None:
    """Raise `InvalidRequestError` beyond what may be asked for at once."""
    limits = service.settings.limits
    require(len(texts), limits, "max_inputs", place=(field,))
    require(max(map(len, texts)), limits, "max_text_chars", place=(field,))
    if characters * _TOKEN_BYTES > limits.max_answer_bytes:
        raise _too_much(field, f"the tokens of {characters} characters or ids")


def _too_much(field: str, what: str) -> InvalidRequestError:
    detail = f"{what} may be more than the setting limits.max_answer_bytes allows; send fewer"
    return InvalidRequestError([Violation(detail, "body", (field,))])


def _described(token: Token) -> dict[str, Any]:
    start, stop = (None, None) if token.special else (token.start, token.stop)
    return {
        "id": token.id,
        "text": token.text,
        "special": token.special,
        "start": start,
        "stop": stop,
    }
