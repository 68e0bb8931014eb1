# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Ferry installed into a folder of its own, or as it was built, and programs built against it through pkg-config."""

import glob
import os
import re
import shutil
import subprocess

# Only ends a hang.
SOME_SECONDS = 1200

# What the libraries beside the first one are called in other languages.
NAMESPACES = ("FerryClassic", "FerryCluster", "FerryGtk")


class Failed(Exception):
    """A command failed; what it printed comes along."""


def call(command, stderr=subprocess.STDOUT, **options):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr, text=True,
                          timeout=SOME_SECONDS, check=False, **options)
    if done.returncode != 0:
        raise Failed("%s ended with %d:\n%s" % (" ".join(command), done.returncode, done.stdout))
    return done.stdout


class Described:
    """Libraries that pkg-config finds in a folder; programs that use them run in another one, the root."""

    def __init__(self, folder, root, sanitizers):
        self.root = root
        self.sanitizers = [] if sanitizers == "none" else ["-fsanitize=" + sanitizers]
        self.environment = dict(os.environ, PKG_CONFIG_PATH=folder)

    def pkg_config(self, *arguments):
        return call(["pkg-config", *arguments], env=self.environment).split()

    def compile(self, source, program, *packages):
        """Builds a program of one file with every warning an error."""
        flags = self.pkg_config("--cflags", "--libs", *packages) if packages else []
        compiler = os.environ.get("CC", "cc").split()
        call([*compiler, "-Wall", "-Werror", *self.sanitizers, "-o", program, source, *flags], env=self.environment)

    def run(self, *command, stderr=subprocess.STDOUT, **environment):
        return call(list(command), stderr, env=dict(self.environment, **environment), cwd=self.root)

    def check_bare(self, report, source):
        """What desktops have, and machines that only build do not."""
        lacking = os.path.join(self.root, "lacking.ini")
        with open(lacking, "w", encoding="utf-8") as file:
            file.write("[binaries]\nupdate-desktop-database = 'there-is-none'\n")
        said = self.run("meson", "setup", "bare", source, "--native-file", lacking)
        report.fact("it is configured where there is no update-desktop-database", "there-is-none found: NO" in said, [said])


class Built(Described):
    """A build folder, of which nothing is installed."""

    def __init__(self, build, root, sanitizers, *packages):
        super().__init__(os.path.join(build, "meson-uninstalled"), root, sanitizers)
        folders = [flag[len("-L"):] for flag in self.pkg_config("--libs-only-L", *packages)]
        self.environment["LD_LIBRARY_PATH"] = os.pathsep.join(folders)


class Installed(Described):
    """What 'meson install' of a build folder puts under a root."""

    def __init__(self, build, root, sanitizers):
        call(["meson", "install", "-C", build, "--no-rebuild", "--quiet", "--destdir", root])
        descriptions = glob.glob(os.path.join(root, "**", "pkgconfig", "ferry-*.pc"), recursive=True)
        found = [path for path in descriptions if re.search(r"/ferry-\d+\.pc$", path)]
        if len(found) != 1:
            raise Failed("pkg-config files that were installed: %r" % (descriptions,))
        super().__init__(os.path.dirname(found[0]), root, sanitizers)
        self.watcher = os.path.join(build, "tests", "examples", "libferry-watcher.so")
        self.description = found[0]
        # Libraries beside the first one.
        self.siblings = [os.path.basename(path)[:-len(".pc")] for path in descriptions if path not in found]
        for path in descriptions:
            self.move_prefix(path)
        self.name = os.path.basename(self.description)[:-len(".pc")]
        self.started = []
        # Programs that are installed for users.
        for folder in glob.glob(os.path.join(root, "**", "bin"), recursive=True):
            self.environment["PATH"] = folder + os.pathsep + self.environment["PATH"]
        self.environment["LD_LIBRARY_PATH"] = self.pkg_config("--variable=libdir", self.name)[0]

    def move_prefix(self, description):
        """The description names the place that the library is meant for; here it lies under the root."""
        with open(description, encoding="utf-8") as file:
            text = file.read()
        text = re.sub(r"^prefix=", "prefix=" + self.root, text, count=1, flags=re.MULTILINE)
        text = re.sub(r"^(\w+dir)=/", r"\1=%s/" % self.root, text, flags=re.MULTILINE)
        with open(description, "w", encoding="utf-8") as file:
            file.write(text)

    def names(self):
        """All names that the installed headers have; and those of the libraries beside, which not each build has."""
        found = set(NAMESPACES)
        paths = glob.glob(os.path.join(self.root, "**", "*.h"), recursive=True)
        for sibling in ("classic", "cluster", "gtk", "queue"):
            paths += glob.glob(os.path.join(os.path.dirname(__file__), "..", "..", "router", sibling, "ferry-*.h"))
        for path in paths:
            if path.endswith("-private.h"):
                continue
            with open(path, encoding="utf-8") as file:
                found.update(re.findall(r"\w+", file.read()))
        return found

    def has(self, program):
        return shutil.which(program, path=self.environment["PATH"]) is not None

    def start(self, *command):
        """A program that runs beside others, until end_all()."""
        self.started.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                             stderr=subprocess.DEVNULL, env=self.environment, cwd=self.root))

    def end_all(self):
        """The one that was started last ends first."""
        while self.started:
            process = self.started.pop()
            process.terminate()
            process.wait(SOME_SECONDS)
