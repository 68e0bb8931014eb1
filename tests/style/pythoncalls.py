# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which functions of the library a program in Python calls, read from its text: by class and method, not by the word.

What an expression is follows from how it was made: by `Ferry.Mux.new()`, by a method that returns a transport, by a function
or a class of the program. An argument is what the program gives, or what the library calls a handler with. What nothing is
known of calls nothing, whatever its name.
"""

import ast
import re

NAMESPACE = re.compile(r"Ferry(Gtk|Cluster|Queue|Classic)?$")
FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


class Own:
    """A class, or a function, of the program itself."""

    def __init__(self, node, scopes):
        self.node, self.scopes = node, scopes
        self.bases = set()

    def members(self):
        return {part.name: part for part in self.node.body if isinstance(part, FUNCTION)}


class Program:
    """The modules of one program, by their names."""

    def __init__(self, modules, methods, returns, handlers=None):
        """methods: pairs of a class and a method. returns: of those pairs that return an object, its class. handlers: of those
        that take a function of the program, what that is called with."""
        self.methods, self.returns, self.handlers = methods, returns, handlers or {}
        self.modules = {re.sub(r".*/|\.py$", "", re.sub(r"/__init__\.py$", ".py", name)): ast.parse(text)
                        for name, text in modules.items()}
        # A node of a class or a function -> what it is; a node -> the scopes that it is in, the innermost last.
        self.own, self.scopes = {}, {}
        # (scope, name) -> what it may be: a class of the library, “” for its functions, or an Own.
        self.names = {}
        for name, module in self.modules.items():
            self.place(module, (name,))
        # Node -> what it may be, by what is learnt until now.
        size, self.known = -1, {}
        while size != self.size():
            size = self.size()
            self.known = {}
            for node in self.scopes:
                self.learn(node)

    def size(self):
        return sum(map(len, self.names.values())) + sum(len(own.bases) for own in self.own.values())

    def place(self, node, scopes):
        """Finds the scopes of all nodes, and what each scope defines itself."""
        for part in ast.iter_child_nodes(node):
            self.scopes[part] = scopes
            if isinstance(part, (ast.ClassDef, *FUNCTION)):
                self.own[part] = Own(part, scopes)
                if not isinstance(part, ast.Lambda):
                    self.names.setdefault((scopes[-1], part.name), set()).add(self.own[part])
                for argument in parameters(part):
                    self.names.setdefault((part, argument), set())
            elif isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
                self.names.setdefault((scopes[-1], part.id), set())
            self.place(part, (*scopes, part) if isinstance(part, (ast.ClassDef, *FUNCTION)) else scopes)

    def learn(self, node):
        """What names are bound to, for as long as more is learnt of it."""
        if isinstance(node, ast.Assign):
            for target in node.targets:
                both = isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple)
                for left, right in zip(target.elts, node.value.elts) if both else [(target, node.value)]:
                    self.bind(left, self.kinds(right))
        elif isinstance(node, (ast.NamedExpr, ast.AnnAssign)) and node.value:
            self.bind(node.target, self.kinds(node.value))
        elif isinstance(node, ast.withitem) and node.optional_vars:
            self.bind(node.optional_vars, self.kinds(node.context_expr))
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                found = self.names.get(((node.module or "").split(".")[-1], alias.name), set())
                self.names.setdefault((self.scopes[node][-1], alias.asname or alias.name), set()).update(found)
        elif isinstance(node, ast.ClassDef):
            self.own[node].bases |= set().union(*map(self.kinds, node.bases))
            for part in self.own[node].members().values():
                if parameters(part):
                    self.names[(part, parameters(part)[0])].add(self.own[node])
        elif isinstance(node, ast.Call):
            self.learn_arguments(node)

    def bind(self, target, kinds):
        if isinstance(target, ast.Name):
            self.names.setdefault((self.scope_of(target), target.id), set()).update(kinds)
        elif isinstance(target, ast.Attribute):
            for owner in self.kinds(target.value):
                if isinstance(owner, Own):
                    self.names.setdefault((owner.node, "." + target.attr), set()).update(kinds)

    def scope_of(self, node):
        """The innermost scope that defines a name; those of a class are not seen from its methods."""
        scopes = self.scopes[node]
        for scope in reversed(scopes):
            if (scope, node.id) in self.names and (scope is scopes[-1] or not isinstance(scope, ast.ClassDef)):
                return scope
        return scopes[0]

    def learn_arguments(self, call):
        """What the arguments of the program's own functions are."""
        for callee in self.kinds(call.func):
            if isinstance(callee, Own):
                function = callee.node if isinstance(callee.node, FUNCTION) else callee.members().get("__init__")
                if function:
                    self.give(function, [self.kinds(argument) for argument in call.args])
                    for keyword in call.keywords:
                        if (function, keyword.arg) in self.names:
                            self.names[(function, keyword.arg)] |= self.kinds(keyword.value)
        if isinstance(call.func, ast.Attribute):
            for kind in self.kinds(call.func.value):
                if not isinstance(kind, Own):
                    self.learn_handlers(call, kind)
            if call.func.attr == "append" and call.args:
                self.bind(call.func.value, self.kinds(call.args[0]))

    def learn_handlers(self, call, kind):
        """The library calls a function that it was given with an object of the program's: the one that it is a callback of."""
        given = self.handlers.get((kind, call.func.attr), [kind])
        for argument in call.args:
            for node in ast.walk(argument):
                for own in self.kinds(node) if isinstance(node, (ast.Attribute, ast.Name, ast.Lambda)) else ():
                    if isinstance(own, Own) and isinstance(own.node, FUNCTION) and node in self.scopes:
                        self.give(own.node, [{each} if each else set() for each in given])

    def give(self, function, kinds):
        names = parameters(function)
        if self.is_method(function):
            names = names[1:]
        for name, found in zip(names, kinds):
            self.names[(function, name)] |= found

    def is_method(self, function):
        return isinstance(self.scopes[function][-1], ast.ClassDef)

    def kinds(self, node):
        """What an expression may be, as far as it is known; a class itself counts as one of its objects."""
        if node not in self.known:
            # A function that calls itself returns what it returns else.
            self.known[node] = set()
            self.known[node] = self.find_kinds(node)
        return self.known[node]

    def find_kinds(self, node):
        if isinstance(node, ast.Call):
            return self.results(node)
        if isinstance(node, ast.Lambda):
            return {self.own[node]}
        if isinstance(node, (ast.BoolOp, ast.IfExp)):
            parts = node.values if isinstance(node, ast.BoolOp) else [node.body, node.orelse]
            return set().union(*map(self.kinds, parts))
        if isinstance(node, ast.Subscript):
            return self.kinds(node.value)
        if self.is_class(node):
            return {node.attr}
        if isinstance(node, ast.Name):
            return {""} if NAMESPACE.match(node.id) else self.names.get((self.scope_of(node), node.id), set())
        if isinstance(node, ast.Attribute):
            if isinstance(node.value, ast.Name) and node.value.id in self.modules:
                return self.names.get((node.value.id, node.attr), set())
            return set().union(*[self.member(owner, node.attr, set()) for owner in self.kinds(node.value)])
        return set()

    def is_class(self, node):
        return isinstance(node, ast.Attribute) and node.attr[:1].isupper() and "" in self.kinds(node.value)

    def member(self, owner, name, seen):
        """An attribute, or a method, of an object of a class of the program or of those that it is from."""
        if not isinstance(owner, Own) or owner in seen or isinstance(owner.node, FUNCTION):
            return set()
        found = set(self.names.get((owner.node, "." + name), ())) | set(self.names.get((owner.node, name), ()))
        return found or set().union(*[self.member(base, name, seen | {owner}) for base in owner.bases])

    def results(self, call):
        if isinstance(call.func, ast.Attribute):
            made = {self.returns.get((kind, call.func.attr)) for kind in self.kinds_of_the_library(call.func)} - {None}
            if made:
                return made
        # Ferry.Task(…) makes one, and so does a class of the program.
        if self.is_class(call.func):
            return {call.func.attr}
        # What loads the library is given its name.
        if call.args and isinstance(call.args[0], ast.Constant) and NAMESPACE.match(str(call.args[0].value)):
            return {""}
        if isinstance(call.func, ast.Name) and call.func.id == "super":
            classes = [scope for scope in self.scopes[call] if isinstance(scope, ast.ClassDef)]
            return set(self.own[classes[-1]].bases) if classes else set()
        found = set()
        for own in self.kinds(call.func):
            if isinstance(own, Own):
                found |= self.returned(own.node) if isinstance(own.node, FUNCTION) else {own}
        return found

    def returned(self, function):
        if isinstance(function, ast.Lambda):
            return self.kinds(function.body)
        return set().union(*[self.kinds(node.value) for node in ast.walk(function)
                             if isinstance(node, ast.Return) and node.value and self.scopes[node][-1] is function])

    def kinds_of_the_library(self, node):
        """The classes of the library whose method an attribute may be: not where a class of the program has its own."""
        found, owners = set(), list(self.kinds(node.value))
        while owners:
            owner = owners.pop()
            if not isinstance(owner, Own):
                found.add(owner)
            elif isinstance(owner.node, ast.ClassDef) and node.attr not in owner.members():
                owners += owner.bases
        return found

    def called(self):
        """The pairs that are called, or handed on to be called."""
        return {(kind, node.attr) for node in self.scopes if isinstance(node, ast.Attribute)
                for kind in self.kinds_of_the_library(node)} & self.methods


def parameters(node):
    """The names of a function's arguments."""
    if not isinstance(node, FUNCTION):
        return []
    return [argument.arg for argument in [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]]
