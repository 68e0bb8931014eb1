#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is public, and nothing else, reaches other programs: check-headers.py TOP BUILD LIBRARY... [-- PROGRAM...]

What uses more, be it a library or a program, is in a package that is installed with the library of its own version only. Reads what meson installs from its own introspection, and what each library exports from its symbol table. A public
header is one that guards itself against direct inclusion or marks what came with a version. A private header marks what
a library exports for its siblings of the same version.
"""

import fnmatch
import json
import os
import re
import sys

import sources
import tap

# What applications include, of each library: each public header is in exactly one of them.
UMBRELLAS = {
    "ferry": ("ferry.h", "ferry-conversations.h", "ferry-objects.h"),
    "ferry-classic": ("ferry-classic.h",),
    "ferry-cluster": ("ferry-cluster.h",),
    "ferry-queue": ("ferry-queue.h",),
    "ferry-gtk": ("ferry-gtk.h",),
}
# The folders of libraries beside the first one.
SIBLINGS = {"ferry-classic": "classic", "ferry-cluster": "cluster", "ferry-gtk": "gtk", "ferry-queue": "queue"}
MARK = r"\bFERRY_AVAILABLE_IN_\d+_\d+\b"
SIBLING_MARK = r"\bFERRY_FOR_SIBLINGS\b"
GUARD = r"!\s*defined\s*\(?\s*FERRY_INSIDE\b"
ADVICE = r'^#error "Include <([\w-]+\.h)>, not this header."$'


def name_of(library):
    """Of a library's file: 'router/libferry-1.so.0.1.90' is 'ferry'."""
    return re.match(r"lib(ferry[a-z-]*)-\d+\.so", os.path.basename(library))[1]


def part_of(tree, library):
    """The files of the library: a sibling has a folder, and the first library has the others."""
    folder = SIBLINGS.get(library)
    return {name: text for name, text in tree.items() if name.startswith("router/")
            and (name.split("/")[1] == folder if folder else name.split("/")[1] not in SIBLINGS.values())}


def installed_headers(build, library="ferry"):
    """Name under the library's include folder -> text, of all that is installed."""
    with open(os.path.join(build, "meson-info", "intro-installed.json"), encoding="utf-8") as file:
        installed = json.load(file)
    headers = {}
    for source, target in installed.items():
        match = re.search(r"/%s-\d+/(.*\.h)$" % library, target)
        if match:
            with open(source, encoding="utf-8") as file:
                headers[match[1]] = file.read()
    return headers


def private_names(headers):
    return ["%s is private by its name, and installed" % name for name in headers if "private" in name]


def dangling_includes(headers, below=()):
    """An installed header that includes one that is not installed cannot be compiled. A sibling has those of the library
    below it too."""
    return ["%s:%d: includes %s, which is not installed" % (name, line, target)
            for name, text in headers.items() for line, bracket, target in sources.includes(text)
            if bracket == '"' and target not in headers and target not in below]


def unguarded(headers, umbrellas):
    return ["%s may be included directly" % name for name, text in headers.items()
            if name not in umbrellas and not re.search(GUARD, text)]


def umbrellas_of(headers, umbrellas):
    """Header -> the umbrellas that name it, for each that is none itself."""
    return {name: [umbrella for umbrella in umbrellas
                   if name in {target for _, _, target in sources.includes(headers.get(umbrella, ""))}]
            for name in headers if name not in umbrellas}


def not_in_one_umbrella(headers, umbrellas):
    return ["%s is in %s" % (name, " and ".join(found) or "none of " + ", ".join(umbrellas))
            for name, found in umbrellas_of(headers, umbrellas).items() if len(found) != 1]


def wrong_advice(headers, umbrellas):
    """A header that is included directly says which one to include: its own umbrella."""
    advice = {name: re.findall(ADVICE, text, re.MULTILINE) for name, text in headers.items()}
    return ["%s advises to include %s, and is in %s" % (name, " ".join(advice[name]) or "nothing", " ".join(found))
            for name, found in umbrellas_of(headers, umbrellas).items() if advice[name] != found]


def not_installed(headers, tree):
    """Headers of the library that are public by what they say, and are in no list of meson's."""
    return ["%s is public, and not installed" % name for name, text in sources.select(tree, r"router/.*\.h$").items()
            if name[len("router/"):] not in headers and re.search(MARK + "|" + GUARD, text)]


def declarations(text):
    """Header text without comments and preprocessor lines."""
    return re.sub(r"^[ \t]*#(.*\\\n)*.*$", "", sources.without_comments(text), flags=re.MULTILINE)


def declared(headers, mark=MARK):
    """The functions that the headers mark as exported, and complaints of marks on something else."""
    names = set()
    complaints = []
    pattern = re.compile(mark + r"\s*(?:G_DECLARE_(?:\w+_TYPE|INTERFACE)\s*\(\s*\w+\s*,\s*(\w+)|[\w\s*]*?\b(\w+)\s*\()")
    for header, text in headers.items():
        text = declarations(text)
        matches = pattern.findall(text)
        names |= {macro + "_get_type" if macro else function for macro, function in matches}
        if len(matches) != len(re.findall(mark, text)):
            complaints.append("%s: a mark on something that is no function" % header)
    return names, complaints


def declared_for_siblings(tree):
    """As declared(), of the private headers."""
    return declared(sources.select(tree, r"router/.*-private\.h$"), SIBLING_MARK)


def process_numbers(headers):
    """kill() takes -1 for every process, and 0 for the caller's group. So what applications know of a process is a text,
    and a function sends it signals."""
    return ["%s: %s; give out a text named 'identifier', and send signals by a function" % (name, match.strip())
            for name, text in headers.items()
            for match in re.findall(r".*(?:\bGPid\b|\bpid_t\b|\bpid\b|_pid\b).*", declarations(text))]


def process_number_properties(tree):
    return ["%s: %s); install 'identifier', a text" % (name, match)
            for name, text in sources.select(tree, r"router/.*\.c$").items()
            for match in re.findall(r'g_param_spec_\w+ \("(?:[\w-]+-)?pid"', text)]


def promised_to_siblings(headers):
    return ["%s: installed, and has what is for siblings" % name for name, text in headers.items()
            if re.search(SIBLING_MARK, text)]


def unwanted_marks(tree):
    """What is exported for siblings, and none calls, neither itself nor by what a private header has in line. The program
    that looks up names is linked with the library, too, and so is Python's module."""
    names, _ = declared_for_siblings(part_of(tree, "ferry"))
    places = r"(?:router/(?:(?:%s)/|process/ferry-symbolizer-main\.c$)|bindings/python/_ferry\.c$)" % "|".join(SIBLINGS.values())
    callers = "\n".join(map(sources.without_comments, sources.select(tree, places).values()))
    headers = "\n".join(map(sources.without_comments, sources.select(tree, r"router/.*-private\.h$").values()))
    return ["%s is marked for siblings, and none calls it" % name for name in sorted(names)
            if not re.search(r"\b%s\b" % name, callers) and len(re.findall(r"\b%s\b" % name, headers)) < 2]


def packages_of(path, lists):
    """The packages that have an installed file, by the file or folder that each of Debian's lists names, wherever it is here."""
    return [package for package, patterns in lists.items()
            if any(fnmatch.filter(path.split("/"), os.path.basename(pattern)) for pattern in patterns)]


def package_lists(tree):
    """Package -> the patterns of what is installed with it."""
    return {os.path.basename(name)[:-len(".install")]: [line.split()[0] for line in text.splitlines() if line.strip()]
            for name, text in sources.select(tree, r"debian/.*\.install$").items()}


def loose_packages(users, lists, control):
    """What uses more of another library than installed headers declare, by an installed file, fits to its own version alone."""
    complaints = []
    for path, names in users.items():
        packages = packages_of(path, lists)
        if names and not packages:
            complaints.append("%s is in no package, and uses %s" % (path, min(names)))
        for package in packages:
            paragraph = re.search(r"(?m)^Package: %s\n(?:.+\n)*" % re.escape(package), control)[0]
            if names and package != "libferry-1-0" and "libferry-1-0 (= ${binary:Version})" not in paragraph:
                complaints.append("%s: %s uses %s, which is for its own version, so it depends on"
                                  " libferry-1-0 (= ${binary:Version})" % (package, path, min(names)))
    return complaints


def inner_uses(build, binaries):
    """Installed path of each binary -> what it takes of Ferry's libraries that no installed header declares."""
    with open(os.path.join(build, "meson-info", "intro-installed.json"), encoding="utf-8") as file:
        installed = {os.path.realpath(source): target for source, target in json.load(file).items()}
    public = set()
    for library in UMBRELLAS:
        public |= declared(installed_headers(build, library))[0]
    return {installed[os.path.realpath(path)]: {name for name in sources.wanted_by(path) if name.startswith("ferry_")} - public
            for path in binaries}


def unmarked(headers):
    """Functions that a header declares without the mark are not exported, so the header promises too much."""
    complaints = []
    marked = declared(headers)[0]
    for header, text in headers.items():
        text = declarations(text)
        for match in re.finditer(r"^[\w][\w\s*]*?\b(ferry_\w+)\s*\([^()]*\)[^;{]*;", text, re.MULTILINE):
            if match[1] not in marked:
                complaints.append("%s: %s has no FERRY_AVAILABLE mark" % (header, match[1]))
    return complaints


def export_complaints(found, wanted):
    return (["%s is exported, and is not Ferry's by its name" % name for name in sorted(found)
             if not name.startswith("ferry_")]
            + ["%s is exported, and no public header declares it" % name for name in sorted(found - wanted)]
            + ["%s is declared in a public header, and not exported" % name for name in sorted(wanted - found)])


def undocumented(names, tree):
    """Each function, save those that say a type, has a comment for the documentation in a .c file."""
    documented = set()
    for text in sources.select(tree, r"router/.*\.c$").values():
        documented.update(re.findall(r"/\*\*\n \* (\w+):", text))
    return ["%s has no documentation" % name for name in sorted(names - documented)
            if not name.endswith(("_get_type", "_error_quark"))]


UMBRELLA, OTHER = "ferry.h", "ferry-more.h"
BOTH = (UMBRELLA, OTHER)
GOOD = {
    UMBRELLA: '#include "route/a.h"\n',
    OTHER: '#include "ferry.h"\n',
    "route/a.h": '#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)\n'
                 '#error "Include <ferry.h>, not this header."\n#endif\n#include <gio/gio.h>\n'
                 "FERRY_AVAILABLE_IN_0_1\nG_DECLARE_FINAL_TYPE (FerryA, ferry_a, FERRY, A, GObject)\n"
                 "FERRY_AVAILABLE_IN_0_1\nconst char *const *ferry_a_get (FerryA *self) G_GNUC_PURE;\n"
                 "typedef void (*FerryAFunc) (gpointer data);\nG_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryA, ferry_a_unref)\n",
}
SIBLING = {"router/lane/a-private.h": "FERRY_FOR_SIBLINGS\nvoid ferry_a_help (int a);\nFERRY_FOR_SIBLINGS gboolean ferry_a_be (void);\n"
                                      "void ferry_a_hide (void);\n"}
LIBRARIES = {"router/lane/a.h": "", "router/cluster/b.h": "", "router/ferry.h": "", "docs/c.md": ""}
GOOD_NAMES = {"ferry_a_get_type", "ferry_a_get"}


def test_the_checks(report):
    def seen(name, complaints, innocent=()):
        report.fact("would be seen: " + name, complaints and not innocent, innocent)

    seen("a private header that is installed", private_names({"lane/a-private.h": ""}), private_names(GOOD))
    seen("an include of a header that is not installed",
         dangling_includes({"route/a.h": '#include "lane/b-private.h"\n'}), dangling_includes(GOOD))
    seen("a header that may be included directly", unguarded({"route/a.h": ""}, BOTH), unguarded(GOOD, BOTH))
    seen("a header that the umbrellas lack", not_in_one_umbrella({**GOOD, UMBRELLA: ""}, BOTH), not_in_one_umbrella(GOOD, BOTH))
    seen("a header that two umbrellas have", not_in_one_umbrella({**GOOD, OTHER: GOOD[UMBRELLA]}, BOTH))
    seen("a header that advises to include another umbrella",
         wrong_advice({**GOOD, UMBRELLA: GOOD[OTHER], OTHER: GOOD[UMBRELLA]}, BOTH), wrong_advice(GOOD, BOTH))
    seen("a public header that is not installed",
         not_installed(GOOD, {"router/route/b.h": "FERRY_AVAILABLE_IN_0_1\nvoid ferry_b (void);\n"}),
         not_installed(GOOD, {"router/route/a.h": GOOD["route/a.h"], "router/lane/p-private.h": ""}))
    seen("a mark for siblings in an installed header", promised_to_siblings({"route/a.h": SIBLING["router/lane/a-private.h"]}),
         promised_to_siblings(GOOD))
    for sample in ("GPid ferry_a_get_number (FerryA *self);", "void ferry_a_follow (FerryA *self, pid_t process);",
                   "int ferry_a_get_pid (FerryA *self);", "gboolean ferry_a_start (FerryA *self, int *pid);"):
        seen("a process that is a number: " + sample, process_numbers({"route/a.h": sample}), process_numbers(GOOD))
    seen("a property with the number of a process",
         process_number_properties({"router/route/a.c": 'g_param_spec_int ("worker-pid", NULL, NULL, -1, 9, -1, 0)'}),
         process_number_properties({"router/route/a.c": 'g_param_spec_string ("identifier", NULL, NULL, NULL, 0)'}))
    report.equal("what is for siblings is read", declared_for_siblings(SIBLING), ({"ferry_a_help", "ferry_a_be"}, []))
    seen("a mark that no sibling wants", unwanted_marks({**SIBLING, "router/cluster/a.c": "/* ferry_a_help() */ ferry_a_be ();"}),
         unwanted_marks({**SIBLING, "router/cluster/a.c": "ferry_a_help (ferry_a_be ());"}))
    report.equal("a sibling has its folder", sorted(part_of(LIBRARIES, "ferry-cluster")), ["router/cluster/b.h"])
    report.equal("the first library has the others", sorted(part_of(LIBRARIES, "ferry")), ["router/ferry.h", "router/lane/a.h"])
    report.equal("libraries have names", [name_of("router/libferry-1.so.0.1.90"), name_of("libferry-cluster-1.so.0")],
                 ["ferry", "ferry-cluster"])
    seen("a declaration without its mark", unmarked({"route/a.h": "void ferry_b (int *a);\n"}), unmarked(GOOD))
    report.equal("declarations are read", declared(GOOD), (GOOD_NAMES, []))
    seen("a foreign name", export_complaints({"help"}, {"help"}), export_complaints(GOOD_NAMES, GOOD_NAMES))
    seen("an export that nobody declares", export_complaints({"ferry_a"}, set()))
    seen("a declaration that is not exported", export_complaints(set(), {"ferry_a"}))
    report.equal("symbols are read", sources.exported("0010 T ferry_a\n0020 D helper@@V1\n0030 B _edata\n"),
                 {"ferry_a", "helper"})
    documented = {"router/route/a.c": "/**\n * ferry_a_get:\n *\n * Gets.\n */\n"}
    seen("a function without documentation", undocumented({"ferry_b"}, documented),
         undocumented(GOOD_NAMES, documented))


LISTS = {"debian/libferry-1-0.install": "usr/lib/*/libferry-1.so.0*\n", "debian/ferry-a.install": "usr/bin/a\nusr/share/a etc/a\n",
         "debian/python3-a.install": "usr/lib/python3/dist-packages\n"}
STRICT = ("Package: libferry-1-0\nDepends: a\n\nPackage: ferry-a\nDepends: libferry-1-0 (= ${binary:Version}), b\n\n"
          "Package: python3-a\nDepends: ${shlibs:Depends}\n")


def test_packages(report):
    lists = package_lists(LISTS)
    inner = {"ferry_a_help"}
    report.equal("packages are found by a file, a name with the version, and a folder",
                 [packages_of(path, lists) for path in ("/opt/bin/a", "/usr/lib64/libferry-1.so.0.1.90",
                                                        "/usr/local/lib/python3/dist-packages/_a.so", "/usr/bin/b")],
                 [["ferry-a"], ["libferry-1-0"], ["python3-a"], []])
    innocent = {"/usr/bin/a": inner, "/usr/lib/libferry-1.so.0": inner, "/usr/lib/python3/dist-packages/_a.so": set(), "/b": set()}
    report.none("what fits its own version alone may use more than headers declare", loose_packages(innocent, lists, STRICT))
    report.equal("would be seen: what fits another version too, and does", len(loose_packages(
        {"/usr/bin/a": inner, "/usr/lib/python3/dist-packages/_a.so": inner}, lists, STRICT.replace("= $", ">= $"))), 2)
    report.equal("would be seen: what is in no package", len(loose_packages({"/usr/bin/b": inner}, lists, STRICT)), 1)


def check_packages(report, tree, build, binaries):
    users = inner_uses(build, binaries)
    report.fact("some siblings use what no installed header declares", any(users.values()), sorted(users))
    report.none("a package whose files do is installed with its own version only",
                loose_packages(users, package_lists(tree), tree["debian/control"]))


def check_library(report, tree, build, library):
    name = name_of(library)
    umbrellas = UMBRELLAS[name]
    headers = installed_headers(build, name)
    tree = part_of(tree, name)
    names, unreadable = declared(headers)
    inside, unreadable_inside = declared_for_siblings(tree)

    def none(fact, complaints):
        report.none("%s: %s" % (name, fact), complaints)

    report.fact("%s: headers are installed" % name, len(headers) > len(umbrellas), sorted(headers))
    report.none("%s: what applications include is installed" % name, sorted(set(umbrellas) - set(headers)))
    none("no private header is installed", private_names(headers))
    none("installed headers include installed headers only", dangling_includes(headers, installed_headers(build)))
    none("only what applications include may be included directly", unguarded(headers, umbrellas))
    none("every public header is in exactly one that applications include", not_in_one_umbrella(headers, umbrellas))
    none("every public header says which one has it", wrong_advice(headers, umbrellas))
    none("every public header is installed", not_installed(headers, tree))
    none("every public declaration is marked with its version", unmarked(headers) + unreadable)
    none("no public function takes or returns the number of a process", process_numbers(headers))
    none("no property is the number of a process", process_number_properties(tree))
    none("what is for siblings is marked in private headers only", promised_to_siblings(headers) + unreadable_inside)
    none("exactly what the public headers declare, and what is for siblings, is exported",
         export_complaints(sources.exported_by(library), names | inside))
    none("every exported function is documented", undocumented(names, tree))


def body(report):
    top, build, *binaries = sys.argv[1:]
    libraries = binaries[:binaries.index("--")] if "--" in binaries else binaries
    test_the_checks(report)
    test_packages(report)
    tree = sources.read_tree(top)
    report.none("what is marked for siblings is called by one", unwanted_marks(tree))
    for library in libraries:
        check_library(report, tree, build, library)
    if len(binaries) > 1 and "debian/control" in tree:
        check_packages(report, tree, build, [path for path in binaries if path != "--"])


tap.main(body)
