// SPDX-FileCopyrightText: The Ferry authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// Which callables of a namespace there are, by its GIR, and which of them a program has called.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';

import {none} from './tap.js';

const CALLED_FILE = GLib.getenv('FERRY_TEST_CALLED');

const called = new Set();

function read(path) {
    const [, bytes] = GLib.file_get_contents(path);
    return new TextDecoder().decode(bytes);
}

function note(name) {
    if (called.has(name))
        return;
    called.add(name);
    // What a worker calls is told to the test, also where the call never returns.
    if (CALLED_FILE) {
        const file = Gio.File.new_for_path(CALLED_FILE);
        const stream = file.append_to(Gio.FileCreateFlags.NONE, null);
        stream.write(`${name}\n`, null);
        stream.close(null);
    }
}

export function noteWhatWorkersCalled(path) {
    if (GLib.file_test(path, GLib.FileTest.EXISTS))
        read(path).split('\n').filter(name => name).forEach(name => called.add(name));
}

// Names such as 'Router.start'. Those of a function that the GIR names twice are given once. A function that other
// languages know by the name of another one has that name here.
export function listCallables(girPath) {
    const names = [];
    const classes = [];
    let owner = null;
    const pattern = /<(\/?)(class|interface|record|enumeration|bitfield|method|function|constructor)(?=[\s>])([^>]*)>/g;
    for (const [, end, tag, text] of read(girPath).matchAll(pattern)) {
        const [, name] = text.match(/\sname="([^"]*)"/) ?? [null, null];
        if (['class', 'interface', 'record', 'enumeration', 'bitfield'].includes(tag)) {
            owner = end || text.endsWith('/') ? null : name;
            if (!end && !text.includes('is-gtype-struct-for'))
                classes.push(name);
        } else if (!end && !text.includes('moved-to') && !text.includes('shadowed-by=')) {
            const [, shown] = text.match(/\sshadows="([^"]*)"/) ?? [null, name];
            names.push(owner ? `${owner}.${shown}` : shown);
        }
    }
    return {classes, names};
}

// Lines 'Router.start | works' or 'View.ref | C only | what to do instead'. Returns a map: name -> [how, instead].
export function readTable(path) {
    return new Map(read(path).split('\n').filter(line => line && !line.startsWith('#'))
        .map(line => line.split('|').map(part => part.trim()))
        .map(([name, ...rest]) => [name, rest]));
}

function watchFunction(holder, key, name) {
    const original = holder[key];
    if (typeof original === 'function') {
        holder[key] = function (...args) {
            note(name);
            return original.apply(this, args);
        };
    }
}

// Has each call of these callables noted.
export function watch(namespace, names) {
    for (const name of names) {
        const [owner, key] = name.includes('.') ? name.split('.') : [null, name];
        if (owner === null) {
            watchFunction(namespace, key, name);
        } else {
            watchFunction(namespace[owner], key, name);
            if (namespace[owner].prototype)
                watchFunction(namespace[owner].prototype, key, name);
        }
    }
}

export function checkTable(names, table) {
    none('each callable is in the table', names.filter(name => !table.has(name)));
    none('each line of the table is a callable', [...table.keys()].filter(name => !names.includes(name)));
    none('each line says how', [...table].filter(([, [how, instead]]) => how !== 'works' && !(how === 'C only' && instead))
        .map(([name]) => name));
    none('what works was called', [...table].filter(([name, [how]]) => how === 'works' && !called.has(name))
        .map(([name]) => name));
    none('what is for C only was not', [...table].filter(([name, [how]]) => how !== 'works' && called.has(name))
        .map(([name]) => name));
}
