# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes the Flatpak of data/org.ferryproject.Demo.json without a network, and installs it for itself.

A small runtime of this machine's own files stands for the manifest's. It has no compiler, so what a manifest builds by meson
is built here, with the manifest's options, and flatpak-builder takes the files. Of a module whose sources are fetched, it
takes this machine's program of the module's name. All else is done in the runtime, as the manifest says. Everything is in build-packages/flatpak: Flatpak's other installations are not touched.
"""

import argparse
import fnmatch
import glob
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent
WORK = pathlib.Path(os.environ.get("FERRY_PACKAGES") or TOP / "build-packages").resolve() / "flatpak"
DEMO = TOP / "data" / "org.ferryproject.Demo.json"
RUNTIME = "org.ferryproject.SmallPlatform"
BRANCH = "1"

PROGRAMS = """bash bwrap cat chmod cp dd dirname echo env false head id install kill ln ls mkdir mktemp mv nice printf ps python3
    readlink realpath rm rmdir sed seq sh sleep sort stat stty tail test timeout touch tr true uname wc""".split()
# GNOME's runtime has them; only some applications want them.
PROGRAMS_IF_ANY = "ffmpeg".split()
# What programs load or read after their start. LIBDIR is where libraries are.
FILES = """LIBDIR/libadwaita-1.so.0 LIBDIR/libgirepository-1.0.so.1 LIBDIR/libgtk-4.so.1 LIBDIR/libseccomp.so.2 LIBDIR/libdw.so.1
    LIBDIR/gdk-pixbuf-2.0 LIBDIR/girepository-1.0 /usr/lib/locale/C.utf8 /usr/lib/python3.[0-9]* /usr/lib/python3/dist-packages/gi
    /usr/share/X11/locale /usr/share/X11/xkb /usr/share/fontconfig /usr/share/fonts/truetype/dejavu /usr/share/glib-2.0/schemas
    /usr/share/icons/Adwaita /usr/share/icons/hicolor /usr/share/mime /etc/fonts""".split()
# What Python has for developers, and what it is compiled to: Flatpak changes the times of files, by which Python knows it.
OMITTED = "__pycache__ test config-* idlelib lib2to3 ensurepip dist-packages"


def step(text, *command, folder=None):
    """A line for what is done. What the command prints is shown where it fails."""
    print(text, flush=True)
    done = subprocess.run([str(word) for word in command], cwd=folder, env=environment(), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        sys.exit("%s\nflatpak: '%s' ended with %d." % (done.stdout[-4000:], " ".join(map(str, command)), done.returncode))
    return done.stdout


def environment():
    """Flatpak with an installation of our own, and none of the system."""
    return dict(os.environ, FLATPAK_USER_DIR=str(WORK / "installation"), FLATPAK_SYSTEM_DIR=str(WORK / "system"))


def flatpak(text, *arguments):
    """Who is not root asks the system's bus, which a bare machine has not."""
    if os.geteuid() == 0 or os.path.exists("/run/dbus/system_bus_socket"):
        return step(text, *arguments)
    return step(text, "dbus-run-session", "--", "sh", "-c", 'DBUS_SYSTEM_BUS_ADDRESS=$DBUS_SESSION_BUS_ADDRESS exec "$@"', "sh",
                *arguments)


# ---- the runtime ----

def inside(path):
    """Where the runtime has a file of this machine: Flatpak gives it the links that lead to /usr, and /etc."""
    return WORK / "runtime" / "usr" / re.sub("^/usr/", "/", path).lstrip("/")


def copy(path):
    target = inside(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    if os.path.isdir(path):
        shutil.copytree(path, target, symlinks=True, dirs_exist_ok=True, ignore=lambda folder, names: [
            name for name in names if any(fnmatch.fnmatch(name, pattern) for pattern in OMITTED.split())])
    else:
        shutil.copy(path, target)


def list_libraries(programs):
    listed = subprocess.run(["ldd", *programs], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False).stdout
    return sorted(set(re.findall(r"(/\S+) \(0x", listed)))


def copy_libraries():
    """What all that is there already is linked with, and the loader."""
    there = [path for path in (WORK / "runtime" / "usr").rglob("*") if path.is_file() and not path.is_symlink()]
    for path in list_libraries([path for path in there if path.read_bytes()[:4] == b"\x7fELF"]):
        folder, name = os.path.split(path)
        # The loader stays where programs have it.
        folder = folder if name.startswith("ld-") else os.path.realpath(folder)
        copy(os.path.join(folder, name))


def is_made():
    """Since the machine's packages have changed, and this script."""
    made, packages = WORK / "runtime-is-made", pathlib.Path("/var/lib/dpkg/status")
    return made.exists() and packages.exists() and made.stat().st_mtime > max(
        packages.stat().st_mtime, pathlib.Path(__file__).stat().st_mtime)


def make_runtime():
    if is_made():
        return
    shutil.rmtree(WORK / "runtime", ignore_errors=True)
    libraries = step("Making a runtime of this machine's files", "pkg-config", "--variable=libdir", "gtk4").strip()
    for program in PROGRAMS:
        copy(shutil.which(program, path="/usr/bin:/bin") or sys.exit("flatpak: there is no program %s." % program))
    for program in filter(None, (shutil.which(name, path="/usr/bin:/bin") for name in PROGRAMS_IF_ANY)):
        copy(program)
    for pattern in FILES:
        for path in glob.glob(pattern.replace("LIBDIR", libraries)):
            copy(path)
    copy_libraries()
    step("Compiling its modules of Python", shutil.which("python3", path="/usr/bin:/bin"), "-m", "compileall", "-q", "-j", "0",
         "--invalidation-mode", "unchecked-hash", "-s", WORK / "runtime", *(WORK / "runtime" / "usr" / "lib").glob("python3*"))
    (WORK / "runtime" / "files").mkdir()
    arch = step("For the architecture that flatpak has", "flatpak", "--default-arch").strip()
    name = "%s/%s/%s" % (RUNTIME, arch, BRANCH)
    # As GNOME's runtime has it.
    (WORK / "runtime" / "metadata").write_text(
        "[Runtime]\nname=%s\nruntime=%s\nsdk=%s\n\n[Environment]\nGI_TYPELIB_PATH=/app/lib/girepository-1.0\n"
        "PYTHONPATH=/app/lib/python3/site-packages\n" % (RUNTIME, name, name), encoding="utf-8")
    repository = WORK / "repository"
    step("Exporting it", "flatpak", "build-export", "--runtime", repository, WORK / "runtime", BRANCH)
    step("Adding its repository", "flatpak", "--user", "remote-add", "--if-not-exists", "--no-gpg-verify", "own", repository)
    flatpak("Installing it", "flatpak", "--user", "install", "--noninteractive", "--or-update", "own", name)
    (WORK / "runtime-is-made").touch()


# ---- applications ----

def build_here(module, source, earlier):
    """The module's files as they will be in /app, built with what the modules before it have built.

    Modules of one name share a folder, so what two applications have in common is compiled once. An option that only one of
    their manifests sets would stay set.
    """
    folder = WORK / "build" / module["name"]
    root = WORK / "root" / module["name"]
    shutil.rmtree(root, ignore_errors=True)
    again = ["--reconfigure"] if (folder / "build.ninja").exists() else []
    described = "PKG_CONFIG_PATH=" + ":".join(str(WORK / "build" / name / "meson-uninstalled") for name in earlier)
    # Where the small runtime looks for packages of Python.
    step("Configuring %s" % module["name"], "env", described, "meson", "setup", *again, folder, source, "--prefix=/app",
         "-Dpython.purelibdir=/app/lib/python3/site-packages", "-Dpython.platlibdir=/app/lib/python3/site-packages",
         *module["config-opts"])
    step("Building it", "ninja", "-C", folder)
    step("Taking its files", "meson", "install", "-C", folder, "--no-rebuild", "--destdir", root)
    return made_here(module, root / "app")


def take_program(module):
    """The program, and which of its libraries the runtime lacks."""
    root = WORK / "root" / module["name"]
    shutil.rmtree(root, ignore_errors=True)
    program = shutil.which(module["name"]) or sys.exit(
        "flatpak: the manifest fetches %s, whose place a program of this machine would take: install it." % module["name"])
    print("Taking %s" % program, flush=True)
    there = {path.name for path in (WORK / "runtime" / "usr").rglob("*.so*")}
    libraries = [path for path in list_libraries([program]) if os.path.basename(path) not in there]
    for path, name in [(program, "bin"), *((path, "lib") for path in libraries)]:
        (root / "app" / name).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, root / "app" / name)
    return made_here(module, root / "app")


def made_here(module, files):
    return {"name": module["name"], "buildsystem": "simple", "build-commands": ["cp -a . /app"],
            "sources": [{"type": "dir", "path": str(files)}]}


def change_module(module, folder, earlier):
    if any("url" in source for source in module["sources"]):
        return take_program(module)
    for source in module["sources"]:
        source["path"] = str((folder / source["path"]).resolve())
    return build_here(module, module["sources"][0]["path"], earlier) if module["buildsystem"] == "meson" else module


def change(manifest, folder):
    """The manifest for the small runtime."""
    modules = []
    for module in manifest["modules"]:
        modules.append(change_module(module, folder, [earlier["name"] for earlier in modules]))
    return dict(manifest, **{"modules": modules, "runtime": RUNTIME, "sdk": RUNTIME, "runtime-version": BRANCH,
                             # These want programs of the SDK, and links in place of folders that modules have in common.
                             "appstream-compose": False, "separate-locales": False,
                             "build-options": {"no-debuginfo": True, "strip": False}})


def install(path):
    manifest = change(json.loads(path.read_text(encoding="utf-8")), path.parent)
    changed = WORK / path.name
    changed.write_text(json.dumps(manifest, indent=2), encoding="utf-8")
    flatpak("Making and installing the Flatpak %s" % manifest["id"], "flatpak-builder", "--user", "--install", "--assumeyes",
            "--disable-rofiles-fuse", "--disable-cache", "--force-clean", "--state-dir=%s" % (WORK / "state"),
            "--repo=%s" % (WORK / "repository"), WORK / "application" / manifest["id"], changed)
    return manifest["id"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifests", metavar="MANIFEST", nargs="*", type=pathlib.Path, default=[DEMO],
                        help="what to make instead of the demo, in JSON")
    manifests = parser.parse_args().manifests
    os.chdir(TOP)
    WORK.mkdir(parents=True, exist_ok=True)
    make_runtime()
    for manifest in manifests:
        name = install(manifest.resolve())
        print("Run it: FLATPAK_USER_DIR=%s flatpak run --user %s" % (environment()["FLATPAK_USER_DIR"], name))


main()
