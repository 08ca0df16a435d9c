"""Downloads: the routes under which a page offers what it found as a file."""

from collections.abc import Callable, Iterator, Sequence
from tempfile import TemporaryFile
from typing import IO

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from app.exports import export
from app.workspace import Workspace
from query.tree import parse_query

MEDIA_TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json", "zip": "application/zip"}
PART = 1 << 20  # bytes sent at once


def download_routes(workspace: Callable[[], Workspace]) -> Sequence[BaseRoute]:
    """`/exports/matches.csv?q=…&mode=…&sort=…`, and the same for json and zip."""

    def download(request: Request) -> Response:
        kind, asked = request.path_params["kind"], request.query_params
        file = TemporaryFile()  # noqa: SIM115  # which `_parts` closes
        try:
            query = parse_query(asked.get("q", ""))
            mode, sort = asked.get("mode", "balanced"), asked.get("sort", "score")
            export(workspace(), query, file, kind=kind, mode=mode, sort=sort)
        except (ValueError, LookupError) as error:
            file.close()
            return PlainTextResponse(f"Error: {error}\n", status_code=400)
        name = f'attachment; filename="signalement.{kind}"'
        headers = {"Content-Disposition": name, "Content-Length": str(file.tell())}
        file.seek(0)
        return StreamingResponse(_parts(file), media_type=MEDIA_TYPES[kind], headers=headers)

    return [Route("/exports/matches.{kind}", download)]


def _parts(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while part := file.read(PART):
            yield part
