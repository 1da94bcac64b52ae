"""Uses an engine with the openai, litellm and langchain packages. Arguments: base URL, token, picture as a data URI."""

import sys
from typing import Literal, Optional

import litellm
import openai
from langchain_openai import ChatOpenAI
from pydantic import BaseModel, Field

# Beside raising an error it prints a hint, which would be counted as the result of a check.
litellm.suppress_debug_info = True

base, token, uri = sys.argv[1], sys.argv[2], open(sys.argv[3]).read()
client = openai.OpenAI(base_url=base, api_key=token, max_retries=0)
picture = {"type": "image_url", "image_url": {"url": uri}}
content = [{"type": "text", "text": "What is there?"}, picture]


class Part(BaseModel):
    name: str = Field(max_length=8)
    kind: Literal["thing"] = "thing"
    parts: list["Part"] = Field(default_factory=list, max_length=1)


class Scene(BaseModel):
    """A scene."""

    people: int = Field(ge=0, le=9)
    brightness: float = Field(gt=0, lt=1)
    weather: Optional[Literal["sunny", "wet"]] = None
    seen: Optional[str] = Field(default=None, pattern=r"^\d\d:\d\d$")
    part: Part


def openai_chat():
    chat = client.chat.completions.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": "Hi"}], max_tokens=4
    )
    assert isinstance(chat.choices[0].message.content, str)


def openai_parse():
    chat = client.chat.completions.parse(
        model="gpt-4o-mini", messages=[{"role": "user", "content": content}], response_format=Scene
    )
    assert isinstance(chat.choices[0].message.parsed, Scene)
    response = client.responses.parse(model="gpt-4o-mini", input="Describe a garden.", text_format=Scene)
    assert isinstance(response.output_parsed, Scene)


def openai_streams():
    text = ""
    for chunk in client.chat.completions.create(
        model="demo", messages=[{"role": "user", "content": content}], max_tokens=8, stream=True
    ):
        text += (chunk.choices[0].delta.content or "") if chunk.choices else ""
    assert text
    with client.responses.stream(model="demo", input="Hi", max_output_tokens=8) as stream:
        deltas = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
        assert stream.get_final_response().output_text == deltas


def openai_errors():
    for error, call in (
        (openai.NotFoundError, lambda: client.models.retrieve("gpt-5")),
        (openai.AuthenticationError, lambda: client.with_options(api_key="wrong").models.list()),
        (openai.BadRequestError, lambda: client.chat.completions.create(model="demo", messages=[])),
    ):
        try:
            call()
        except error:
            continue
        raise AssertionError(f"expected {error}")


def litellm_chat():
    model = "openai/gpt-4o-mini"
    answer = litellm.completion(
        model=model, messages=[{"role": "user", "content": content}], api_base=base, api_key=token, max_tokens=8
    )
    assert answer.choices[0].message.content
    answer = litellm.completion(
        model=model,
        messages=[{"role": "user", "content": "Describe a garden."}],
        response_format=Scene,
        api_base=base,
        api_key=token,
    )
    Scene.model_validate_json(answer.choices[0].message.content)
    long = [{"role": "user", "content": "word " * 9000}]
    try:
        litellm.completion(model=model, messages=long, api_base=base, api_key=token)
    except litellm.ContextWindowExceededError:
        return
    raise AssertionError("expected ContextWindowExceededError")


def langchain_chat():
    chat = ChatOpenAI(model="gpt-4o-mini", base_url=base, api_key=token, max_retries=0)
    assert chat.invoke("Hi").content is not None
    assert "".join(chunk.content for chunk in chat.stream("Describe a garden."))
    assert isinstance(chat.with_structured_output(Scene, method="json_schema").invoke("A garden."), Scene)


for check in (openai_chat, openai_parse, openai_streams, openai_errors, litellm_chat, langchain_chat):
    check()
    print(check.__name__, flush=True)
