"""What can be checked of the files in this folder without a container: `make check-deploy`.

The steps of the Dockerfile are run in a folder, and its server with no rights, on a file system
that it cannot write to, where this machine lets us have one. The files are given to the tools that
know their forms. What could not be done is said.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
BIN = Path(sys.executable).parent
MODEL = ROOT / "demo" / "ppmobileseg_tiny_demo.onnx"
PHOTO = ROOT / "demo" / "images" / "avenue.jpg"
PORT = 18_427
USER = "65532"


def main() -> int:
    """Check all, and give the exit code."""
    failed = not _forms_are_right()
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        Path(folder).chmod(0o755)
        return int(not _runs(Path(folder)) or failed)


def _forms_are_right() -> bool:
    """Give each file to the tool that knows its form."""
    compose = ("check-jsonschema", "--builtin-schema", "vendor.compose-spec")
    good = True
    for name, file, told in (
        (compose, "compose.yaml", ""),
        (("hadolint",), "Dockerfile", ""),
        (("kubernetes-validate",), "kubernetes.yaml", ""),
        # The program is not where it would be installed.
        (("systemd-analyze", "verify"), "ppms-serve.service", "is not executable"),
    ):
        program = shutil.which(name[0], path=f"{BIN}:{os.environ['PATH']}")
        if program is None:
            print(f"NOT RUN: {name[0]} is not installed, {file} is not checked")
            continue
        ended = subprocess.run(
            [program, *name[1:], str(HERE / file)], capture_output=True, text=True
        )
        complaints = [
            line
            for line in (ended.stdout + ended.stderr).splitlines()
            if ended.returncode and not (told and told in line)
        ]
        print(f"{file}: {'; '.join(complaints) or f'as {name[0]} wants it'}")
        good = good and not complaints
    return good


def _runs(folder: Path) -> bool:
    """Run the steps of the Dockerfile in a folder, and the server that comes of it."""
    text = (HERE / "Dockerfile").read_text()
    source, prefix = folder / "source", folder / "ppms"
    source.mkdir()
    for line in re.findall(r"^COPY (?!--)(.*)$", text, re.MULTILINE):
        *names, target = line.split()
        for name in names:
            place = source / target if target != "./" else source / name
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, place)
    (step,) = re.findall(r"^RUN ((?:.*\\\n| *#.*\n)*.*)$", text, re.MULTILINE)
    step = re.sub(r"^ *#.*\n", "", step, flags=re.MULTILINE).replace("/opt/ppms", str(prefix))
    subprocess.run(["sh", "-euc", step.replace("\\\n", "")], cwd=source, check=True)
    shutil.rmtree(source)
    print(f"installed: {_megabytes(prefix):.0f} MB")
    packages = subprocess.run(
        [prefix / "bin" / "pip", "list", "--format=freeze"], capture_output=True, text=True
    ).stdout
    assert "torch==" not in packages, "PyTorch came along"  # noqa: S101
    assert "opencv-python-headless==" in packages  # noqa: S101
    shutil.copy(MODEL, folder / "end2end.onnx")
    entry = re.findall(r'"([^"]+)"', re.findall(r"^ENTRYPOINT (.*)$", text, re.MULTILINE)[0])
    return _serves(folder, [str(prefix / "bin" / entry[0]), *entry[1:], "--port", str(PORT)])


def _serves(folder: Path, command: list[str]) -> bool:
    environment = {
        "PATH": f"{folder / 'ppms' / 'bin'}:/usr/bin:/bin",
        "PYTHONDONTWRITEBYTECODE": "1",
        "ORT_DISABLE_TELEMETRY": "1",
        "PPMS_MODEL": str(folder / "end2end.onnx"),
    }
    server = subprocess.Popen([*_confined(), *command], cwd=folder, env=environment)
    try:
        answer = b""
        for _ in range(200):
            time.sleep(0.1)
            try:
                answer = _asked("/readyz")
                break
            except OSError:
                continue
        print(f"readyz: {answer.decode()}")
        photo = PHOTO.read_bytes()
        overlay = _asked("/v1/segment?format=overlay", photo)
        print(f"a photograph: an overlay of {len(overlay)} bytes")
    finally:
        server.send_signal(signal.SIGTERM)
        code = server.wait(40)
    print(f"SIGTERM: exit code {code}")
    return overlay.startswith(b"\xff\xd8") and code == 0


def _confined() -> list[str]:
    """Return what runs a command without rights, and on a file system that is read only."""
    if os.geteuid() != 0:
        print("NOT RUN: another user and a file system that is read only need the rights of root")
        return []
    user = ["setpriv", "--reuid", USER, "--regid", USER, "--clear-groups", "--no-new-privs"]
    user += ["--bounding-set=-all"]
    script = 'mount -o remount,bind,ro / && exec "$@"'
    confined = ["unshare", "--mount", "sh", "-c", script, "sh", *user]
    works = subprocess.run([*confined, "true"], capture_output=True)
    if works.returncode == 0:
        print(f"as user {USER}, on a file system that is read only")
        return confined
    reason = works.stderr.decode().strip()
    print(f"NOT RUN: a file system that is read only ({reason}); as user {USER}")
    return user


def _asked(path: str, body: bytes | None = None) -> bytes:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://127.0.0.1:{PORT}{path}", body, 30) as answer:
        content: bytes = answer.read()
        return content


def _megabytes(folder: Path) -> float:
    return sum(each.stat().st_size for each in folder.rglob("*") if each.is_file()) / 1e6


if __name__ == "__main__":
    sys.exit(main())
