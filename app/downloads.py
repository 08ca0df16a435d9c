"""Downloads: the routes under which a page offers what it found as a file."""

from collections.abc import Callable, Sequence

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from app.exports import export
from app.workspace import Workspace
from query.tree import parse_query

MEDIA_TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json", "zip": "application/zip"}


def download_routes(workspace: Callable[[], Workspace]) -> Sequence[BaseRoute]:
    """`/exports/matches.csv?q=…&mode=…&sort=…`, and the same for json and zip."""

    def download(request: Request) -> Response:
        kind, asked = request.path_params["kind"], request.query_params
        try:
            query = parse_query(asked.get("q", ""))
            mode, sort = asked.get("mode", "balanced"), asked.get("sort", "score")
            content = export(workspace(), query, kind=kind, mode=mode, sort=sort)
        except (ValueError, LookupError) as error:
            return PlainTextResponse(f"Error: {error}\n", status_code=400)
        name = f'attachment; filename="signalement.{kind}"'
        return Response(content, media_type=MEDIA_TYPES[kind], headers={"Content-Disposition": name})

    return [Route("/exports/matches.{kind}", download)]
