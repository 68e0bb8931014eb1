# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What pip, and packaging/wheel, make the package of Python with: PEP 517, of what meson installs.

setuptools knows no meson, and meson-python leaves typelibs behind. A wheel here is all that runs, in one folder: the package
and, in its folder 'lib', the library, its typelib and its programs. It owns nothing in the folder of PyGObject, so what is
for gi/overrides is in the package too. The same sources make the same bytes, wherever they lie.
"""

import base64
import gzip
import hashlib
import io
import os
import pathlib
import re
import shutil
import subprocess
import sysconfig
import tarfile
import tempfile
import time
import tomllib
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
# A zip file knows nothing older.
EPOCH = max(int(os.environ.get("SOURCE_DATE_EPOCH", 0)), 315532800)

# Folders are those of the wheel, below a prefix that nobody sees. The library looks for translations beside itself.
OPTIONS = ["--prefix=/usr", "--libdir=ferry/lib", "--localedir=ferry/lib/po", "-Dpython.purelibdir=/usr",
           "-Dpython.platlibdir=/usr", "--buildtype=release", "-Dintrospection=enabled", "-Dpython=enabled",
           *["-D%s=disabled" % part for part in ("demo", "cluster", "classic", "tests", "model", "vapi", "documentation",
                                              "symbols")]]
TAGS = "runtime,python-runtime,typelib,i18n"


def _project():
    """What pyproject.toml says, and the version of meson.build."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    version = re.search(r"^  version: '([^']+)',$", (ROOT / "meson.build").read_text(encoding="utf-8"), re.MULTILINE)[1]
    return project, "%s-%s" % (project["name"], version), version


def _metadata():
    project, _, version = _project()
    page = (ROOT / project["readme"]).read_text(encoding="utf-8")
    lines = ["Metadata-Version: 2.1", "Name: " + project["name"], "Version: " + version, "Summary: " + project["description"],
             "Keywords: " + ",".join(project["keywords"]), "License: " + project["license"]["text"], "License-File: COPYING",
             *["Classifier: " + classifier for classifier in project["classifiers"]],
             "Requires-Python: " + project["requires-python"],
             *["Requires-Dist: " + needed for needed in project["dependencies"]],
             # The other pages are not there.
             "Description-Content-Type: text/markdown", "", re.sub(r"(?<!!)\[([^]]+)\]\((?!https?:)[^)]+\)", r"\1", page)]
    return "\n".join(lines)


def _take_static_seccomp(folder, environment):
    """The one library besides GLib and GTK that Ferry is linked with is in the wheel, where the machine has it as libseccomp.a."""
    def ask(option):
        return subprocess.run(["pkg-config", option, "libseccomp"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                              check=False).stdout.strip()

    archive = pathlib.Path(ask("--variable=libdir"), "libseccomp.a")
    if archive.is_file():
        (folder / "libseccomp.pc").write_text(
            "Name: libseccomp\nDescription: The static one\nVersion: %s\nCflags: %s\nLibs: %s -Wl,--exclude-libs,libseccomp.a\n"
            % (ask("--modversion"), ask("--cflags"), archive), encoding="utf-8")
        environment["PKG_CONFIG_PATH"] = os.pathsep.join([str(folder), *filter(None, [os.environ.get("PKG_CONFIG_PATH")])])


def _install(scratch):
    """Builds, and returns the folder that has what meson installs. What is compiled must not tell where that happened."""
    environment = dict(os.environ, CFLAGS=os.environ.get("CFLAGS", "") + " -g0")
    _take_static_seccomp(scratch, environment)
    # Beside the sources, their names are the same anywhere.
    with tempfile.TemporaryDirectory(prefix="build-wheel-", dir=ROOT) as build:
        for command in (["meson", "setup", build, str(ROOT), *OPTIONS],
                        ["meson", "install", "-C", build, "--strip", "--tags", TAGS, "--destdir", str(scratch / "root")]):
            subprocess.run(command, env=environment, check=True)
    return scratch / "root" / "usr"


def _name_of(path):
    """The name in the wheel of what is installed; None for links to it, since a wheel has no links."""
    if re.search(r"[.]so([.]\d+){2,}$|__pycache__", path):
        return None
    return re.sub("^gi/overrides/", "ferry/overrides/", path)


def _dist_info(tag):
    return {"METADATA": _metadata(), "COPYING": (ROOT / "COPYING").read_text(encoding="utf-8"),
            "WHEEL": "Wheel-Version: 1.0\nGenerator: Ferry\nRoot-Is-Purelib: false\nTag: %s\n" % tag}


def _write_wheel(path, files):
    """Files by their names: whether one is a program, and its bytes. The last is the list of them all."""
    record = []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, (is_program, data) in files.items():
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
            record.append("%s,sha256=%s,%d\n" % (name, digest, len(data)))
            if name.endswith("/RECORD"):
                data = "".join([*record[:-1], name + ",,\n"]).encode()
            entry = zipfile.ZipInfo(name, time.gmtime(EPOCH)[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o100755 if is_program else 0o100644) << 16
            archive.writestr(entry, data)


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    _, stem, _ = _project()
    with tempfile.TemporaryDirectory() as scratch:
        installed = _install(pathlib.Path(scratch))
        files = {}
        for path in sorted(path for path in installed.rglob("*") if path.is_file()):
            name = _name_of(str(path.relative_to(installed)))
            if name is not None:
                files[name] = os.access(path, os.X_OK) and ".so" not in path.name, path.read_bytes()
    # The module of C is for each Python from this one on.
    tag = "cp311-abi3-" + re.sub("[-.]", "_", sysconfig.get_platform())
    files.update({"%s.dist-info/%s" % (stem, name): (False, text.encode()) for name, text in _dist_info(tag).items()})
    files[stem + ".dist-info/RECORD"] = False, b""
    _write_wheel(os.path.join(wheel_directory, "%s-%s.whl" % (stem, tag)), files)
    return "%s-%s.whl" % (stem, tag)


def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    folder = pathlib.Path(metadata_directory, _project()[1] + ".dist-info")
    folder.mkdir()
    for name, text in _dist_info("py3-none-any").items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder.name


def _sources():
    if (ROOT / ".git").exists():
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
        return sorted(filter(None, listed.split("\0")))
    # What was unpacked, and was run since.
    return sorted(str(path.relative_to(ROOT)) for path in ROOT.rglob("*")
                  if path.is_file() and path.name != "PKG-INFO" and "__pycache__" not in path.parts)


def build_sdist(sdist_directory, config_settings=None):
    _, stem, _ = _project()
    path = pathlib.Path(sdist_directory, stem + ".tar.gz")
    with gzip.GzipFile(path, "wb", mtime=EPOCH) as packed, tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, data in [*((name, (ROOT / name).read_bytes()) for name in _sources()), ("PKG-INFO", _metadata().encode())]:
            entry = tarfile.TarInfo("%s/%s" % (stem, name))
            entry.size = len(data)
            entry.mtime = EPOCH
            entry.mode = 0o755 if name != "PKG-INFO" and os.access(ROOT / name, os.X_OK) else 0o644
            archive.addfile(entry, io.BytesIO(data))
    return path.name
