"""The web client at /app: static files of the build, or a plain word where there is no build.

It must not know the client's routes: every path that is no file gets the client's page.
"""

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse, PlainTextResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from traceward.web import static_folder

_NOT_BUILT = """The web client is not built in this checkout.
Install the package (its build makes the client), or run `python3 dev.py serve`, which does it for you.
The HTTP interface works without it: see /openapi.json.
"""
_YEAR_S = 31_536_000


def web_router() -> APIRouter:
    """Routes for `/`, `/setup` and `/app/...`."""
    router = APIRouter(include_in_schema=False)
    folder = static_folder()

    @router.get("/")
    def root() -> RedirectResponse:
        return RedirectResponse("/app/")

    @router.get("/app")
    def app_root() -> RedirectResponse:
        return RedirectResponse("/app/")

    @router.get("/setup")
    def setup_page() -> Response:
        return _file(folder, "")

    @router.get("/app/{path:path}")
    def app_file(path: str) -> Response:
        return _file(folder, path)

    return router


def _file(folder: Path | None, path: str) -> Response:
    if folder is None:
        return PlainTextResponse(_NOT_BUILT)
    wanted = (folder / path).resolve()
    if not wanted.is_relative_to(folder.resolve()):
        raise HTTPException(404)
    if wanted.is_file():
        hashed = "assets" in wanted.relative_to(folder.resolve()).parts
        caching = f"public, max-age={_YEAR_S}, immutable" if hashed else "no-cache"
        return FileResponse(wanted, headers={"Cache-Control": caching})
    if Path(path).suffix:
        raise HTTPException(404)
    return FileResponse(folder / "index.html", headers={"Cache-Control": "no-cache"})
