# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which functions of the library a program in Python calls, read from its text: by class and method, not by the word.

What an expression is follows from how it was made (`Ferry.Mux.new()`, a method that returns a transport) or, of an
argument, from its name (`transport`, `job`), where the program has no class of that name with that method itself."""

import ast
import re

NAMESPACE = re.compile(r"Ferry(Gtk|Cluster|Queue|Classic)?$")


def words_of(name):
    """TaskGroup as a variable is called: task_group."""
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


class Program:
    """The modules of one program, by their names."""

    def __init__(self, modules, methods, returns):
        """methods: pairs of a class and a method. returns: of those pairs that return an object, its class."""
        self.methods = methods
        self.returns = returns
        self.classes = {words_of(name): name for name, _ in methods if name}
        self.modules = [ast.parse(text) for text in modules.values()]
        self.own_methods = set()
        # (number of a module, name) -> classes of the library; and of the program's classes, from which they are.
        self.names, self.subclasses = {}, {}
        for module in self.modules:
            self.own_methods |= {(words_of(node.name), part.name) for node in ast.walk(module) if isinstance(node, ast.ClassDef)
                                 for part in node.body if isinstance(part, ast.FunctionDef)}
        self.defined = {name for _, name in self.own_methods} | {
            node.name for module in self.modules for node in ast.walk(module) if isinstance(node, ast.FunctionDef)}
        size = -1
        while size != self.size():
            size = self.size()
            for number, module in enumerate(self.modules):
                self.learn(number, module)

    def size(self):
        return sum(map(len, [*self.names.values(), *self.subclasses.values()]))

    def learn(self, number, module):
        """What names are bound to, for as long as more is learnt of it."""
        for node in ast.walk(module):
            pairs = []
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    both = isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple)
                    pairs += zip(target.elts, node.value.elts) if both else [(target, node.value)]
            elif isinstance(node, (ast.NamedExpr, ast.AnnAssign)) and node.value:
                pairs = [(node.target, node.value)]
            elif isinstance(node, ast.withitem) and node.optional_vars:
                pairs = [(node.optional_vars, node.context_expr)]
            for target, value in pairs:
                name = self.name_of(target)
                if name:
                    self.names.setdefault((number, name), set()).update(self.kinds(number, value))
            if isinstance(node, ast.ClassDef):
                kinds = set().union(*[self.kinds(number, base) | self.subclasses.get(self.name_of(getattr(base, "value", base)), set())
                                      for base in node.bases])
                self.subclasses.setdefault(node.name, set()).update(kinds)
                self.names.setdefault((number, "self"), set()).update(kinds)

    @staticmethod
    def name_of(node):
        return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else None

    def kinds(self, number, node):
        """The classes of the library that an expression may be of; a class itself counts as one of its objects."""
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute):
                made = {self.returns.get((kind, node.func.attr)) for kind in self.kinds(number, node.func.value)} - {None}
                if made:
                    return made
            # Ferry.Task(…) makes one, as function(…) makes nothing that is known.
            return self.kinds(number, node.func) if self.is_class(node.func) else set()
        if isinstance(node, (ast.BoolOp, ast.IfExp)):
            parts = node.values if isinstance(node, ast.BoolOp) else [node.body, node.orelse]
            return set().union(*[self.kinds(number, part) for part in parts])
        if self.is_class(node):
            return {node.attr}
        if isinstance(node, ast.Name) and NAMESPACE.match(node.id):
            return {""}
        if isinstance(node, ast.Subscript):
            return self.kinds(number, node.value)
        name = self.name_of(node)
        return self.names.get((number, name), set()) if name else set()

    @staticmethod
    def is_class(node):
        return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and bool(NAMESPACE.match(node.value.id)) \
            and node.attr[:1].isupper()

    def called(self):
        """The pairs that are called, or handed on to be called."""
        found = set()
        for number, module in enumerate(self.modules):
            for node in ast.walk(module):
                if not isinstance(node, ast.Attribute):
                    continue
                kinds = self.kinds(number, node.value) or self.guess(node)
                found |= {(kind, node.attr) for kind in kinds} & self.methods
        return found

    def guess(self, node):
        """By what the argument is called, else by a method that only one class has, and nothing of the program itself."""
        name = (self.name_of(node.value) or "").lstrip("_")
        if name in self.classes and (name, node.attr) not in self.own_methods:
            return {self.classes[name]}
        owners = {kind for kind, method in self.methods if method == node.attr and kind}
        return owners if len(owners) == 1 and node.attr not in self.defined and "_" in node.attr else set()
