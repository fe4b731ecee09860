"""Weights are found among their sources, put together once, and never used unless their hash is right."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType

import pytest

from core.errors import ConfigurationError, MissingArtefact
from core.experts import Engine, ModelSpec, Source
from core.ids import ModelName
from tests.workers.models import smollm
from workers.hosting.artefacts import ArtefactStore
from workers.hosting.sources import Absent, download, expand

CHUNKS = (b"GGUF first,", b" second,", b" third")
WHOLE = b"".join(CHUNKS)
SHA256 = hashlib.sha256(WHOLE).hexdigest()


def model(*sources: Source, sha256: str = SHA256) -> ModelSpec:
    return ModelSpec(ModelName("m"), Engine.LLAMA, sources, sha256)


@pytest.fixture
def chunked(tmp_path: Path) -> Iterator[Source]:
    """Three installed distributions, each with a chunk of one file."""
    site = tmp_path / "site"
    for number, chunk in enumerate(CHUNKS, start=1):
        name = f"tiny_weights_part{number}"
        data = site / name / "data"
        data.mkdir(parents=True)
        (data / f"part{number:02d}.bin").write_bytes(chunk)
        (data.parent / "__init__.py").write_text("raise RuntimeError('imported')")
        about = site / f"{name}-1.0.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: 1.0\n")
        (about / "RECORD").write_text(f"{name}/__init__.py,,\n{name}/data/part{number:02d}.bin,,\n")
    sys.path.insert(0, str(site))
    yield Source("package", "tiny-weights-part{1..3}")
    sys.path.remove(str(site))


def test_a_range_stands_for_its_names_in_numeric_order() -> None:
    assert expand("part{9..11}-x") == ("part9-x", "part10-x", "part11-x")
    assert expand("whole") == ("whole",)


def test_chunks_of_packages_become_one_file_named_by_its_hash(chunked: Source, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []

    path = ArtefactStore(tmp_path).locate(model(chunked), lambda done, total: seen.append((done, total)))

    assert path == tmp_path / "models" / f"{SHA256}.gguf"
    assert path.read_bytes() == WHOLE
    assert seen[-1] == (len(WHOLE), len(WHOLE))
    assert [entry.suffix for entry in path.parent.iterdir() if entry.suffix != ".lock"] == [".gguf"]


def test_an_assembled_file_is_used_again_without_its_packages(chunked: Source, tmp_path: Path) -> None:
    ArtefactStore(tmp_path).locate(model(chunked))

    again = ArtefactStore(tmp_path).locate(model(Source("package", "not-there")))

    assert again.read_bytes() == WHOLE


def test_a_damaged_file_in_the_cache_is_put_together_again(chunked: Source, tmp_path: Path) -> None:
    path = ArtefactStore(tmp_path).locate(model(chunked))
    path.write_bytes(WHOLE[:-1])

    mended = ArtefactStore(tmp_path).locate(model(chunked))

    assert mended.read_bytes() == WHOLE


def test_a_file_that_changes_under_a_running_process_is_checked_again(tmp_path: Path) -> None:
    weights = tmp_path / "weights.gguf"
    weights.write_bytes(WHOLE)
    store, spec = ArtefactStore(tmp_path), model(Source("path", str(weights)))
    store.locate(spec)

    weights.write_bytes(WHOLE.swapcase())
    os.utime(weights, ns=(1, 1))

    with pytest.raises(ConfigurationError, match="is not the file with SHA-256"):
        store.locate(spec)


def test_a_whole_file_is_used_where_it_lies(tmp_path: Path) -> None:
    store = ArtefactStore(tmp_path)

    path = store.locate(smollm())

    assert path.suffix == ".gguf"
    assert tmp_path not in path.parents
    assert path == store.locate(smollm())


def test_the_first_source_with_the_right_content_is_used(chunked: Source, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.gguf"
    wrong.write_bytes(b"something else")
    sources = (Source("path", str(tmp_path / "absent.gguf")), Source("path", str(wrong)), chunked)

    path = ArtefactStore(tmp_path).locate(model(*sources))

    assert path.read_bytes() == WHOLE


def test_a_file_with_another_hash_is_refused_and_not_kept(chunked: Source, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"package tiny-weights-part\{1..3\} is not the file with SHA-256 00"):
        ArtefactStore(tmp_path).locate(model(chunked, sha256="00"))

    assert list((tmp_path / "models").glob("*.gguf")) == list((tmp_path / "models").glob("*.part")) == []


def test_missing_packages_are_named_with_what_to_install(chunked: Source, tmp_path: Path) -> None:
    spec = model(Source("package", "tiny-weights-part{2..5}"))

    with pytest.raises(
        MissingArtefact, match=r"tiny-weights-part4, tiny-weights-part5; install .*requirements/models\.lock"
    ):
        ArtefactStore(tmp_path).locate(spec)
    assert "tiny-weights-part4" in (ArtefactStore(tmp_path).absent(spec) or "")
    assert ArtefactStore(tmp_path).absent(model(chunked)) is None


def test_a_model_in_the_cache_needs_its_packages_no_more(chunked: Source, tmp_path: Path) -> None:
    store = ArtefactStore(tmp_path)
    store.locate(model(chunked))

    assert store.absent(model(Source("package", "tiny-weights-part{2..5}"))) is None


def test_a_cache_that_cannot_be_written_is_a_typed_error(chunked: Source, tmp_path: Path) -> None:
    (tmp_path / "models").write_text("in the way")

    with pytest.raises(ConfigurationError, match=r"File exists|Not a directory"):
        ArtefactStore(tmp_path).locate(model(chunked))


def test_many_at_once_put_a_file_together_without_harm(chunked: Source, tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        paths = set(threads.map(lambda _: ArtefactStore(tmp_path).locate(model(chunked)), range(16)))

    assert [path.read_bytes() for path in paths] == [WHOLE]


def test_a_killed_assembly_leaves_nothing_in_the_way(chunked: Source, tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    locker = (
        "import fcntl, os, signal; f = open('lock', 'w'); fcntl.flock(f, fcntl.LOCK_EX); "
        "open('part', 'wb').write(b'half'); os.kill(os.getpid(), signal.SIGKILL)"
    ).replace("'lock'", repr(str(tmp_path / "models" / f"{SHA256}.lock")))
    part = tmp_path / "models" / f"{SHA256}.part"
    subprocess.run([sys.executable, "-c", locker.replace("'part'", repr(str(part)))], check=False, timeout=30)

    path = ArtefactStore(tmp_path).locate(model(chunked))

    assert path.read_bytes() == WHOLE
    assert not part.exists()


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """A server of the files in the test's folder, and of replies that no server should give."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_url_is_fetched_once_and_checked(url: str, tmp_path: Path) -> None:
    (tmp_path / "weights.gguf").write_bytes(WHOLE)
    spec = model(Source("url", f"{url}/weights.gguf"))

    fetched = ArtefactStore(tmp_path / "cache").locate(spec).read_bytes()

    (tmp_path / "weights.gguf").unlink()
    assert fetched == ArtefactStore(tmp_path / "cache").locate(spec).read_bytes() == WHOLE


def test_a_url_that_does_not_answer_is_a_missing_artefact(tmp_path: Path) -> None:
    with pytest.raises(MissingArtefact, match="cannot be fetched"):
        ArtefactStore(tmp_path).locate(model(Source("url", "http://127.0.0.1:9/weights.gguf")))


@pytest.mark.parametrize("path", ["/none", "/nonsense", "/broken", "/hung-up"])
def test_a_download_that_breaks_is_a_missing_artefact_that_says_why(url: str, path: str, tmp_path: Path) -> None:
    with pytest.raises(MissingArtefact, match=r"cannot be fetched: (?!None)\S"):
        ArtefactStore(tmp_path).locate(model(Source("url", url + path)))


def test_a_download_without_end_is_given_up(url: str) -> None:
    with pytest.raises(Absent, match=r"did not come within 0\.1 seconds"):
        deque(download(f"{url}/endless", within_s=0.1), maxlen=0)
    with pytest.raises(Absent, match="holds more than 99 bytes"):
        deque(download(f"{url}/endless", most_bytes=99), maxlen=0)


class Quiet(SimpleHTTPRequestHandler):
    """Serves files, breaks the protocol where asked to, and says nothing."""

    BROKEN = MappingProxyType(
        {
            "/nonsense": b"nonsense\r\n",
            "/broken": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nGGUF",
            "/hung-up": b"",
            "/endless": b"HTTP/1.1 200 OK\r\n\r\n",
        }
    )

    def do_GET(self) -> None:
        if self.path not in self.BROKEN:
            super().do_GET()
            return
        self.close_connection = True
        with suppress(ConnectionError):
            self.wfile.write(self.BROKEN[self.path])
            while self.path == "/endless":
                self.wfile.write(WHOLE)

    def log_message(self, format: str, *args: object) -> None:
        pass
