#!/usr/bin/env python3
"""Makes the clients from docs/openapi.json, or compares them with it.

    python3 infra/clients.py            # writes what is generated of clients/
    python3 infra/clients.py --check    # prints the files that differ and exits with 1; checks the types too

Types come from datamodel-code-generator (Python) and openapi-typescript (TypeScript), in pinned versions
(infra/tools/clients.txt, clients/typescript/package-lock.json). Calls of TypeScript are openapi-fetch's, which needs nothing
generated but the types. Those of Python are written here, a method an operation, since the generators of whole clients
write hundreds of files for them. Needs Python 3.11 and Node 20.
"""

import json
import keyword
import re
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs/openapi.json"
PYTHON = ROOT / "clients/python"
TYPESCRIPT = ROOT / "clients/typescript"
BASE = "/api/v1"
HEAD = "Made by infra/clients.py from docs/openapi.json; changes are lost."
KEY = "#/components/parameters/IdempotencyKey"


# What of aio.py the client that waits has instead, in this order.
WAITS = [
    ("The client that is awaited.", "The client that waits."),
    ("import asyncio\n", ""),
    ("AsyncIterator, Callable, Iterable, Mapping", "Callable, Iterable, Iterator, Mapping"),
    ("httpx.AsyncClient", "httpx.Client"),
    ("httpx.AsyncBaseTransport", "httpx.BaseTransport"),
    ("AsyncIterator", "Iterator"),
    ("AsyncOperations", "Operations"),
    ("AsyncIssueResults", "IssueResults"),
    ("AsyncUnicreda", "Unicreda"),
    ("__aenter__", "__enter__"),
    ("__aexit__", "__exit__"),
    ("__aiter__", "__iter__"),
    ("aclose", "close"),
    ("asyncio.sleep", "time.sleep"),
    ("async ", ""),
    ("await ", ""),
]


def main() -> int:
    check = sys.argv[1:] == ["--check"]
    if sys.argv[1:] and not check:
        print(__doc__, file=sys.stderr)
        return 2
    document = json.loads(DOCUMENT.read_text())
    tools = Path(run([ROOT / "infra/tools/setup", "clients"]).strip())
    npm_packages()
    operations = [Operation(path, method, it) for path, method, it in operations_of(document)]
    generated = {
        PYTHON / "src/unicreda/models.py": python_models(tools),
        PYTHON / "src/unicreda/_operations.py": python_operations(document, operations),
        PYTHON / "src/unicreda/client.py": python_client(),
        TYPESCRIPT / "src/schema.ts": typescript_schema(),
        TYPESCRIPT / "src/keyed.ts": typescript_keyed(operations),
    }
    differing = [file for file, text in generated.items() if not file.exists() or file.read_text() != text]
    if not check:
        for file in differing:
            file.write_text(generated[file])
            print(f"wrote {file.relative_to(ROOT)}")
        return 0
    for file in differing:
        print(f"{file.relative_to(ROOT)} is not what docs/openapi.json says: python3 infra/clients.py", file=sys.stderr)
    if differing:
        return 1
    return check_types(tools)


def operations_of(document: dict):
    for path, item in document["paths"].items():
        for method, operation in item.items():
            # Pages and documents of the site need no key, and no client.
            if path.startswith(BASE):
                yield path, method, operation


def check_types(tools: Path) -> int:
    examples = ROOT / "clients/examples"
    commands = [
        [tools / "mypy", "--strict", "--no-error-summary", "src", "tests", examples / "python"],
        [TYPESCRIPT / "node_modules/.bin/tsc", "--noEmit", "-p", "tsconfig.check.json"],
    ]
    folders = [PYTHON, TYPESCRIPT]
    status = 0
    for command, folder in zip(commands, folders, strict=True):
        status |= subprocess.run(command, cwd=folder, check=False).returncode
    if status == 0:
        print("the clients are what docs/openapi.json says, and their types hold")
    return int(status != 0)


def run(command: list, **options) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, **options).stdout


def npm_packages() -> None:
    wanted = (TYPESCRIPT / "package-lock.json").read_bytes()
    complete = TYPESCRIPT / "node_modules/complete.json"
    if not complete.exists() or complete.read_bytes() != wanted:
        run(["npm", "ci", "--no-audit", "--no-fund", "--silent"], cwd=TYPESCRIPT)
        complete.write_bytes(wanted)


# Generators


def python_models(tools: Path) -> str:
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "models.py"
        run([
            tools / "datamodel-codegen",
            *("--input", DOCUMENT, "--input-file-type", "openapi", "--output", output),
            *("--output-model-type", "typing.TypedDict", "--target-python-version", "3.11"),
            *("--naming-strategy", "parent-prefixed", "--enum-field-as-literal", "all", "--no-use-closed-typed-dict"),
            *("--use-schema-description", "--use-field-description", "--use-standard-collections"),
            *("--use-union-operator", "--formatters", "builtin", "--custom-file-header", f"# {HEAD}"),
        ])
        return output.read_text()


def python_client() -> str:
    """The client that waits, of the one that is awaited."""
    text = (PYTHON / "src/unicreda/aio.py").read_text()
    for awaited, waits in WAITS:
        text = text.replace(awaited, waits)
    return f"# Made by infra/clients.py from aio.py; changes are lost.\n\n{text}"


def typescript_schema() -> str:
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "schema.ts"
        # A member with a default may be left out of what is sent.
        options = ["--default-non-nullable", "false", "-o", output]
        run([TYPESCRIPT / "node_modules/.bin/openapi-typescript", DOCUMENT, *options], cwd=TYPESCRIPT)
        return f"// {HEAD}\n\n{output.read_text()}"


def typescript_keyed(operations: list) -> str:
    keyed = [f"{o.method} {BASE}{o.path}" for o in operations if o.keyed]
    lines = "\n".join(f"  {json.dumps(name)}," for name in keyed)
    return f"// {HEAD}\n\n/** What takes an `Idempotency-Key`. */\nexport const KEYED = [\n{lines}\n];\n"


# The methods of the Python client


class Operation:
    """What a method needs to know of an operation."""

    def __init__(self, path: str, method: str, operation: dict) -> None:
        self.path = path.removeprefix(BASE)
        self.method = method.upper()
        self.operation = operation
        self.name = snake(operation["operationId"])
        parameters = operation.get("parameters", [])
        self.keyed = any(p.get("$ref") == KEY for p in parameters)
        self.in_path = [p for p in parameters if p.get("in") == "path"]
        self.in_query = [p for p in parameters if p.get("in") == "query"]
        body = operation.get("requestBody", {})
        self.body = body.get("content", {})
        self.body_required = body.get("required", False)
        answers = {s: r.get("content", {}) for s, r in operation["responses"].items() if s.startswith("2")}
        self.answers = list(answers.values())

    def answer_type(self) -> str:
        types = []
        for content in self.answers:
            if "application/json" in content:
                types.append(annotation(content["application/json"]["schema"]))
            else:
                types.append("bytes" if content else "None")
        return union(types)

    def media_types(self) -> list[str]:
        """What an answer may be asked for as, where it is no JSON."""
        content = self.answers[0]
        return [] if "application/json" in content or len(content) < 2 else list(content)

    def items(self) -> dict | None:
        """The schema of a list's items, if a cursor goes through it."""
        if not any(p["name"] == "cursor" for p in self.in_query):
            return None
        schema = self.answers[0]["application/json"]["schema"]
        return schema.get("properties", {}).get("items", {}).get("items")

    def signature(self, paging: bool = True) -> list[str]:
        arguments = [f"{p['name']}: str" for p in self.in_path]
        named = []
        if self.body:
            kind = annotation(self.body["application/json"]["schema"])
            if len(self.body) > 1:
                kinds = ", ".join(json.dumps(it) for it in self.body)
                kind = "bytes" if kind == "Any" else f"{kind} | bytes"
                named.append(f"content_type: Literal[{kinds}] = {json.dumps(next(iter(self.body)))}")
            arguments.append(f"body: {kind}" if self.body_required else f"body: {kind} | None = None")
        for p in self.in_query:
            if paging or p["name"] not in ("limit", "cursor"):
                named.append(f"{p['name']}: {annotation(p['schema'])} | None = None")
        if not any(p["name"] == "format" for p in self.in_query) and (kinds := self.media_types()):
            options = ", ".join(json.dumps(it) for it in kinds)
            named.append(f"accept: Literal[{options}] = {json.dumps(kinds[0])}")
        if self.keyed:
            named.append("idempotency_key: str | None = None")
        return ["self", *arguments, *(["*", *named] if named else [])]

    def call(self) -> str:
        path = re.sub(r"\{(\w+)\}", lambda m: f"{{quote({m[1]}, safe='')}}", self.path)
        parts = [json.dumps(self.method), f'{"f" if self.in_path else ""}"{path}"']
        if self.in_query:
            query = ", ".join(f"{json.dumps(p['name'])}: {p['name']}" for p in self.in_query)
            parts.append(f"query={{{query}}}")
        if self.body:
            parts.append("body=body")
        if len(self.body) > 1:
            parts.append("content_type=content_type")
        if self.keyed:
            parts.append("idempotency_key=idempotency_key or new_key()")
        if not any(p["name"] == "format" for p in self.in_query) and self.media_types():
            parts.append("accept=accept")
        return ", ".join(parts)

    def documentation(self) -> str:
        text = [self.operation["summary"] + "."]
        if more := self.operation.get("description"):
            text.append(more)
        paragraphs = ["\n".join(textwrap.wrap(part, 104)) for part in text]
        return "\n\n".join(paragraphs)


def method_text(operation: Operation, is_async: bool) -> str:
    wait, define = ("await ", "async def") if is_async else ("", "def")
    returns = operation.answer_type()
    call = f"{wait}self._call({operation.call()})"
    if returns != "None":
        call = f"answer: {returns} = {wait}self._call({operation.call()})\nreturn answer"
    text = define_text(f"{define} {operation.name}", operation.signature(), returns, operation.documentation(), call)
    if (items := operation.items()) is not None:
        text += "\n\n" + iterator_text(operation, annotation(items), is_async)
    return text


def iterator_text(operation: Operation, items: str, is_async: bool) -> str:
    given = [p["name"] for p in operation.in_path]
    given += [f"{p['name']}={p['name']}" for p in operation.in_query if p["name"] not in ("limit", "cursor")]
    kind, define, each, wait = ("AsyncIterator", "async def", "", "await ") if is_async else ("Iterator", "def", "", "")
    page = f"{wait}self.{operation.name}({', '.join([*given, 'limit=page_size', 'cursor=cursor'])})"
    name = operation.name.replace("list_", "iter_", 1)
    signature = operation.signature(paging=False)
    if "*" not in signature:
        signature.append("*")
    signature.append("page_size: int = 100")
    call = f"""cursor: str | None = None
while True:
    page = {page}
    for item in page["items"]:
        yield item
    cursor = page["next_cursor"]
    if cursor is None:
        return"""
    documentation = f"All that `{operation.name}` lists, page after page."
    return define_text(f"{define} {name}", signature, f"{kind}[{items}]", documentation, call)


def define_text(head: str, signature: list[str], returns: str, documentation: str, body: str) -> str:
    line = f"{head}({', '.join(signature)}) -> {returns}:"
    if len(line) > 106:
        arguments = "".join(f"    {argument},\n" for argument in signature)
        line = f"{head}(\n{arguments}) -> {returns}:"
    end = "\n" if "\n" in documentation else ""
    inner = f'"""{documentation}{end}"""\n{body}'
    return f"{line}\n{textwrap.indent(inner, '    ')}"


def python_operations(document: dict, operations: list) -> str:
    classes = []
    for is_async in (False, True):
        name, call = ("AsyncOperations", "async def") if is_async else ("Operations", "def")
        methods = [method_text(operation, is_async) for operation in operations]
        abstract = (
            f"{call} _call(\n    self,\n    method: str,\n    path: str,\n    *,\n"
            "    query: Mapping[str, Any] | None = None,\n    body: Any = None,\n"
            '    content_type: str = "application/json",\n    accept: str | None = None,\n'
            "    idempotency_key: str | None = None,\n) -> Any:\n    raise NotImplementedError"
        )
        documentation = '"""A method for each operation of the API that takes a key."""'
        inner = "\n\n".join([documentation, abstract, *methods])
        classes.append(f"class {name}:\n{textwrap.indent(inner, '    ')}\n")
    text = "\n\n".join(classes)
    names = [n for n in document["components"]["schemas"] if re.search(rf"\b{n}\b", re.sub(r'"""[\s\S]*?"""', "", text))]
    pages = page_types(operations)
    imports = "".join(f"    {name},\n" for name in sorted(names))
    head = (
        f'# {HEAD}\n\n"""The operations of the API."""\n\nfrom __future__ import annotations\n\n'
        "from collections.abc import AsyncIterator, Iterator, Mapping\nfrom typing import Any, Generic, Literal, TypedDict, TypeVar\n"
        "from urllib.parse import quote\n\nfrom ._retry import new_key\n"
        f"from .models import (\n{imports})\n\n{pages}\n\n"
    )
    return head + text


def page_types(operations: list) -> str:
    return (
        'Item = TypeVar("Item")\n\n\nclass Page(TypedDict, Generic[Item]):\n    """A page of a list, and the cursor of the next one, if there is one."""\n\n'
        "    items: list[Item]\n    next_cursor: str | None\n"
    )


def annotation(schema: dict) -> str:
    """The type of a schema of a parameter, a body or an answer, in Python."""
    if reference := schema.get("$ref"):
        return reference.rsplit("/", 1)[1]
    if "enum" in schema:
        return f"Literal[{', '.join(json.dumps(it) for it in schema['enum'])}]"
    if options := schema.get("oneOf") or schema.get("anyOf"):
        return union([annotation(option) for option in options])
    properties = schema.get("properties", {})
    if set(properties) == {"items", "next_cursor"}:
        return f"Page[{annotation(properties['items']['items'])}]"
    simple = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
    return simple.get(schema.get("type", ""), "Any")


def union(types: list[str]) -> str:
    parts = [part for kind in types for part in kind.split(" | ")]
    return " | ".join(dict.fromkeys(parts))


def snake(name: str) -> str:
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    return f"{text}_" if keyword.iskeyword(text) else text


if __name__ == "__main__":
    sys.exit(main())
